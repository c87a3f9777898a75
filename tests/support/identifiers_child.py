"""A life of the index of identifiers that may end at any of its durable steps, by SIGKILL."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

from forebay.kernel.files import make_directory
from forebay.processing.identifiers.files import FileIndex
from forebay.processing.identifiers.ports import HOUR_MS
from support.identifiers import START_MS, WINDOW_MS, Claim, claims_of, firsts, kinds

PARTS = 10
"""Commits of one life."""
SLICE_ENTRIES = 24


def part(number: int) -> list[Claim]:
    """Return the claims of one commit: new ids in two hours, repeated ones, conflicts."""
    received_ms = START_MS + number * 60_000
    if number == PARTS - 1:
        received_ms += 2 * WINDOW_MS
    fresh = [Claim(f"{number}-{n}", "c", received_ms, offset=number, index=n) for n in range(6)]
    early = Claim(f"{number}-e", "c", received_ms - HOUR_MS, offset=number, index=6)
    twice = fresh[0]._replace(index=7)
    conflict = fresh[1]._replace(content="other", index=8)
    repeated = Claim(f"{number - 1}-2", "c", received_ms, partition=2, offset=number)
    wavering = Claim(f"{number}-w", "c", received_ms, offset=number, index=9)
    repaired = Claim(f"{number - 1}-w", "repaired", received_ms, offset=number, index=10)
    return [*fresh, early, twice, conflict, repeated, wavering, repaired]


def killer(kill_at: int) -> Callable[[str], None]:
    """Return what ends the process at the step with that number; 0 is none."""
    steps = 0

    def on_step(_step: str) -> None:
        nonlocal steps
        steps += 1
        if steps == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    return on_step


def live(folder: str, kill_at: int) -> None:
    """
    Go on after the last part that is acknowledged, to the end.

    The acknowledgement stands for the tables' commit: a line with the verdicts of the part.
    """
    acknowledged = make_directory(Path(folder)) / "acknowledged"
    acknowledged.touch()
    on_step = killer(kill_at)
    index = FileIndex(
        Path(folder) / "identifiers",
        window_ms=WINDOW_MS,
        slice_entries=SLICE_ENTRIES,
        on_step=on_step,
    )
    for number in range(len(acknowledged.read_text().splitlines()), PARTS):
        claims = part(number)
        verdicts = index.claim(claims_of(claims))
        index.release(claims_of([c for c in claims if c.identifier == f"{number}-w"]))
        index.commit()
        on_step("committed")
        with acknowledged.open("a") as file:
            file.write(f"{[kind.name for kind in kinds(verdicts)]} {firsts(verdicts)}\n")
        on_step("acknowledged")
        index.expire(claims[0].received_ms - 3 * HOUR_MS)
        while index.tidy():
            pass
    index.close()
