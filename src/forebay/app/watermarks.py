"""The positions of all stages, read where each stage keeps its own."""

from pathlib import Path

from forebay.api.forebay import Lag
from forebay.kernel.clock import Clock
from forebay.kernel.ids import Offset, PartitionId
from forebay.log.entry import unpack
from forebay.log.ports import LogReader
from forebay.processing.checkpoint import Position, read_positions


class Positions:
    """Watermarks of one installation (`api.forebay.Watermarks`)."""

    def __init__(self, reader: LogReader, checkpoint: Path, clock: Clock) -> None:
        self._reader = reader
        self._checkpoint = checkpoint
        self._clock = clock

    def durable(self) -> dict[PartitionId, int]:
        """Return the last acknowledged offset of each partition, -1 if there is none."""
        return {p: self._reader.bounds(p).next - 1 for p in self._reader.partitions()}

    def lake(self) -> dict[PartitionId, int]:
        """Return the last offset of each partition up to which everything is in the lake."""
        positions = read_positions(self._checkpoint)
        return {p: self._done(p, positions) - 1 for p in self._reader.partitions()}

    def lake_lag(self) -> Lag:
        """Return how far the lake is behind."""
        positions = read_positions(self._checkpoint)
        records, oldest_ms = 0, self._clock.now_ms()
        for partition in self._reader.partitions():
            done = self._done(partition, positions)
            missing = self._reader.bounds(partition).next - done
            if missing > 0:
                records += missing
                oldest_ms = min(oldest_ms, self._received_ms(partition, done))
        return Lag(records, max(self._clock.now_ms() - oldest_ms, 0) / 1000)

    def _done(self, partition: PartitionId, positions: dict[PartitionId, Position]) -> int:
        position = positions.get(partition)
        if position is None or position.log_id != self._reader.log_id(partition):
            return self._reader.bounds(partition).first
        return position.next

    def _received_ms(self, partition: PartitionId, offset: int) -> int:
        (record, *_) = self._reader.read(partition, Offset(offset), bytes_max=1)
        head, _ = unpack(record.payload)
        return head.received_ms
