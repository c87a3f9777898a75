"""The positions of all stages, read where each stage keeps its own."""

import threading
from pathlib import Path

from forebay.api.forebay import Lag
from forebay.kernel.clock import Clock
from forebay.kernel.ids import Offset, PartitionId
from forebay.log.entry import unpack
from forebay.log.ports import LogReader
from forebay.processing.checkpoint import Position, read_positions

_READ_BYTES_MAX = 4 * 1_048_576
_COUNTED_BYTES_MAX = 16 * 1_048_576
"""Log that is read to count messages; what lies beyond it is reckoned from its average."""


class Positions:
    """Watermarks of one installation (`api.forebay.Watermarks`); safe for threads."""

    def __init__(self, reader: LogReader, checkpoint: Path, clock: Clock) -> None:
        self._reader = reader
        self._checkpoint = checkpoint
        self._clock = clock
        self._lock = threading.Lock()  # a log reader serves one thread at a time

    def durable(self) -> dict[PartitionId, int]:
        """Return the last acknowledged offset of each partition, -1 if there is none."""
        with self._lock:
            return {p: self._reader.bounds(p).next - 1 for p in self._reader.partitions()}

    def lake(self) -> dict[PartitionId, int]:
        """Return the last offset of each partition up to which everything is in the lake."""
        with self._lock:
            positions = read_positions(self._checkpoint)
            return {p: self._done(p, positions) - 1 for p in self._reader.partitions()}

    def lake_lag(self) -> Lag:
        """
        Return how far the lake is behind.

        Messages are counted in the first 16 MiB of the log that are missing; of what lies
        beyond, as many are assumed in a request as on average there.
        """
        with self._lock:
            positions = read_positions(self._checkpoint)
            now_ms = oldest_ms = self._clock.now_ms()
            messages = 0
            for partition in self._reader.partitions():
                done = self._done(partition, positions)
                missing = self._reader.bounds(partition).next - done
                if missing > 0:
                    received_ms, count = self._count(partition, done, missing)
                    messages += count
                    oldest_ms = min(oldest_ms, received_ms)
        return Lag(messages, max(now_ms - oldest_ms, 0) / 1000)

    def _done(self, partition: PartitionId, positions: dict[PartitionId, Position]) -> int:
        position = positions.get(partition)
        if position is None or position.log_id != self._reader.log_id(partition):
            return self._reader.bounds(partition).first
        return position.next

    def _count(self, partition: PartitionId, start: int, missing: int) -> tuple[int, int]:
        """Return when the first missing record was received, and the messages from it on."""
        received_ms, seen, size, messages = 0, 0, 0, 0
        while seen < missing and size < _COUNTED_BYTES_MAX:
            records = self._reader.read(partition, Offset(start + seen), bytes_max=_READ_BYTES_MAX)
            for record in records[: missing - seen]:
                head, _ = unpack(record.payload)
                received_ms = received_ms or head.received_ms
                seen += 1
                size += len(record.payload)
                messages += head.count - len(head.refused)
        return received_ms, messages + round((missing - seen) * messages / seen)
