"""Tables in memory: the adapter of `TableStore` for tests, with every promise but durability."""

from dataclasses import dataclass
from typing import Any

from forebay.kernel.ids import PartitionId
from forebay.lake.ports import (
    INGEST_COLUMN,
    Address,
    FieldsConflict,
    Mark,
    MarkBehind,
    Marks,
    Origin,
    Refusal,
    Rows,
    TableId,
)
from forebay.lake.strict import DoesNotFit, read_entity
from forebay.xdm.fields import Object


@dataclass(frozen=True)
class MemoryRows:
    """Prepared rows."""

    rows: tuple[dict[str, Any], ...]
    refusals: tuple[Refusal, ...]

    @property
    def row_count(self) -> int:
        """Rows that fit."""
        return len(self.rows)


class MemoryTables:
    """A lake that ends with the process."""

    def __init__(self) -> None:
        self.rows: dict[TableId, list[dict[str, Any]]] = {}
        self._marks: dict[TableId, dict[PartitionId, Mark]] = {}
        self._fields: dict[TableId, Object] = {}

    def marks(self, table: TableId) -> Marks:
        """Return how far the log is in a table."""
        return dict(self._marks.get(table, {}))

    def ensure(self, table: TableId, fields: Object) -> None:
        """Make the table, or give it the columns it lacks."""
        known = self._fields.get(table, Object(())).by_name()
        for field in fields.fields:
            is_same = field.name not in known or type(known[field.name].type) is type(field.type)
            if not is_same and self.rows[table]:
                raise FieldsConflict(f"column {field.name} of {table.name} has another type")
        kept = [field for name, field in known.items() if name not in fields.by_name()]
        self._fields[table] = Object((*kept, *fields.fields))
        self.rows.setdefault(table, [])

    def prepare(self, fields: Object, rows: Rows) -> MemoryRows:
        """Bring rows into the form of a table with these fields."""
        record = Object(tuple(f for f in fields.fields if f.name != INGEST_COLUMN))
        has_origins = len(record.fields) < len(fields.fields)
        found: list[dict[str, Any]] = []
        refusals: list[Refusal] = []
        for place, entity in enumerate(rows.entities):
            try:
                row = read_entity(record, bytes(entity))
            except DoesNotFit as error:
                refusals.append(Refusal(place, str(error)))
                continue
            if has_origins:
                row[INGEST_COLUMN] = _ingest(rows.origins[place], rows.indexes[place])
            found.append(row)
        return MemoryRows(tuple(found), tuple(refusals))

    def append(self, table: TableId, prepared: MemoryRows, marks: Marks) -> None:
        """Store prepared rows and marks at once."""
        known = self._marks.setdefault(table, {})
        for partition, mark in marks.items():
            before = known.get(partition)
            if before and before.log_id == mark.log_id and mark.next < before.next:
                raise MarkBehind(f"table {table.name} is at {before.next}, not {mark.next}")
        self.rows[table] += prepared.rows
        known.update(marks)

    def addresses(self, table: TableId, partition: PartitionId, since: Mark) -> set[Address]:
        """Return the addresses in a table of failed records, from an offset on."""
        return {
            Address(partition, row["offset"], row["index"])
            for row in self.rows.get(table, [])
            if row["logId"] == since.log_id
            and row["partition"] == partition
            and row["offset"] >= since.next
        }

    def close(self) -> None:
        """Keep everything: there is nothing to release."""


def _ingest(origin: Origin, index: int) -> dict[str, Any]:
    receipt = origin.transaction_id
    return {
        "xactionId": receipt.item(index) if origin.is_batch else str(receipt),
        "partition": origin.partition,
        "offset": origin.offset,
        "index": index,
        "inletId": origin.inlet_id,
        "sourceName": origin.source_name,
        "flowId": origin.flow_id,
        "isAuthenticated": origin.is_authenticated,
        "schemaVersion": origin.schema_version,
    }
