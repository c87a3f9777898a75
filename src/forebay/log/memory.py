"""
The log in memory: the same laws without a disk, for tests and examples.

`MemoryLog` stands for the disk: what it holds survives the close of a writer and the opening
of the next one. Nothing of it survives the process.
"""

import asyncio
from bisect import bisect_right
from collections.abc import Sequence

from forebay.kernel.clock import Clock, SystemClock
from forebay.kernel.ids import Offset, PartitionId, new_uuid
from forebay.kernel.limits import APPEND_QUEUE_BYTES_MAX, SEGMENT_BYTES_MAX
from forebay.log.ports import (
    Bounds,
    Done,
    LogClosed,
    LogFull,
    LogInUse,
    LogRecord,
    NotInLog,
    wait_for,
)

_Waiting = tuple[bytes, Done]


class _Partition:
    def __init__(self) -> None:
        self.log_id = new_uuid()
        self.first = Offset(0)
        self.payloads: list[bytes] = []
        """The records from `first` on."""
        self.ends: list[tuple[Offset, int]] = []
        """Offset after each closed segment, and when it was closed."""
        self.segment_bytes = 0
        self.is_written = False

    @property
    def next(self) -> Offset:
        return Offset(self.first + len(self.payloads))


class MemoryLog:
    """All partitions; it opens their writers and readers."""

    def __init__(self, *, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._partitions: dict[PartitionId, _Partition] = {}

    def open_writer(
        self,
        partition: PartitionId,
        *,
        segment_bytes_max: int = SEGMENT_BYTES_MAX,
        queue_bytes_max: int = APPEND_QUEUE_BYTES_MAX,
    ) -> "MemoryLogWriter":
        """
        Open a partition for writing, and make it if it does not exist.

        Raises:
            LogInUse: It has a writer.
        """
        state = self._partitions.setdefault(partition, _Partition())
        if state.is_written:
            raise LogInUse(f"partition {partition} already has a writer")
        state.is_written = True
        return MemoryLogWriter(
            state,
            partition,
            segment_bytes_max=segment_bytes_max,
            queue_bytes_max=queue_bytes_max,
            clock=self._clock,
        )

    def open_reader(self) -> "MemoryLogReader":
        """Open a reader of all partitions."""
        return MemoryLogReader(self._partitions)


class MemoryLogWriter:
    """The only writer of one partition; what is appended in one turn of the loop is one group."""

    def __init__(
        self,
        state: _Partition,
        partition: PartitionId,
        *,
        segment_bytes_max: int,
        queue_bytes_max: int,
        clock: Clock,
    ) -> None:
        self._state = state
        self._partition = partition
        self._segment_bytes_max = segment_bytes_max
        self._queue_bytes_max = queue_bytes_max
        self._clock = clock
        self._queue: list[_Waiting] = []
        self._queued_bytes = 0
        self._is_closing = False

    @property
    def partition(self) -> PartitionId:
        """The partition it writes."""
        return self._partition

    @property
    def log_id(self) -> str:
        """Identity of this partition's history."""
        return self._state.log_id

    async def append(self, payload: Sequence[bytes]) -> Offset:
        """Keep one record and return its offset; see `LogWriter.append`."""
        return await wait_for(self.submit, payload)

    def submit(self, payload: Sequence[bytes], done: Done) -> None:
        """Keep one record; see `LogWriter.submit`."""
        if self._is_closing:
            raise LogClosed(f"the writer of partition {self._partition} is closing")
        record = b"".join(payload)
        if self._queued_bytes + len(record) > self._queue_bytes_max:
            raise LogFull(f"{self._queued_bytes} bytes wait in partition {self._partition}")
        if not self._queue:
            asyncio.get_running_loop().call_soon(self._commit)
        self._queue.append((record, done))
        self._queued_bytes += len(record)

    def probe(self) -> str | None:
        """Return why nothing can be kept right now; None if appends can succeed."""
        return f"the writer of partition {self._partition} is closing" if self._is_closing else None

    async def drop_below(self, offset: Offset, *, older_than_ms: int) -> Offset:
        """Remove whole closed segments; see `LogWriter.drop_below`."""
        state = self._state
        written_by_ms = self._clock.now_ms() - older_than_ms
        while state.ends and state.ends[0][0] <= offset and state.ends[0][1] <= written_by_ms:
            end, _ = state.ends.pop(0)
            del state.payloads[: end - state.first]
            state.first = end
        return state.first

    async def close(self) -> None:
        """Commit what was accepted, then release the partition."""
        if not self._is_closing:
            self._is_closing = True
            self._commit()
            self._state.is_written = False

    def _commit(self) -> None:
        group, self._queue = self._queue, []
        self._queued_bytes = 0
        for record, done in group:
            offset = self._state.next
            self._state.payloads.append(record)
            self._state.segment_bytes += len(record)
            done(offset)
        if self._state.segment_bytes >= self._segment_bytes_max:
            self._state.ends.append((self._state.next, self._clock.now_ms()))
            self._state.segment_bytes = 0


class MemoryLogReader:
    """A reader of all partitions of a `MemoryLog`."""

    def __init__(self, partitions: dict[PartitionId, _Partition]) -> None:
        self._partitions = partitions

    def partitions(self) -> list[PartitionId]:
        """Return the partitions that exist, in order."""
        return sorted(self._partitions)

    def log_id(self, partition: PartitionId) -> str:
        """Return the identity of a partition's history."""
        return self._get(partition).log_id

    def bounds(self, partition: PartitionId) -> Bounds:
        """Return what can be read of a partition now."""
        state = self._get(partition)
        return Bounds(state.first, state.next)

    def read(self, partition: PartitionId, start: Offset, *, bytes_max: int) -> list[LogRecord]:
        """Return the records from `start` on; see `LogReader.read`. Ends at a segment's end."""
        state = self._get(partition)
        if start < state.first:
            raise NotInLog(f"the log of partition {partition} begins with {state.first}")
        ends = [end for end, _ in state.ends] + [state.next]
        end = ends[min(bisect_right(ends, start), len(ends) - 1)]
        records: list[LogRecord] = []
        size = 0
        for offset in range(start, end):
            payload = state.payloads[offset - state.first]
            records.append(LogRecord(Offset(offset), payload))
            size += len(payload)
            if size >= bytes_max:
                break
        return records

    def close(self) -> None:
        """Release nothing: there are no files."""

    def _get(self, partition: PartitionId) -> _Partition:
        state = self._partitions.get(partition)
        if state is None:
            raise NotInLog(f"the log has no partition {partition}")
        return state
