"""SIGKILL at any durable step of the index: every claim has the verdict it has without a crash."""

import multiprocessing
import random
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from forebay.processing.identifiers.manifest import read_manifest
from support import identifiers_child

STEPS = 105
"""Of a whole life: runs, manifests, slices, removals, acknowledgements."""

_context = multiprocessing.get_context("forkserver")


@pytest.fixture(scope="module", autouse=True)
def _imported_once() -> Iterator[None]:
    """Let the lives be forked from a process that has imported everything."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(identifiers_child.__file__).parents[1]))
        _context.set_forkserver_preload(["support.identifiers_child"])
        yield


@pytest.fixture(scope="module")
def unhurt(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the verdicts of a life without a crash."""
    folder = tmp_path_factory.mktemp("unhurt")
    assert live(folder) == 0
    return (folder / "acknowledged").read_text()


def live(folder: Path, kill_at: int = 0) -> int | None:
    child = _context.Process(target=identifiers_child.live, args=(str(folder), kill_at))
    child.start()
    child.join(60)
    return child.exitcode


def assert_same_end(folder: Path, unhurt: str) -> None:
    assert (folder / "acknowledged").read_text() == unhurt
    directory = folder / "identifiers"
    manifest = read_manifest(directory)
    assert manifest.lost == ()
    files = {path.name for path in directory.iterdir()}
    assert files == {run.file_name for run in manifest.runs} | {"manifest.json"}


def test_life_without_a_crash_has_the_steps_that_are_killed(tmp_path: Path, unhurt: str) -> None:
    assert live(tmp_path, STEPS + 1) == 0
    assert live(tmp_path / "again", STEPS) == -signal.SIGKILL

    assert_same_end(tmp_path, unhurt)
    assert unhurt.count("FIRST") == identifiers_child.PARTS * 9 + 2
    assert unhurt.count("SAME") == identifiers_child.PARTS * 2 - 2
    assert unhurt.count("OTHER") == identifiers_child.PARTS


@pytest.mark.parametrize("step", range(1, STEPS + 1))
def test_kill_at_any_step_changes_no_verdict(tmp_path: Path, step: int, unhurt: str) -> None:
    assert live(tmp_path, step) == -signal.SIGKILL

    assert live(tmp_path) == 0

    assert_same_end(tmp_path, unhurt)


@pytest.mark.parametrize("seed", range(3))
def test_a_life_of_crashes_changes_no_verdict(tmp_path: Path, seed: int, unhurt: str) -> None:
    luck = random.Random(seed)
    for _ in range(12):
        live(tmp_path, luck.randint(1, 12))

    assert live(tmp_path) == 0

    assert_same_end(tmp_path, unhurt)
