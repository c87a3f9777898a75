"""
Nothing that was acknowledged is lost: kill -9, failing disks, and an oracle that can see it.

A child process appends and says on a pipe what was acknowledged. Afterwards the log is opened
as a start would, and read: every acknowledged record must be there once, byte for byte, and
the offsets must have no gap. Two mutants of the child show that the oracle can fail.
"""

import os
import random
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from support.log_oracle import (
    Acknowledged,
    Audit,
    Follower,
    audit,
    child,
    is_clean,
    kill_after_some,
    parse,
    run,
    start,
)

DURABLE_CALLS = ("pwrite64", "fdatasync", "fsync", "ftruncate", "rename", "unlink")
KILLS = 20
WORKERS = 2


def test_kill_at_random_moments_loses_nothing(tmp_path: Path) -> None:
    acknowledged: Acknowledged = {}
    chance = random.Random(os.urandom(8))
    audits = []
    follower = Follower(tmp_path, tmp_path / "seen")

    for _ in range(KILLS):
        process = start(child(tmp_path, "crowd"))
        acknowledged |= kill_after_some(process, 1, chance.uniform(0, 0.15))
        audits.append(audit(tmp_path, acknowledged))
    was_following = follower.is_running()
    seen = follower.stop()

    assert [found for found in audits if not is_clean(found)] == []
    assert audits[-1].checked > KILLS
    assert was_following
    assert is_clean(audit(tmp_path, seen))
    assert list(seen) == list(range(len(seen)))
    assert len(seen) > KILLS
    assert len(list(tmp_path.glob("*/*.segment"))) > 2


strace = shutil.which("strace")
needs_strace = pytest.mark.skipif(
    strace is None, reason="strace is not on this machine: no fault can be put into a system call"
)


class Fault(NamedTuple):
    """What happens at the `at`-th call of a kind, counted in each thread."""

    call: str
    at: int
    effect: str

    @property
    def option(self) -> str:
        return f"inject={self.call}:{self.effect}:when={self.at}"


def traced(command: list[str], trace: Path, fault: Fault | None = None) -> list[str]:
    options = ["-f", "-qq", "-y", "-o", str(trace)]
    calls = ",".join((*DURABLE_CALLS, "write"))
    injection = ["-e", fault.option] if fault else []
    return ["strace", *options, "-e", f"trace={calls}", *injection, *command]


def count_calls(root: Path, mode: str, trace: Path) -> Counter[tuple[str, str]]:
    """Return how often each thread makes each durable call in an undisturbed run."""
    root.mkdir(exist_ok=True)
    _, code, errors = run(traced(child(root, mode), trace))
    assert code == 0, errors
    calls = re.findall(r"^(\d+) +(\w+)\(", trace.read_text(), re.MULTILINE)
    return Counter((thread, call) for thread, call in calls if call in DURABLE_CALLS)


def sweep(counts: Counter[tuple[str, str]], effect: str, *, step: int = 1) -> list[Fault]:
    highest = {
        call: max(count for (_, name), count in counts.items() if name == call)
        for call in {name for _, name in counts}
    }
    return [
        Fault(call, at, effect)
        for call, count in sorted(highest.items())
        for at in range(1, count + 1, step)
    ]


class Outcome(NamedTuple):
    fault: Fault
    code: int
    acknowledged: int
    audit: Audit


def strike(template: Path | None, place: Path, mode: str, fault: Fault) -> Outcome:
    """Run a child with one fault, beginning from a copy of `template`, and audit what is left."""
    root = place / "log"
    shutil.copytree(template, root) if template else root.mkdir(parents=True)
    acknowledged = read_acknowledged(template)
    more, code, _ = run(traced(child(root, mode), place / "trace", fault))
    found = audit(root, acknowledged | more)
    shutil.rmtree(place)
    return Outcome(fault, code, len(more), found)


def strike_all(
    template: Path | None, tmp_path: Path, mode: str, faults: list[Fault]
) -> list[Outcome]:
    with ThreadPoolExecutor(WORKERS) as pool:
        return list(
            pool.map(
                lambda fault: strike(template, tmp_path / f"{fault.call}-{fault.at}", mode, fault),
                faults,
            )
        )


def read_acknowledged(template: Path | None) -> Acknowledged:
    """Return what the child that made a template acknowledged; it lies beside it."""
    return parse(template.with_suffix(".acknowledged").read_bytes()) if template else {}


@pytest.fixture
def crashed(tmp_path: Path) -> Path:
    """A log whose writer was killed, with what it acknowledged in a file beside."""
    template = tmp_path / "crashed"
    process = start(child(template, "crowd"))
    acknowledged = kill_after_some(process, 40, 0)
    lines = "".join(f"{offset} {digest}\n" for offset, digest in acknowledged.items())
    template.with_suffix(".acknowledged").write_text(lines)
    return template


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    """A log that was closed in good order."""
    template = tmp_path / "closed"
    acknowledged, code, _ = run(child(template, "series"))
    lines = "".join(f"{offset} {digest}\n" for offset, digest in acknowledged.items())
    template.with_suffix(".acknowledged").write_text(lines)
    assert code == 0
    return template


@needs_strace
def test_kill_at_every_durable_call_loses_nothing(tmp_path: Path) -> None:
    counts = count_calls(tmp_path / "undisturbed", "steps", tmp_path / "trace")
    faults = sweep(counts, "signal=SIGKILL")

    outcomes = strike_all(None, tmp_path, "steps", faults)

    assert [outcome for outcome in outcomes if not is_clean(outcome.audit)] == []
    assert all(outcome.code != 0 for outcome in outcomes)
    assert len(outcomes) > 100


@needs_strace
def test_kill_at_every_durable_call_of_a_recovery_loses_nothing(
    crashed: Path, tmp_path: Path
) -> None:
    shutil.copytree(crashed, tmp_path / "undisturbed")
    counts = count_calls(tmp_path / "undisturbed", "recover", tmp_path / "trace")

    outcomes = strike_all(crashed, tmp_path, "recover", sweep(counts, "signal=SIGKILL"))

    assert [outcome for outcome in outcomes if not is_clean(outcome.audit)] == []
    assert all(outcome.audit.checked >= 40 for outcome in outcomes)
    assert len(outcomes) > 20


@needs_strace
@pytest.mark.parametrize(
    ("calls", "error", "step"),
    [
        pytest.param(("fdatasync", "fsync"), "EIO", 1, id="sync fails"),
        pytest.param(("pwrite64",), "EIO", 9, id="write fails"),
        pytest.param(("pwrite64",), "ENOSPC", 9, id="disk is full"),
    ],
)
def test_failing_disk_gets_no_wrong_answer_and_ends_the_process(
    closed: Path, tmp_path: Path, calls: tuple[str, ...], error: str, step: int
) -> None:
    shutil.copytree(closed, tmp_path / "undisturbed")
    counts = count_calls(tmp_path / "undisturbed", "series", tmp_path / "trace")
    faults = [fault for fault in sweep(counts, f"error={error}", step=step) if fault.call in calls]

    outcomes = strike_all(closed, tmp_path, "series", faults)

    assert [outcome for outcome in outcomes if not is_clean(outcome.audit)] == []
    early = [outcome for outcome in outcomes if outcome.acknowledged < 6]
    assert all(outcome.code != 0 for outcome in early)
    assert len(early) > len(outcomes) // 2


def test_oracle_sees_an_acknowledgement_before_the_commit(tmp_path: Path) -> None:
    acknowledged, code, _ = run(child(tmp_path, "early"))
    whole = audit(tmp_path, acknowledged)
    promised = acknowledged | {len(acknowledged): "a" * 64}

    assert (code, is_clean(whole)) == (0, True)
    assert not is_clean(audit(tmp_path, promised))


@needs_strace
def test_oracle_catches_the_mutant_that_acknowledges_early(tmp_path: Path) -> None:
    counts = count_calls(tmp_path / "undisturbed", "early", tmp_path / "trace")
    faults = [fault for fault in sweep(counts, "signal=SIGKILL") if fault.call == "fdatasync"]

    outcomes = strike_all(None, tmp_path, "early", faults)

    caught = [outcome for outcome in outcomes if not is_clean(outcome.audit)]
    assert len(caught) >= 3


def order_of_events(root: Path, mode: str, trace: Path) -> Iterator[str]:
    """Yield what a run did that an acknowledgement rests on: log synced, beacon, answer."""
    _, code, errors = run(traced(child(root, mode), trace))
    assert code == 0, errors
    kinds = {
        r"fdatasync\(\d+<[^>]*\.segment-wal>": "synced",
        r"pwrite64\(\d+<[^>]*/beacon>": "beacon",
        r'write\(1<[^>]*>, "\d+ [0-9a-f]': "answer",
    }
    for line in trace.read_text().splitlines():
        yield from (kind for pattern, kind in kinds.items() if re.search(rf" {pattern}", line))


def unfounded_answers(events: Iterator[str]) -> int:
    """Count the answers that were not preceded by a sync of the log, then the beacon."""
    history = " ".join(events).split("answer")[:-1]
    return sum(re.search(r"synced beacon( synced)* $", before) is None for before in history)


@needs_strace
def test_every_answer_follows_the_sync_of_its_commit_and_the_beacon(tmp_path: Path) -> None:
    events = order_of_events(tmp_path / "log", "series", tmp_path / "trace")

    assert unfounded_answers(events) == 0


@needs_strace
def test_mutant_that_does_not_sync_is_caught(tmp_path: Path) -> None:
    events = order_of_events(tmp_path / "log", "unsynced", tmp_path / "trace")

    assert unfounded_answers(events) > 4
