"""Tables in memory: the adapter of `TableStore` for tests, with every promise but durability."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from forebay.kernel.ids import PartitionId
from forebay.lake.batches import Batch, BatchFile, completed
from forebay.lake.ports import (
    INGEST_COLUMN,
    Address,
    Appended,
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

    def without(self, rows: Collection[int]) -> Self:
        """Return the same but for some rows that fit, named by their places in the `Rows`."""
        refused = {refusal.row for refusal in self.refusals}
        places = (n for n in range(len(self.rows) + len(refused)) if n not in refused)
        kept = (row for place, row in zip(places, self.rows, strict=True) if place not in rows)
        return replace(self, rows=tuple(kept))


class MemoryTables:
    """A lake that ends with the process."""

    def __init__(self) -> None:
        self.rows: dict[TableId, list[dict[str, Any]]] = {}
        self._marks: dict[TableId, dict[PartitionId, Mark]] = {}
        self._fields: dict[TableId, Object] = {}
        self._batches: list[Batch] = []
        self._commits = 0

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

    def append(
        self, table: TableId, prepared: MemoryRows, marks: Marks, *, batches: Sequence[Batch] = ()
    ) -> Appended:
        """Store prepared rows and marks at once."""
        known = self._marks.setdefault(table, {})
        for partition, mark in marks.items():
            before = known.get(partition)
            if before and before.log_id == mark.log_id and mark.next < before.next:
                raise MarkBehind(f"table {table.name} is at {before.next}, not {mark.next}")
        self.rows[table] += prepared.rows
        known.update(marks)
        self._commits += 1
        count = prepared.row_count
        files = (BatchFile(f"{table.name}/{self._commits}", count, count),) if count else ()
        self._batches += [completed(batch, self._commits, files) for batch in batches]
        return Appended(self._commits, files)

    def batches(self, is_known: Callable[[str], bool]) -> list[Batch]:
        """Return the batches of all commits, but for those whose id is known."""
        return [batch for batch in self._batches if not is_known(batch.batch_id)]

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
