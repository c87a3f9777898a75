"""
The files of one partition under their only writer: recovery, commits, segments, retention.

All of it blocks and none of it knows of an event loop; `writer` runs it in a thread.

The order that the promise rests on: commit with its sync, then the beacon with its sync, then
the answer. At the start the order is turned round: what the beacon vouches for must be there,
or the partition is not opened.
"""

import fcntl
import os
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Self

from forebay.kernel.files import FILE_MODE, make_directory, sync_directory
from forebay.kernel.ids import Offset, PartitionId, new_uuid
from forebay.log.ports import LogDamaged, LogInUse
from forebay.log.sqlite.beacon import Beacon, Mark, create_beacon
from forebay.log.sqlite.frames import pack_group
from forebay.log.sqlite.layout import (
    Identity,
    beacon_path,
    delete_segment,
    find_identity,
    list_segments,
    partition_path,
    segment_path,
    write_identity,
)
from forebay.log.sqlite.segment import Group, WritableSegment

_SETTLE_ATTEMPTS = 50
"""Attempts of a tenth of a second each to empty a write-ahead log that readers hold on to."""


class Partition:
    """A partition opened for writing."""

    def __init__(
        self,
        path: Path,
        *,
        lock: int,
        beacon: Beacon,
        segment: WritableSegment,
        segment_bytes_max: int,
        checkpoint_bytes: int,
    ) -> None:
        self._path = path
        self._lock = lock
        self._beacon = beacon
        self._segment = segment
        self._segment_bytes_max = segment_bytes_max
        self._checkpoint_bytes = checkpoint_bytes

    @classmethod
    def open(
        cls, root: Path, partition: PartitionId, *, segment_bytes_max: int, checkpoint_bytes: int
    ) -> Self:
        """
        Open a partition for writing, and make it if it does not exist.

        When this returns, all that it holds is durable, records that a crash caught between
        commit and answer included.

        Raises:
            LogInUse: Another writer has it.
            LogDamaged: Acknowledged records are missing; no file was changed.
            SqliteUnsuitable: SQLite cannot keep the promise here.
        """
        path = make_directory(partition_path(root, partition))
        lock = _lock(path)
        try:
            beacon = _open_beacon(path, _get_identity(path, partition))
        except BaseException:
            os.close(lock)
            raise
        try:
            segment = _recover(path, beacon)
        except BaseException:
            beacon.close()
            os.close(lock)
            raise
        return cls(
            path,
            lock=lock,
            beacon=beacon,
            segment=segment,
            segment_bytes_max=segment_bytes_max,
            checkpoint_bytes=checkpoint_bytes,
        )

    @property
    def log_id(self) -> str:
        """Identity of the partition's history."""
        return self._beacon.mark.log_id

    @property
    def next(self) -> Offset:
        """Offset of the next record."""
        return self._segment.next

    def commit(self, records: Sequence[Sequence[bytes]]) -> Offset:
        """
        Make a group of records durable, all or none, and return the offset of the first.

        After an error its fate is unknown, and the partition must not be written any more.
        """
        first = self._segment.next
        self._segment.append(Group(first, len(records), pack_group(first, records)))
        self._beacon.write(self._beacon.mark.first, self._segment.next)
        return first

    def tidy(self) -> None:
        """Keep the write-ahead log short, and begin the next segment when this one is full."""
        if self._segment.size_bytes >= self._segment_bytes_max:
            self._roll()
        elif self._segment.unsettled_bytes >= self._checkpoint_bytes:
            self._segment.checkpoint()

    def drop_below(self, offset: Offset, *, written_by_ms: int) -> Offset:
        """
        Remove closed segments that end at or below `offset`, and return the first offset left.

        Segments written to after `written_by_ms`, an epoch time, stay.
        """
        first = self._beacon.mark.first
        dropped: list[Offset] = []
        for segment, end in pairwise(list_segments(self._path)):
            written_ms = segment_path(self._path, segment).stat().st_mtime_ns // 1_000_000
            if end > offset or written_ms > written_by_ms:
                break
            dropped.append(segment)
            first = end
        if dropped:
            # The beacon goes first: a crash in between leaves files that the next start
            # removes, and never a beacon that vouches for files which are gone.
            self._beacon.write(first, self._beacon.mark.next)
            for segment in dropped:
                delete_segment(self._path, segment)
            sync_directory(self._path)
        return first

    def close(self) -> None:
        """Move everything to the segment's file, and release the partition."""
        self._segment.settle()
        self._segment.close()
        self._release()

    def abandon(self) -> None:
        """Release the partition as it is: after an error nothing more is written."""
        self._segment.abandon()
        self._release()

    def _roll(self) -> None:
        first = self._segment.next
        # A reader that holds on to the write-ahead log keeps it alive beside the closed
        # segment; its records stay readable there, and the next start moves them.
        self._segment.settle()
        self._segment.close()
        self._segment = _create_segment(self._path, self.log_id, first)

    def _release(self) -> None:
        self._beacon.close()
        os.close(self._lock)


def _lock(path: Path) -> int:
    descriptor = os.open(path / "lock", os.O_RDWR | os.O_CREAT, FILE_MODE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise LogInUse(f"{path.name} already has a writer; a partition has one at a time") from None
    return descriptor


def _get_identity(path: Path, partition: PartitionId) -> Identity:
    identity = find_identity(path) or _create(path, partition)
    if identity.partition != partition:
        raise LogDamaged(
            f"{path.name} holds the files of partition {identity.partition}: "
            "they come from elsewhere"
        )
    return identity


def _create(path: Path, partition: PartitionId) -> Identity:
    segments = list_segments(path)
    if segments:
        raise LogDamaged(
            f"{path.name} holds {len(segments)} segments but no identity file: "
            "it is not known which log they belong to"
        )
    identity = Identity(log_id=new_uuid(), partition=partition)
    # The identity comes last, so that a partition with an identity has a beacon.
    create_beacon(beacon_path(path), Mark(identity.log_id, Offset(0), Offset(0)))
    write_identity(path, identity)
    return identity


def _open_beacon(path: Path, identity: Identity) -> Beacon:
    try:
        beacon = Beacon.open(beacon_path(path))
    except FileNotFoundError:
        raise LogDamaged(
            f"{path.name} has lost its beacon: what was acknowledged cannot be told"
        ) from None
    if beacon.mark.log_id != identity.log_id:
        beacon.close()
        raise LogDamaged(
            f"{path.name} is log {identity.log_id}, its beacon belongs to {beacon.mark.log_id}"
        )
    return beacon


def _create_segment(path: Path, log_id: str, first: Offset) -> WritableSegment:
    segment = WritableSegment.open(
        segment_path(path, first), log_id=log_id, first=first, may_create=True
    )
    segment.settle()
    # SQLite syncs the directory too, and ignores the error (reliability, 1.7).
    sync_directory(path)
    return segment


def _recover(path: Path, beacon: Beacon) -> WritableSegment:
    mark = beacon.mark
    segments = list_segments(path)
    leftover = [first for first, end in pairwise(segments) if end <= mark.first]
    segments = segments[len(leftover) :]
    if not segments and mark.next == mark.first:
        return _create_segment(path, mark.log_id, mark.next)
    if not segments or segments[0] != mark.first:
        end = segments[0] if segments else mark.next
        raise _missing(path, mark.first, end)
    _check_closed(path, segments, mark)
    last = segments[-1]
    segment = WritableSegment.open(
        segment_path(path, last), log_id=mark.log_id, first=last, may_create=last == mark.next
    )
    try:
        _check_acknowledged(path, segment, mark)
        _settle(segment, path)
        for first in leftover:
            delete_segment(path, first)
        sync_directory(path)
        # Also the proof that this disk syncs, before anything is accepted.
        beacon.write(mark.first, segment.next)
    except BaseException:
        segment.abandon()
        raise
    return segment


def _check_acknowledged(path: Path, segment: WritableSegment, mark: Mark) -> None:
    if segment.next < mark.next:
        raise _missing(path, segment.next, mark.next)
    segment.check_gaps()


def _check_closed(path: Path, segments: list[Offset], mark: Mark) -> None:
    for first, end in pairwise(segments):
        segment = WritableSegment.open(
            segment_path(path, first), log_id=mark.log_id, first=first, may_create=False
        )
        if segment.next != end:
            segment.abandon()
            raise _missing(path, segment.next, end)
        segment.settle()
        segment.close()


def _settle(segment: WritableSegment, path: Path) -> None:
    """
    Write what a crash left in the write-ahead log to the database file, and sync it.

    After a failed sync Linux may count pages as clean that never reached the disk, so what
    can be read is not yet durable; written once more, and synced, it is.
    """
    if not any(segment.settle() for _ in range(_SETTLE_ATTEMPTS)):
        raise LogInUse(f"a reader of {path.name} does not let go of the write-ahead log")


def _missing(path: Path, first: Offset, end: Offset) -> LogDamaged:
    return LogDamaged(
        f"{path.name} has lost acknowledged records: the offsets {first} to {end - 1} are missing. "
        "Nothing was changed; restore the directory from a copy",
        first=first,
        last=end - 1,
    )
