"""
Merging runs of one hour into one, a slice of keys at a time.

A slice takes about the same from every run, so that memory and the time of a step have a bound,
however large the runs are.
"""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import numpy as np

from forebay.processing.identifiers.entries import KEY_HIGH, by_key
from forebay.processing.identifiers.runs import Run, RunName, RunWriter

RUNS_PER_LEVEL = 8
SLICE_ENTRIES = 200_000


class Merge:
    """A merge under way."""

    def __init__(
        self, directory: Path, runs: Sequence[Run], *, serial: int, slice_entries: int
    ) -> None:
        self.runs = runs
        names = [run.name for run in runs]
        self.name = RunName(
            names[0].hour,
            names[0].first,
            names[-1].last,
            serial,
            max(name.level for name in names) + 1,
            sum(name.entry_count for name in names),
        )
        self._share = max(slice_entries // len(runs), 1)
        self._positions = [0] * len(runs)
        self._writer = RunWriter(directory, self.name)

    def step(self) -> bool:
        """Write the next slice; say whether it was the last and the run is complete."""
        bound = self._bound()
        pieces, is_last = [], True
        for number, run in enumerate(self.runs):
            keys, start = run.entries[KEY_HIGH], self._positions[number]
            end = keys.size
            if bound is not None:
                end = start + int(np.searchsorted(keys[start:], bound, side="right"))
            pieces.append(run.entries[:, start:end])
            self._positions[number] = end
            is_last &= end == keys.size
        self._writer.append(by_key(np.concatenate(pieces, axis=1)))
        if is_last:
            self._writer.finish()
        return is_last

    def abandon(self) -> None:
        """Give up; nothing has changed."""
        self._writer.abandon()

    def _bound(self) -> np.uint64 | None:
        """Return the last key of the next slice; None if it takes all that is left."""
        return min(
            (
                run.entries[KEY_HIGH, position + self._share - 1]
                for run, position in zip(self.runs, self._positions, strict=True)
                if position + self._share <= run.name.entry_count
            ),
            default=None,
        )


def due(runs: Sequence[Run], current_hour: int) -> Sequence[Run]:
    """
    Return the runs that are to be merged next; none if all is tidy.

    In an hour that fills, eight neighbours of one level become one of the next. An hour that is
    over becomes one run; what comes late is left beside it until it is worth the writing.

    Args:
        runs: All runs by hour, the oldest entries of an hour first.
        current_hour: The hour that fills.
    """
    for hour, members in groupby(runs, key=lambda run: run.name.hour):
        of_hour = list(members)
        for _, neighbours in groupby(of_hour, key=lambda run: run.name.level):
            level = list(neighbours)
            if len(level) >= RUNS_PER_LEVEL:
                return level[:RUNS_PER_LEVEL]
        counts = [run.name.entry_count for run in of_hour]
        is_worth_it = sum(counts) - max(counts) >= max(counts) // RUNS_PER_LEVEL
        if hour < current_hour and len(of_hour) > 1 and is_worth_it:
            return of_hour
    return ()
