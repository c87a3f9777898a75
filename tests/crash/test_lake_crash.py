"""SIGKILL between any two steps of a flush: every message ends once, as a row or as failed."""

import multiprocessing
import random
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from forebay.lake.iceberg import IcebergTables
from forebay.processing.checkpoint import read_positions
from support import lake_child
from support.processing import EVENTS_TABLE, FAILED_TABLE, VISITS_TABLE

WIDE = {"is_wide": True, "has_visits": True}
NARROW = {"is_wide": False, "has_visits": True}
POOR = {"is_wide": False, "has_visits": False}

STEPS_OF_A_FLUSH = 14
"""prepared · 3 tables of (file, before the swap, committed, done) · checkpoint moved."""

_context = multiprocessing.get_context("forkserver")


@pytest.fixture(scope="module", autouse=True)
def _imported_once() -> Iterator[None]:
    """Let the lives be forked from a process that has imported everything."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(lake_child.__file__).parents[1]))
        _context.set_forkserver_preload(["support.lake_child"])
        yield


def live(folder: Path, kill_at: int = 0, **directory: int) -> int | None:
    child = _context.Process(target=lake_child.live, args=(str(folder), kill_at), kwargs=directory)
    child.start()
    child.join(60)
    return child.exitcode


def messages_in(folder: Path) -> Counter[tuple[int, int, int]]:
    """Count the messages in all tables by their address."""
    tables = IcebergTables(folder / "lake")
    found: Counter[tuple[int, int, int]] = Counter()
    for table in (EVENTS_TABLE, VISITS_TABLE, FAILED_TABLE):
        if tables.marks(table):
            for row in tables._load(table).scan().to_arrow().to_pylist():
                place: dict[str, Any] = row.get("_ingest", row)
                found[place["partition"], place["offset"], place["index"]] += 1
    tables.close()
    return found


def assert_each_message_once(folder: Path) -> None:
    found = messages_in(folder)
    assert set(found.values()) == {1}
    assert len(found) == lake_child.MESSAGES
    positions = read_positions(folder / "checkpoint.json")
    assert [position.next for position in positions.values()] == [9, 9]


def test_life_without_a_crash_has_the_steps_that_are_killed(tmp_path: Path) -> None:
    past_the_end = STEPS_OF_A_FLUSH * lake_child.PARTS + 1

    exit_code = live(tmp_path, past_the_end, **WIDE)

    assert exit_code == 0
    assert live(tmp_path / "again", past_the_end - 1, **WIDE) == -signal.SIGKILL
    assert_each_message_once(tmp_path)


@pytest.mark.parametrize(("before", "after"), [(NARROW, WIDE), (WIDE, NARROW), (WIDE, POOR)])
@pytest.mark.parametrize("step", range(1, STEPS_OF_A_FLUSH + 1))
def test_kill_at_any_step_of_the_first_flush_loses_and_doubles_nothing(
    tmp_path: Path, step: int, before: dict[str, bool], after: dict[str, bool]
) -> None:
    assert live(tmp_path, step, **before) == -signal.SIGKILL

    assert live(tmp_path, **after) == 0

    assert_each_message_once(tmp_path)


@pytest.mark.parametrize("step", range(STEPS_OF_A_FLUSH + 1, 2 * STEPS_OF_A_FLUSH + 3))
def test_kill_at_any_step_of_a_flush_that_adds_columns_loses_and_doubles_nothing(
    tmp_path: Path, step: int
) -> None:
    assert live(tmp_path, step, **NARROW, widens_at=1) == -signal.SIGKILL

    assert live(tmp_path, **WIDE) == 0

    assert_each_message_once(tmp_path)
    tables = IcebergTables(tmp_path / "lake")
    events = tables._load(EVENTS_TABLE).scan().to_arrow().to_pylist()
    tables.close()
    # Three parts in two partitions; the event with the new member failed in the first part.
    assert [row["nick"] for row in events].count("n") == 4


@pytest.mark.parametrize("seed", range(3))
def test_a_life_of_crashes_loses_and_doubles_nothing(tmp_path: Path, seed: int) -> None:
    luck = random.Random(seed)
    for _ in range(8):
        live(tmp_path, luck.randint(1, 20), **luck.choice([WIDE, NARROW, POOR]))

    assert live(tmp_path, **luck.choice([WIDE, NARROW, POOR])) == 0

    assert_each_message_once(tmp_path)


def test_kills_at_random_moments_lose_and_double_nothing(tmp_path: Path) -> None:
    luck = random.Random(11)
    for _ in range(12):
        child = _context.Process(target=lake_child.live, args=(str(tmp_path), 0), kwargs=WIDE)
        child.start()
        child.join(luck.uniform(0.05, 0.6))
        child.kill()
        child.join()

    assert live(tmp_path, **WIDE) == 0

    assert_each_message_once(tmp_path)
