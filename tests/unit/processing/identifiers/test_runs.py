from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forebay.processing.identifiers.entries import Entries, by_key
from forebay.processing.identifiers.runs import (
    RunDamaged,
    RunName,
    RunWriter,
    open_run,
    read_name,
    write_run,
)
from forebay.processing.identifiers.verdicts import Keys


def random_entries(count: int, seed: int = 1) -> Entries:
    return np.random.default_rng(seed).integers(0, 2**64, (5, count), np.uint64)


def a_name(count: int, serial: int = 1) -> RunName:
    return RunName(500_000, 1, 1, serial, 0, count)


@given(st.integers(1, 3_000), st.integers(1, 1_000))
@settings(max_examples=30, deadline=None)
def test_run_has_what_was_written_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, count: int, slice_size: int
) -> None:
    folder = tmp_path_factory.mktemp("runs")
    entries = by_key(random_entries(count))
    writer = RunWriter(folder, a_name(count))
    for start in range(0, count, slice_size):
        writer.append(entries[:, start : start + slice_size])
    writer.finish()

    run = open_run(folder, a_name(count))

    assert (run.entries == entries).all()
    assert sorted(run.hits(Keys.of(entries)).claims.tolist()) == list(range(count))
    assert run.hits(Keys.of(random_entries(1_000, seed=2))).claims.size == 0


def test_map_turns_away_most_of_what_a_run_does_not_have(tmp_path: Path) -> None:
    write_run(tmp_path, a_name(1_000), by_key(random_entries(1_000)))
    run = open_run(tmp_path, a_name(1_000))

    share = np.unpackbits(run.key_map).mean()

    assert 0 < share < 0.125


def test_name_can_be_read_from_the_file(tmp_path: Path) -> None:
    write_run(tmp_path, a_name(3), by_key(random_entries(3)))

    assert read_name(tmp_path / a_name(3).file_name) == a_name(3)


def test_run_of_another_name_is_damaged(tmp_path: Path) -> None:
    write_run(tmp_path, a_name(3), by_key(random_entries(3)))
    other = a_name(3, serial=2)
    (tmp_path / a_name(3).file_name).rename(tmp_path / other.file_name)

    with pytest.raises(RunDamaged, match="header is of"):
        open_run(tmp_path, other)


def test_unfinished_run_is_damaged(tmp_path: Path) -> None:
    writer = RunWriter(tmp_path, a_name(3))
    writer.append(by_key(random_entries(2)))

    with pytest.raises(ValueError, match="2 entries in a run of 3"):
        writer.finish()
    with pytest.raises(RunDamaged, match="header"):
        open_run(tmp_path, a_name(3))


def test_abandoned_run_leaves_no_file(tmp_path: Path) -> None:
    RunWriter(tmp_path, a_name(3)).abandon()

    assert list(tmp_path.iterdir()) == []
