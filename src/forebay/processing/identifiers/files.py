"""
The index in files: a run per flush and hour, merged as they pile up, dropped after the window.

A commit writes runs, makes them durable, and then names them in the manifest; a merge does the
same with one large run in place of several. A crash between any two steps leaves files that
nobody names, which the next opening removes.

A run that does not match its checksums is set aside, and what is lost is said and remembered;
everything else is used as before.
"""

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import numpy as np
import structlog

from forebay.kernel.files import make_directory, sync_directory
from forebay.processing.identifiers.entries import (
    WHEN,
    Entries,
    by_key,
    received_ms,
    released,
)
from forebay.processing.identifiers.manifest import (
    FILE_NAME,
    Manifest,
    read_manifest,
    write_manifest,
)
from forebay.processing.identifiers.merging import SLICE_ENTRIES, Merge, due
from forebay.processing.identifiers.ports import HOUR_MS, IdentifiersUnavailable, Lost, Verdicts
from forebay.processing.identifiers.runs import Run, RunDamaged, RunName, open_run, write_run
from forebay.processing.identifiers.verdicts import (
    Hits,
    Judge,
    Keys,
    hits_in,
    own,
    standing,
    together,
)

_ASIDE = ".damaged"


def _no_step(_step: str) -> None:
    """Do nothing: where a test stops the process."""


class FileIndex:
    """An index in a directory; one object and one thread use it."""

    def __init__(
        self,
        directory: Path,
        *,
        window_ms: int,
        slice_entries: int = SLICE_ENTRIES,
        on_step: Callable[[str], None] = _no_step,
    ) -> None:
        """
        Open the index, or begin one.

        Raises:
            IdentifiersUnavailable: Another process has it open, or it cannot be read.
        """
        if window_ms <= 0:
            raise ValueError(f"window_ms is {window_ms}: a window lasts a millisecond or more")
        self._directory = directory
        self._window_ms = window_ms
        self._slice_entries = slice_entries
        self._on_step = on_step
        self._log = structlog.get_logger()
        self._staged: list[Entries] = []
        self._merge: Merge | None = None
        self._is_merging_blocked = False
        with _said(f"the identifiers in {directory} cannot be opened"):
            make_directory(directory)
            self._lock = _locked(directory)
            self._manifest = read_manifest(directory)
            self._runs = self._open_runs()
            self._remove_leftovers()

    def claim(self, claims: Entries) -> Verdicts:
        """Enter the claims that come first, and return the verdicts."""
        keys = Keys.of(claims)
        judge = Judge(claims, self._window_ms)
        judge.against(self._hits(keys))
        firsts = judge.among_themselves(keys.order)
        if firsts.size:
            self._staged.append(by_key(claims[:, firsts]))
        return judge.verdicts

    def release(self, claims: Entries) -> int:
        """Give back the ids that these very messages have; return how many had one."""
        hits = standing(self._hits(Keys.of(claims)))
        given_back = np.unique(hits.claims[own(claims, hits)])
        if given_back.size:
            self._staged.append(by_key(released(claims[:, given_back])))
        return int(given_back.size)

    def commit(self) -> None:
        """Make durable what was entered and given back."""
        staged, self._staged = self._staged, []
        self._is_merging_blocked = False
        if not staged:
            return
        with _said("the identifiers of a flush cannot be written"):
            self._replace_runs([*self._runs, *self._write(np.concatenate(staged, axis=1))])

    def discard(self) -> None:
        """Forget what was entered and given back since the last commit."""
        self._staged.clear()

    def expire(self, horizon_ms: int) -> None:
        """Drop what no later claim can meet."""
        oldest = (horizon_ms - self._window_ms) // HOUR_MS
        kept = [run for run in self._runs if run.name.hour >= oldest]
        lost = tuple(one for one in self._manifest.lost if one.from_ms // HOUR_MS >= oldest)
        if len(kept) == len(self._runs) and lost == self._manifest.lost:
            return
        if self._merge is not None and self._merge.name.hour < oldest:
            self._abandon_merge()
        with _said("identifiers whose time is over cannot be dropped"):
            self._replace_runs(kept, lost)
            for aside in self._directory.glob(f"*{_ASIDE}"):
                if int(aside.name.partition("-")[0]) < oldest:
                    aside.unlink()

    def tidy(self) -> bool:
        """
        Write one slice of a merge, if one is due; say whether there is more to do.

        An error is logged and ends the merge, which begins anew after the next commit: the runs
        are as good unmerged, only slower.
        """
        if self._is_merging_blocked:
            return False
        try:
            return self._merge_on()
        except OSError as error:
            self._log.error("identifiers cannot be merged", error=str(error))
            self._abandon_merge()
            self._is_merging_blocked = True
            return False

    def lost(self) -> tuple[Lost, ...]:
        """Return what was damaged and is not made good."""
        return self._manifest.lost

    def mended(self) -> None:
        """Take note that what was lost has been entered again as far as it can be."""
        if self._manifest.lost:
            with _said("it cannot be noted that the identifiers are mended"):
                self._replace_runs(self._runs, ())

    def close(self) -> None:
        """Release what is held; what is not committed is forgotten."""
        self._abandon_merge()
        self._staged.clear()
        self._runs = []
        os.close(self._lock)

    def _hits(self, keys: Keys) -> Hits:
        of_runs = (run.hits(keys) for run in self._runs)
        of_staged = (hits_in(staged, keys) for staged in self._staged)
        return together([*of_runs, *of_staged])

    def _write(self, entries: Entries) -> list[Run]:
        """Write entries as runs, one for each hour."""
        serial = self._next_serial()
        runs: list[Run] = []
        try:
            for hour, of_hour in _by_hour(entries):
                name = RunName(hour, serial, serial, serial, 0, of_hour.shape[1])
                write_run(self._directory, name, of_hour)
                runs.append(open_run(self._directory, name, is_checked=False))
                self._on_step("identifiers written")
        except OSError:
            self._remove(run.name for run in runs)
            raise
        return runs

    def _next_serial(self) -> int:
        # Not taken back after a failure: the disk may know the number already.
        self._manifest = msgspec.structs.replace(self._manifest, serial=self._manifest.serial + 1)
        return self._manifest.serial

    def _merge_on(self) -> bool:
        if self._merge is None:
            newest = max((run.name.hour for run in self._runs), default=0)
            runs = due(self._runs, newest)
            if not runs:
                return False
            self._merge = Merge(
                self._directory,
                runs,
                serial=self._next_serial(),
                slice_entries=self._slice_entries,
            )
        merge = self._merge
        is_complete = merge.step()
        self._on_step("slice merged")
        if is_complete:
            self._merge = None
            merged = {run.name for run in merge.runs}
            fresh = open_run(self._directory, merge.name, is_checked=False)
            self._replace_runs([*(r for r in self._runs if r.name not in merged), fresh])
        return True

    def _abandon_merge(self) -> None:
        if self._merge is not None:
            self._merge.abandon()
            self._merge = None

    def _replace_runs(self, runs: list[Run], lost: tuple[Lost, ...] | None = None) -> None:
        """Make other runs the index's, and remove the files of those that are so no longer."""
        runs = sorted(runs, key=lambda run: run.name)
        manifest = Manifest(
            self._manifest.serial,
            tuple(run.name for run in runs),
            self._manifest.lost if lost is None else lost,
        )
        # The names of new runs have to be durable before the manifest that says them.
        sync_directory(self._directory)
        write_manifest(self._directory, manifest)
        gone = set(self._manifest.runs) - set(manifest.runs)
        self._manifest, self._runs = manifest, runs
        self._on_step("manifest replaced")
        self._remove(gone)

    def _remove(self, names: Iterable[RunName]) -> None:
        for name in names:
            (self._directory / name.file_name).unlink(missing_ok=True)
            self._on_step("file removed")

    def _open_runs(self) -> list[Run]:
        """Open the runs of the manifest; set those aside that are damaged."""
        runs, lost = [], list(self._manifest.lost)
        for name in self._manifest.runs:
            try:
                runs.append(open_run(self._directory, name))
            except RunDamaged as error:
                lost.append(Lost(name.hour * HOUR_MS, name.entry_count))
                self._set_aside(name, str(error))
        if len(lost) > len(self._manifest.lost):
            self._replace_runs(runs, tuple(lost))
        return runs

    def _set_aside(self, name: RunName, reason: str) -> None:
        path = self._directory / name.file_name
        self._log.error(
            "identifiers are damaged: duplicates of records of that hour are not recognized",
            path=str(path),
            error=reason,
            received_from_ms=name.hour * HOUR_MS,
            entries=name.entry_count,
        )
        if path.exists():
            path.replace(path.with_name(path.name + _ASIDE))

    def _remove_leftovers(self) -> None:
        known = {name.file_name for name in self._manifest.runs} | {FILE_NAME}
        for path in self._directory.iterdir():
            if path.name not in known and path.suffix != _ASIDE:
                path.unlink()


def _locked(directory: Path) -> int:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise OSError("another process has them open") from None
    return descriptor


def _by_hour(entries: Entries) -> Iterator[tuple[int, Entries]]:
    hours = received_ms(entries[WHEN]) // HOUR_MS
    for hour in np.unique(hours):
        yield int(hour), by_key(entries[:, hours == hour])


@contextmanager
def _said(message: str) -> Iterator[None]:
    """Say what an error of the disk kept from being done."""
    try:
        yield
    except OSError as error:
        raise IdentifiersUnavailable(f"{message}: {error}") from error
