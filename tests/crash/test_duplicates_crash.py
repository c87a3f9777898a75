"""SIGKILL between any two steps of a flush: one row for every id, a failed one per conflict."""

import multiprocessing
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from forebay.lake.iceberg import IcebergTables
from forebay.processing.checkpoint import read_positions
from support import duplicates_child
from support.processing import EVENTS_TABLE, FAILED_TABLE

STEPS = 30
"""The steps of a life's first two flushes and a bit."""

_context = multiprocessing.get_context("forkserver")


@pytest.fixture(scope="module", autouse=True)
def _imported_once() -> Iterator[None]:
    """Let the lives be forked from a process that has imported everything."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(duplicates_child.__file__).parents[1]))
        _context.set_forkserver_preload(["support.duplicates_child"])
        yield


def live(folder: Path, kill_at: int = 0) -> int | None:
    child = _context.Process(target=duplicates_child.live, args=(str(folder), kill_at))
    child.start()
    child.join(60)
    return child.exitcode


def assert_one_row_for_every_id(folder: Path) -> None:
    tables = IcebergTables(folder / "lake")
    rows = tables._load(EVENTS_TABLE).scan().to_arrow().to_pylist()
    failed = tables._load(FAILED_TABLE).scan().to_arrow().to_pylist()
    tables.close()
    positions = read_positions(folder / "checkpoint.json")
    addresses = Counter((r["partition"], r["offset"], r["index"]) for r in failed)
    stages = Counter("conflict" if r["stage"] == "duplicate" else "failed" for r in failed)
    assert Counter(row["_id"] for row in rows).most_common(1)[0][1] == 1
    assert len(rows) == duplicates_child.ROWS
    assert set(addresses.values()) == {1}
    assert stages == {"conflict": duplicates_child.CONFLICTS, "failed": duplicates_child.FAILED}
    assert [position.next for position in positions.values()] == [3, 3]


def test_life_without_a_crash_keeps_the_rule(tmp_path: Path) -> None:
    assert live(tmp_path) == 0

    assert_one_row_for_every_id(tmp_path)


@pytest.mark.parametrize("step", range(1, STEPS + 1))
def test_kill_at_any_step_changes_no_verdict(tmp_path: Path, step: int) -> None:
    assert live(tmp_path, step) == -signal.SIGKILL

    assert live(tmp_path) == 0

    assert_one_row_for_every_id(tmp_path)
