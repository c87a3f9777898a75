"""The log's reader: bounds from the beacon, records from the segments, and no trace on either."""

from bisect import bisect_right
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from forebay.kernel.ids import Offset, PartitionId
from forebay.log.ports import Bounds, LogDamaged, LogRecord, NotInLog
from forebay.log.sqlite.beacon import Mark, read_beacon
from forebay.log.sqlite.frames import unpack_group
from forebay.log.sqlite.layout import (
    beacon_path,
    find_identity,
    list_partitions,
    list_segments,
    partition_path,
    segment_path,
)
from forebay.log.sqlite.segment import SegmentView


class _Open(NamedTuple):
    log_id: str
    first: Offset
    view: SegmentView


class SqliteLogReader:
    """
    A reader of all partitions below a directory, in any process; one thread at a time.

    It keeps one segment per partition open, the one it read last.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._marks: dict[PartitionId, Mark] = {}
        self._open: dict[PartitionId, _Open] = {}

    def partitions(self) -> list[PartitionId]:
        """Return the partitions that exist, in order."""
        return list_partitions(self._root)

    def log_id(self, partition: PartitionId) -> str:
        """Return the identity of a partition's history."""
        identity = find_identity(partition_path(self._root, partition))
        if identity is None:
            raise self._no_partition(partition)
        return identity.log_id

    def bounds(self, partition: PartitionId) -> Bounds:
        """Return what can be read of a partition now; costs one small read."""
        mark = self._mark(partition)
        return Bounds(mark.first, mark.next)

    def read(self, partition: PartitionId, start: Offset, *, bytes_max: int) -> list[LogRecord]:
        """Return the records from `start` on; see `LogReader.read`. Ends at a segment's end."""
        mark = self._mark(partition)
        self._check_kept(partition, start, mark)
        if start >= mark.next:
            return []
        try:
            view = self._view(partition, start, mark)
        except FileNotFoundError:
            # Between the beacon and the file the segment may have been dropped.
            self._check_kept(partition, start, self._mark(partition))
            raise self._missing(partition, start) from None
        records: list[LogRecord] = []
        try:
            _read_into(records, view, start, mark.next, bytes_max=bytes_max)
        except LogDamaged:
            if not records:
                raise
        if not records:
            raise self._missing(partition, start)
        return records

    def close(self) -> None:
        """Release the files."""
        while self._open:
            self._open.popitem()[1].view.close()

    def _mark(self, partition: PartitionId) -> Mark:
        try:
            mark = read_beacon(beacon_path(partition_path(self._root, partition)))
        except FileNotFoundError:
            raise self._no_partition(partition) from None
        known = self._marks.get(partition)
        # A slot that is being written reads as torn, and the other one is a group behind.
        if known is not None and known.log_id == mark.log_id and known.next > mark.next:
            return known
        self._marks[partition] = mark
        return mark

    def _view(self, partition: PartitionId, start: Offset, mark: Mark) -> SegmentView:
        path = partition_path(self._root, partition)
        segments = list_segments(path)
        index = bisect_right(segments, start) - 1
        if index < 0:
            raise FileNotFoundError(path)
        first = segments[index]
        known = self._open.get(partition)
        if known is not None and known[:2] == (mark.log_id, first):
            return known.view
        view = SegmentView(segment_path(path, first))
        if known is not None:
            known.view.close()
        self._open[partition] = _Open(mark.log_id, first, view)
        return view

    def _check_kept(self, partition: PartitionId, start: Offset, mark: Mark) -> None:
        if start < mark.first:
            raise NotInLog(
                f"offset {start} of partition {partition} was dropped after its retention; "
                f"the log begins with {mark.first}"
            )

    def _no_partition(self, partition: PartitionId) -> NotInLog:
        known = ", ".join(str(number) for number in self.partitions())
        return NotInLog(f"the log has no partition {partition}; it has {known or 'none'}")

    def _missing(self, partition: PartitionId, start: Offset) -> LogDamaged:
        return LogDamaged(
            f"offset {start} of partition {partition} was acknowledged and is missing", first=start
        )


def _read_into(
    records: list[LogRecord], view: SegmentView, start: Offset, end: Offset, *, bytes_max: int
) -> None:
    expected = start
    size = 0
    with closing(view.scan(start, end)) as groups:
        for group in groups:
            for record in unpack_group(group.blob, group.first, group.records, start=start):
                if record.offset != expected or record.offset >= end:
                    return
                records.append(record)
                expected = Offset(expected + 1)
                size += len(record.payload)
                if size >= bytes_max:
                    return
