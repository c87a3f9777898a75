"""Logs to test against: both adapters behind one way of opening them."""

from pathlib import Path
from typing import Protocol

from forebay.kernel.ids import Offset, PartitionId
from forebay.log.memory import MemoryLog
from forebay.log.ports import LogReader, LogRecord, LogWriter
from forebay.log.sqlite import SqliteLogReader, SqliteLogWriter, WriterOptions

PARTITION = PartitionId(1)
SEGMENT_BYTES_MAX = 64 * 1024
QUEUE_BYTES_MAX = 4 * 1024 * 1024


class Log(Protocol):
    """A place where a log is, opened again and again."""

    def open_writer(
        self,
        partition: PartitionId = PARTITION,
        *,
        segment_bytes_max: int = SEGMENT_BYTES_MAX,
        queue_bytes_max: int = QUEUE_BYTES_MAX,
    ) -> LogWriter: ...

    def open_reader(self) -> LogReader: ...


class InMemory:
    def __init__(self) -> None:
        self._log = MemoryLog()

    def open_writer(
        self,
        partition: PartitionId = PARTITION,
        *,
        segment_bytes_max: int = SEGMENT_BYTES_MAX,
        queue_bytes_max: int = QUEUE_BYTES_MAX,
    ) -> LogWriter:
        return self._log.open_writer(
            partition, segment_bytes_max=segment_bytes_max, queue_bytes_max=queue_bytes_max
        )

    def open_reader(self) -> LogReader:
        return self._log.open_reader()


class OnDisk:
    def __init__(self, root: Path) -> None:
        self.root = root

    def open_writer(
        self,
        partition: PartitionId = PARTITION,
        *,
        segment_bytes_max: int = SEGMENT_BYTES_MAX,
        queue_bytes_max: int = QUEUE_BYTES_MAX,
    ) -> LogWriter:
        options = WriterOptions(
            segment_bytes_max=segment_bytes_max,
            queue_bytes_max=queue_bytes_max,
            disk_reserve_bytes=0,
            checkpoint_bytes=segment_bytes_max // 4,
        )
        return SqliteLogWriter.open(self.root, partition, options=options)

    def open_reader(self) -> LogReader:
        return SqliteLogReader(self.root)


def read_all(
    reader: LogReader, partition: PartitionId = PARTITION, *, bytes_max: int = 100_000
) -> list[LogRecord]:
    """Return every record between the bounds, however many reads that takes."""
    first, end = reader.bounds(partition)
    records: list[LogRecord] = []
    position = first
    while position < end:
        records += reader.read(partition, position, bytes_max=bytes_max)
        position = Offset(records[-1].offset + 1)
    return records
