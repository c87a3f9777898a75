"""
Rows back into records: what was a JSON object once, and became columns, is one again.

A null column is a member that was never there, so an object without members stays an object and
an absent one stays absent. What comes back is equal in value to what was received, not in
bytes: times are in UTC and to the microsecond, numbers with nothing behind the point are
integers, members stand in the order of the columns.

A table is read file by file and a batch of rows at a time, so that its size does not matter.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa  # type: ignore[import-untyped]  # has no types
import pyarrow.compute as pc  # type: ignore[import-untyped]  # has no types
import pyarrow.parquet as pq  # type: ignore[import-untyped]  # has no types
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.table import Table

from forebay.kernel import json
from forebay.kernel.errors import Disposition, PlatformError
from forebay.lake.catalog import FILE, TROUBLE, identifier, open_catalog, unavailable
from forebay.lake.ports import INGEST_COLUMN, TableId
from forebay.xdm.fields import ArrayOf, Field, FieldType, MapOf, Object, Scalar, ScalarKind

BATCH_ROWS = 2_000
"""Rows in memory at once."""

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  counted in UTC, written with its Z below
_EXACT_MAX = 2**53


class SnapshotGone(PlatformError):
    """A snapshot was asked for that the table does not have, or does not have any more."""

    code = "LAKE-1404"
    status = 404
    title = "Snapshot not found"
    disposition = Disposition.REJECT


class StoredRecord(NamedTuple):
    """A row of a dataset as the record it was."""

    record: dict[str, Any]
    xaction_id: str | None
    """The receipt it came with; None in a table without the column ``_ingest``."""


class StoredRows:
    """The rows of one snapshot, in an order that stays the same."""

    def __init__(
        self,
        table: TableId,
        fields: Object,
        snapshot_id: int | None = None,
        files: Sequence[tuple[str, int]] = (),
    ) -> None:
        self.snapshot_id = snapshot_id
        """None if nothing was ever written."""
        self._table = table
        self._fields = fields
        self._files = files
        self.row_count = sum(count for _, count in files)

    def batches(
        self, *, start: int = 0, batch_rows: int = BATCH_ROWS
    ) -> Iterator[list[StoredRecord]]:
        """
        Yield the records from a row on, some at a time.

        Raises:
            TableUnavailable: A file cannot be read.
        """
        try:
            for batch in _batches(self._files, start, batch_rows):
                yield _stored(self._fields, batch)
        except TROUBLE as error:
            raise unavailable(self._table, "read", error) from error


def open_rows(
    lake: Path, table: TableId, fields: Object, *, snapshot_id: int | None = None
) -> StoredRows:
    """
    Return the rows of a table's current snapshot, or of an older one.

    Args:
        lake: The lake's directory.
        table: Which table; one that was never written to has no rows.
        fields: The fields of its records, which say what a column of text stands for.
        snapshot_id: The snapshot; None is the current one.

    Raises:
        SnapshotGone: The table has no such snapshot.
        TableUnavailable: The table cannot be read.
    """
    if not (lake / FILE).exists():
        return _none(table, fields, snapshot_id)
    catalog = open_catalog(lake)
    try:
        found = catalog.load_table(identifier(table))
        return _open(found, table, fields, snapshot_id)
    except NoSuchTableError:
        return _none(table, fields, snapshot_id)
    except TROUBLE as error:
        raise unavailable(table, "read", error) from error
    finally:
        catalog.close()


def records_of(fields: Object, rows: pa.RecordBatch | pa.Table) -> list[dict[str, Any]]:
    """
    Return rows as records, without the column ``_ingest``.

    Args:
        fields: The fields of the records; a column that is none of them is read by its type.
        rows: Columns as the lake keeps them.
    """
    if isinstance(rows, pa.Table):
        return [record for batch in rows.to_batches() for record in records_of(fields, batch)]
    columns = {
        name: rows.column(place)
        for place, name in enumerate(rows.schema.names)
        if name != INGEST_COLUMN
    }
    found: list[dict[str, Any]] = [{} for _ in range(len(rows))]
    _fill(found, fields.by_name(), columns)
    return found


def _none(table: TableId, fields: Object, snapshot_id: int | None) -> StoredRows:
    if snapshot_id is not None:
        raise _gone(table, snapshot_id)
    return StoredRows(table, fields)


def _gone(table: TableId, snapshot_id: int) -> SnapshotGone:
    return SnapshotGone(
        f"table {table.name} has no snapshot {snapshot_id}: it never had it, or it is too old; "
        "leave the snapshot out to read the current one"
    )


def _open(found: Table, table: TableId, fields: Object, snapshot_id: int | None) -> StoredRows:
    if snapshot_id is not None and found.metadata.snapshot_by_id(snapshot_id) is None:
        raise _gone(table, snapshot_id)
    snapshot = (
        found.current_snapshot()
        if snapshot_id is None
        else found.metadata.snapshot_by_id(snapshot_id)
    )
    if snapshot is None:
        return StoredRows(table, fields)
    tasks = list(found.scan(snapshot_id=snapshot.snapshot_id).plan_files())
    if any(task.delete_files for task in tasks):
        message = "it has delete files, and rows are read from data files alone"
        raise ValueError(message)
    # Planned in parallel, so the order is not the same every time; whoever goes on at a row
    # has to find the same rows before it.
    files = sorted((task.file.file_path, task.file.record_count) for task in tasks)
    return StoredRows(table, fields, snapshot.snapshot_id, files)


def _batches(
    files: Sequence[tuple[str, int]], start: int, batch_rows: int
) -> Iterator[pa.RecordBatch]:
    for path, count in files:
        if start >= count:
            start -= count
            continue
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=batch_rows):
                if start >= len(batch):
                    start -= len(batch)
                    continue
                yield batch.slice(start)
                start = 0


def _stored(fields: Object, batch: pa.RecordBatch) -> list[StoredRecord]:
    receipts: list[str | None] = [None] * len(batch)
    if INGEST_COLUMN in batch.schema.names:
        receipts = batch.column(INGEST_COLUMN).field("xactionId").to_pylist()
    return [
        StoredRecord(record, receipt)
        for record, receipt in zip(records_of(fields, batch), receipts, strict=True)
    ]


def _fill(
    objects: Sequence[dict[str, Any]],
    fields: Mapping[str, Field],
    columns: Mapping[str, pa.Array],
) -> None:
    """Give each object the members that are not null in their columns."""
    for name, column in columns.items():
        field = fields.get(name)
        kind = field.type if field else _type_of(column.type)
        targets: Iterable[dict[str, Any]] = objects
        if column.null_count:
            # Most columns of a wide table are empty in most rows: what is null costs nothing.
            targets = map(objects.__getitem__, _places(column))
        for target, value in zip(targets, _values(kind, column), strict=True):
            if value is not None:  # the JSON null in a column of JSON texts
                target[name] = value


def _places(array: pa.Array) -> list[int]:
    """Return where an array is not null."""
    places: list[int] = pc.indices_nonzero(array.is_valid()).to_pylist()
    return places


def _values(kind: FieldType, array: pa.Array) -> list[Any]:
    """Return what is not null in a column, as JSON values."""
    dense = array.drop_null() if array.null_count else array
    if not len(dense):
        return []
    match kind:
        case Scalar():
            return _SCALARS[kind.kind](dense)
        case ArrayOf():
            items = _with_nulls(kind.item, _inner(dense, dense.values))
            return [items[begin:end] for begin, end in _ranges(dense)]
        case MapOf():
            keys = _inner(dense, dense.keys).to_pylist()
            values = _with_nulls(kind.value, _inner(dense, dense.items))
            return [
                dict(zip(keys[begin:end], values[begin:end], strict=True))
                for begin, end in _ranges(dense)
            ]
        case Object():
            found: list[dict[str, Any]] = [{} for _ in range(len(dense))]
            columns = {field.name: dense.field(at) for at, field in enumerate(dense.type)}
            _fill(found, kind.by_name(), columns)
            return found


def _with_nulls(kind: FieldType, array: pa.Array) -> list[Any]:
    """Return a column as JSON values, None where it is null."""
    values = _values(kind, array)
    if not array.null_count:
        return values
    found: list[Any] = [None] * len(array)
    for place, value in zip(_places(array), values, strict=True):
        found[place] = value
    return found


def _inner(array: pa.Array, values: pa.Array) -> pa.Array:
    """Return the values that belong to a list or map array, which may be part of a longer one."""
    first, last = array.offsets[0].as_py(), array.offsets[-1].as_py()
    return values.slice(first, last - first)


def _ranges(array: pa.Array) -> Iterator[tuple[int, int]]:
    """Yield where the items of each list begin and end among the items of all."""
    offsets = array.offsets.to_pylist()
    first = offsets[0]
    begins = [offset - first for offset in offsets]
    return pairwise(begins)


def _plain(array: pa.Array) -> list[Any]:
    values: list[Any] = array.to_pylist()
    return values


def _numbers(array: pa.Array) -> list[Any]:
    return [
        int(value) if value.is_integer() and abs(value) <= _EXACT_MAX else value
        for value in array.to_pylist()
    ]


def _dates(array: pa.Array) -> list[Any]:
    return [value.isoformat() for value in array.to_pylist()]


def _times(array: pa.Array) -> list[Any]:
    return [
        f"{(_EPOCH + timedelta(microseconds=micros)).isoformat()}Z"
        for micros in array.cast(pa.int64()).to_pylist()
    ]


def _json(array: pa.Array) -> list[Any]:
    return [json.decode(text) for text in array.to_pylist()]


_SCALARS: dict[ScalarKind, Callable[[pa.Array], list[Any]]] = {
    ScalarKind.STRING: _plain,
    ScalarKind.BOOLEAN: _plain,
    ScalarKind.BYTE: _plain,
    ScalarKind.SHORT: _plain,
    ScalarKind.INT: _plain,
    ScalarKind.LONG: _plain,
    ScalarKind.NUMBER: _numbers,
    ScalarKind.DATE: _dates,
    ScalarKind.DATE_TIME: _times,
    ScalarKind.JSON: _json,
}


def _type_of(kind: pa.DataType) -> FieldType:
    """Return what a column holds that no field tells of."""
    if pa.types.is_struct(kind):
        return Object(tuple(Field(name=field.name, type=_type_of(field.type)) for field in kind))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return ArrayOf(_type_of(kind.value_type))
    if pa.types.is_map(kind):
        return MapOf(_type_of(kind.item_type))
    for is_such, scalar in _BY_ARROW_TYPE.items():
        if is_such(kind):
            return Scalar(scalar)
    return Scalar(ScalarKind.STRING)


_BY_ARROW_TYPE: dict[Callable[[pa.DataType], bool], ScalarKind] = {
    pa.types.is_floating: ScalarKind.NUMBER,
    pa.types.is_date: ScalarKind.DATE,
    pa.types.is_timestamp: ScalarKind.DATE_TIME,
}
