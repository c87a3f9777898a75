"""What the log promises, and to whom: one writer per partition, any number of readers."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, Protocol

from forebay.kernel.errors import Disposition, PlatformError
from forebay.kernel.ids import Offset, PartitionId


class LogRecord(NamedTuple):
    """One appended payload and its place."""

    offset: Offset
    payload: bytes


class Bounds(NamedTuple):
    """The part of a partition that can be read: from `first`, up to but without `next`."""

    first: Offset
    next: Offset


class LogFull(PlatformError):
    """The append was not taken: too much is waiting, or the disk is down to its reserve."""

    code = "LOG-1503"
    status = 503
    title = "Not stored"
    disposition = Disposition.RETRY


class LogClosed(PlatformError):
    """The append was not taken: the writer is closing."""

    code = "LOG-1504"
    status = 503
    title = "Not stored"
    disposition = Disposition.RETRY


class AppendOutcomeUnknown(PlatformError):
    """The commit failed: the record may be stored or not, and only a restart will tell."""

    code = "LOG-1500"
    status = 500
    title = "Outcome unknown"
    disposition = Disposition.STOP


class LogDamaged(PlatformError):
    """Acknowledged records are missing, or bytes do not match their checksum."""

    code = "LOG-1510"
    status = 500
    title = "Log damaged"
    disposition = Disposition.STOP


class LogInUse(PlatformError):
    """Another process writes this partition, or a reader does not let go of it."""

    code = "LOG-1505"
    status = 500
    title = "Log in use"
    disposition = Disposition.STOP


class NotInLog(PlatformError):
    """The log has no such partition, or has dropped the offset after its retention."""

    code = "LOG-1404"
    status = 404
    title = "Not in the log"
    disposition = Disposition.REJECT


Done = Callable[[Offset | PlatformError], None]
"""Told the fate of a record: its offset, or why it is not known to be durable. Must not raise."""


class LogWriter(Protocol):
    """The only writer of one partition."""

    @property
    def partition(self) -> PartitionId:
        """The partition it writes."""

    @property
    def log_id(self) -> str:
        """Identity of this partition's history: a new log in place of a lost one has a new id."""

    def submit(self, payload: Sequence[bytes], done: Done) -> None:
        """
        Begin to make one record durable, and call `done` once its fate is known.

        When `done` gets an offset, the record survives the loss of the process and of the
        machine's power: the edge answers 2xx on the strength of it and of nothing else. Offsets
        grow by one in the order of the calls. An `AppendOutcomeUnknown` instead says that the
        record may be stored, and that the writer takes nothing more; any other error, that
        nothing was stored.

        Args:
            payload: The parts of the record, stored joined.
            done: Called once, in the event loop, after this has returned.

        Raises:
            LogFull: Nothing was taken; the same record may be taken later.
            LogClosed: Nothing was taken; the writer is closing.
        """

    async def append(self, payload: Sequence[bytes]) -> Offset:
        """
        Make one record durable and return its offset: `submit` for those who can wait.

        A caller that is cancelled while it waits knows nothing: the record may be stored.

        Raises:
            LogFull: Nothing was stored; the same append may succeed later.
            LogClosed: Nothing was stored; the writer is closing.
            AppendOutcomeUnknown: It may be stored. The writer takes nothing more.
        """

    def probe(self) -> str | None:
        """Return why nothing can be made durable right now; None if appends can succeed."""

    async def drop_below(self, offset: Offset, *, older_than_ms: int) -> Offset:
        """
        Remove whole closed segments of which nothing is needed, and return the first offset left.

        What is being written is never removed, and nothing at or above `offset` is.

        Args:
            offset: Everything below it is where it belongs.
            older_than_ms: Age that a segment must have, counted from its last record.
        """

    async def close(self) -> None:
        """Commit what was accepted, then release the partition."""


async def wait_for(
    submit: Callable[[Sequence[bytes], Done], None], payload: Sequence[bytes]
) -> Offset:
    """Submit a record, wait for its fate, and return its offset or raise: any `append`."""
    future: asyncio.Future[Offset] = asyncio.get_running_loop().create_future()
    submit(payload, partial(_tell, future))
    return await future


def _tell(future: asyncio.Future[Offset], outcome: Offset | PlatformError) -> None:
    if future.done():
        return  # who waited has given up
    if isinstance(outcome, PlatformError):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)


class LogReader(Protocol):
    """A reader of all partitions; it never writes and never checkpoints."""

    def partitions(self) -> list[PartitionId]:
        """Return the partitions that exist, in order."""

    def log_id(self, partition: PartitionId) -> str:
        """Return the identity of a partition's history."""

    def bounds(self, partition: PartitionId) -> Bounds:
        """
        Return what can be read of a partition now; `next` only ever grows.

        Only what was acknowledged can be read: nothing that a power cut could take back.

        Raises:
            NotInLog: There is no such partition.
        """

    def read(self, partition: PartitionId, start: Offset, *, bytes_max: int) -> list[LogRecord]:
        """
        Return the records from `start` on, in order and without gaps.

        At least one record if there is any, and no more once `bytes_max` is exceeded. Blocks
        for the time of one short read. Every record is checked against its checksum. A read
        that meets damage returns the records before it; the next one raises.

        Raises:
            LogDamaged: The record at `start` does not match its checksum, or is missing.
            NotInLog: `start` lies below `first`.
        """

    def close(self) -> None:
        """Release the files."""
