"""
What waits for the next flush, per table, and what is already done from an earlier life.

After a crash the log is read again from the checkpoint, and what the tables have already is
left out here: a table's mark covers its own rows and the failed records meant for it, because
failed records are always committed first. Above the mark, a record may still be among the
failed ones of a flush that was cut short between its commits: those are known by address.
"""

from collections.abc import Mapping
from typing import Any

import structlog

from forebay.kernel.ids import Offset, PartitionId
from forebay.lake.failed_records import FailedRecord
from forebay.lake.ports import (
    FAILED_RECORDS,
    Mark,
    Marks,
    Rows,
    TableId,
    TableStore,
    TableUnavailable,
)
from forebay.processing.checkpoint import Position
from forebay.processing.duplicates import Claims
from forebay.processing.messages import Request
from forebay.processing.ports import Dataset


class Done:
    """What the tables had when reading began, asked for once per table."""

    def __init__(self, tables: TableStore[Any], since: Mapping[PartitionId, Position]) -> None:
        self._tables = tables
        self._since = since
        self._marks: dict[TableId, Marks] = {}
        self._failed: dict[tuple[str, PartitionId, str], dict[Offset, set[int]]] = {}

    def has(self, table: TableId, request: Request) -> bool:
        """
        Say whether the records of a request that are meant for a table are dealt with.

        Raises:
            TableUnavailable: The table cannot be read.
        """
        if table not in self._marks:
            self._marks[table] = self._tables.marks(table)
        mark = self._marks[table].get(request.partition)
        return mark is not None and mark.log_id == request.log_id and request.offset < mark.next

    def failed_before(self, request: Request) -> set[int]:
        """Return the indexes of the messages of a request that are failed records already."""
        key = (request.head.sandbox_id, request.partition, request.log_id)
        if key not in self._failed:
            self._failed[key] = self._read_failed(*key)
        return self._failed[key].get(request.offset, _NONE)

    def _read_failed(
        self, sandbox_id: str, partition: PartitionId, log_id: str
    ) -> dict[Offset, set[int]]:
        table = TableId(sandbox_id, FAILED_RECORDS)
        position = self._since.get(partition)
        start = position.next if position and position.log_id == log_id else Offset(0)
        found: dict[Offset, set[int]] = {}
        try:
            mark = self._tables.marks(table).get(partition)
            if mark is None or mark.log_id != log_id or mark.next <= start:
                return found
            addresses = self._tables.addresses(table, partition, Mark(log_id, start))
        except TableUnavailable as error:
            # Going on without them may double a record whose fate has changed since the crash;
            # not going on would stop every table of the sandbox.
            structlog.get_logger().error("failed records cannot be read", error=error.message)
            return found
        for address in addresses:
            found.setdefault(address.offset, set()).add(address.index)
        return found


_NONE: set[int] = set()


class Pending:
    """Rows and failed records since the last flush."""

    def __init__(self) -> None:
        self.rows: dict[TableId, Rows] = {}
        self.datasets: dict[TableId, Dataset] = {}
        self.failed: dict[str, list[FailedRecord]] = {}
        """By sandbox."""
        self.failing: set[TableId] = set()
        """Tables some of whose records are among the failed ones."""
        self.stored = Claims()
        """Messages that the tables have already, and whose ids are theirs."""
        self.given_up = Claims()
        """Messages that failed: an id that one of them has from an earlier life is free again."""
        self.byte_count = 0

    def rows_of(self, table: TableId, dataset: Dataset) -> Rows:
        """Return the rows that wait for a table."""
        if table not in self.rows:
            self.rows[table] = Rows()
        self.datasets[table] = dataset
        return self.rows[table]

    def fail(self, sandbox_id: str, record: FailedRecord, table: TableId | None) -> None:
        """Add a failed record, and note the table it was meant for."""
        self.failed.setdefault(sandbox_id, []).append(record)
        self.byte_count += len(record.record) + len(record.violations)
        if table is not None:
            self.failing.add(table)
