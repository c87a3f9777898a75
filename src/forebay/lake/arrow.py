"""
Records in Arrow's columns: by the hundred thousand through DuckDB, one by one where it balks.

The fast way never decides anything. It has to deliver exactly one row per record, with
numbers and times inside the bounds where nothing is rounded or cut; else the same records go
the strict way, which keeps every value or refuses the record with a reason.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import duckdb
import msgspec
import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # has no types
import pyarrow.compute as pc  # type: ignore[import-untyped]  # has no types
from pyiceberg.types import IcebergType, ListType, MapType, NestedField, StructType

from forebay.lake.duck import confine, connect
from forebay.lake.ports import INGEST_COLUMN, Origin, Refusal, Rows
from forebay.lake.sql_text import literal
from forebay.lake.strict import DoesNotFit, read_entity
from forebay.lake.types import duckdb_type, has_ambiguous_names, is_ambiguous, members
from forebay.xdm.fields import ArrayOf, FieldType, MapOf, Object, Scalar, ScalarKind

CHUNK_ROWS_MAX = 20_000
"""Records converted at once: bounds memory, and what goes the strict way with a bad record."""

MEMORY_LIMIT = "512MB"

_EXACT_MAX = 2.0**53 - 1
"""Up to here every integer is a double of its own."""
_DAY_FIRST, _DAY_LAST = -719_162, 2_932_896
"""0001-01-01 and 9999-12-31 in days since 1970: outside, hardly any reader can say the date."""
_DAY_US = 86_400_000_000

_UTC_TIME = pa.timestamp("us", tz="UTC")
_ARROW: dict[ScalarKind, pa.DataType] = {
    ScalarKind.STRING: pa.string(),
    ScalarKind.BOOLEAN: pa.bool_(),
    ScalarKind.BYTE: pa.int32(),
    ScalarKind.SHORT: pa.int32(),
    ScalarKind.INT: pa.int32(),
    ScalarKind.LONG: pa.int64(),
    ScalarKind.NUMBER: pa.float64(),
    ScalarKind.DATE: pa.date32(),
    ScalarKind.DATE_TIME: _UTC_TIME,
    ScalarKind.JSON: pa.string(),
}


@dataclass(frozen=True)
class ArrowRows:
    """Prepared rows."""

    table: pa.Table
    refusals: tuple[Refusal, ...]

    @property
    def row_count(self) -> int:
        """Rows that fit."""
        return int(self.table.num_rows)

    def without(self, rows: Collection[int]) -> Self:
        """Return the same but for some rows that fit, named by their places in the `Rows`."""
        refused = [refusal.row for refusal in self.refusals]
        is_kept = np.ones(self.row_count + len(refused), np.bool_)
        is_kept[list(rows)] = False
        return replace(self, table=self.table.filter(pa.array(np.delete(is_kept, refused))))


def prepare(fields: Object, rows: Rows, *, spool: Path) -> ArrowRows:
    """
    Return rows as Arrow columns, and those that do not fit with a reason each.

    Args:
        fields: The table's columns; ``_ingest`` among them is filled from the rows' origins.
        rows: The records.
        spool: A folder for files that live as long as this call.
    """
    record = Object(tuple(f for f in fields.fields if f.name != INGEST_COLUMN))
    has_origins = len(record.fields) < len(fields.fields)
    convert = _fast_way(record)
    tables: list[pa.Table] = []
    refusals: list[Refusal] = []
    with TemporaryDirectory(dir=spool) as folder, connect() as connection:
        confine(connection, memory_limit=MEMORY_LIMIT, threads=1, folder=folder)
        for start in range(0, len(rows.entities), CHUNK_ROWS_MAX):
            entities = rows.entities[start : start + CHUNK_ROWS_MAX]
            table = convert and convert(connection, Path(folder), entities)
            kept: Sequence[int] = range(start, start + len(entities))
            if table is None:
                table, refused = _strictly(record, entities)
                gone = {refusal.row for refusal in refused}
                kept = [start + row for row in range(len(entities)) if row not in gone]
                refusals += [Refusal(start + refusal.row, refusal.reason) for refusal in refused]
            if has_origins:
                columns = [*table.columns, _origins(rows, kept)]
                table = pa.table(columns, names=[*table.column_names, INGEST_COLUMN])
            tables.append(table)
    return ArrowRows(
        table=pa.concat_tables(tables) if tables else _schema(record).empty_table(),
        refusals=tuple(refusals),
    )


_Fast = Callable[[duckdb.DuckDBPyConnection, Path, Sequence[Any]], pa.Table | None]


def _fast_way(record: Object) -> _Fast | None:
    if not record.fields or is_ambiguous(record):
        return None
    columns = ", ".join(
        f"{literal(f.name)}: {literal(duckdb_type(f.type))}" for f in members(record)
    )
    options = f"format='newline_delimited', records=true, columns={{{columns}}}"

    def convert(
        connection: duckdb.DuckDBPyConnection, folder: Path, entities: Sequence[Any]
    ) -> pa.Table | None:
        file = folder / "chunk.ndjson"
        _write_lines(file, entities)
        try:
            table = connection.sql(
                f"SELECT * FROM read_json({literal(str(file))}, {options})"  # noqa: S608  our own names and types, quoted
            ).to_arrow_table()
        except duckdb.Error:
            return None
        typed = _typed_table(record, table)
        is_exact = (
            typed is not None
            and typed.num_rows == len(entities)
            and all(
                _is_exact(field.type, chunk)
                for field, column in zip(record.fields, typed.columns, strict=True)
                for chunk in column.chunks
            )
        )
        return typed if is_exact else None

    return convert


def _typed_table(record: Object, table: pa.Table) -> pa.Table | None:
    """
    Give ambiguous objects, which DuckDB read as JSON texts, their type; None if one does not fit.

    They are few and small, so the exact reader may have them without the whole record
    going the strict way.
    """
    columns = []
    for field, column in zip(record.fields, table.columns, strict=True):
        if not has_ambiguous_names(field.type):
            columns.append(column)
            continue
        try:
            chunks = [_typed(field.type, chunk) for chunk in column.chunks]
        except DoesNotFit:
            return None
        columns.append(pa.chunked_array(chunks, arrow_type(field.type)))
    return pa.table(columns, names=table.column_names)


def _typed(kind: FieldType, array: pa.Array) -> pa.Array:
    if not has_ambiguous_names(kind):
        return array
    match kind:
        case Object() if is_ambiguous(kind):
            texts = array.cast(pa.string()).to_pylist()
            found = [None if text is None else read_entity(kind, text.encode()) for text in texts]
            return pa.array(found, arrow_type(kind))
        case Object():
            inner = [_typed(field.type, array.field(i)) for i, field in enumerate(members(kind))]
            names = [field.name for field in members(kind)]
            return pa.StructArray.from_arrays(inner, names=names, mask=array.is_null())
        case ArrayOf():
            values = _typed(kind.item, array.values)
            return pa.ListArray.from_arrays(array.offsets, values, mask=array.is_null())
        case MapOf():
            items = _typed(kind.value, array.items)
            return pa.MapArray.from_arrays(array.offsets, array.keys, items, mask=array.is_null())
        case _:
            return array


def _write_lines(file: Path, entities: Sequence[Any]) -> None:
    lines = b"\n".join(entities)
    if lines.count(b"\n") != len(entities) - 1:
        # JSON may be laid out over several lines. Taking the white space out leaves every
        # token as it is.
        lines = b"\n".join([msgspec.json.format(bytes(e), indent=-1) for e in entities])
    file.write_bytes(lines)


def _is_exact(kind: FieldType, array: pa.Array) -> bool:
    """Say whether all values are in the bounds where DuckDB neither rounds nor overflows."""
    match kind:
        case Scalar():
            return _is_exact_leaf(kind.kind, array)
        case ArrayOf():
            return _is_exact(kind.item, array.values)
        case MapOf():
            return _is_exact(kind.value, array.items)
        case Object():
            return all(
                _is_exact(field.type, array.field(place)) for place, field in enumerate(kind.fields)
            )


def _is_exact_leaf(kind: ScalarKind, array: pa.Array) -> bool:
    match kind:
        case ScalarKind.NUMBER:
            if pc.any(pc.is_nan(array)).as_py():
                return False
            return _is_within(array, -_EXACT_MAX, _EXACT_MAX)
        case ScalarKind.DATE:
            return _is_within(array.cast(pa.int32()), _DAY_FIRST, _DAY_LAST)
        case ScalarKind.DATE_TIME:
            last = (_DAY_LAST + 1) * _DAY_US - 1
            return _is_within(array.cast(pa.int64()), _DAY_FIRST * _DAY_US, last)
        case _:
            return True


def _is_within(array: pa.Array, first: float, last: float) -> bool:
    bounds = pc.min_max(array).as_py()
    if bounds["min"] is None:
        return True
    return bool(first <= bounds["min"] and bounds["max"] <= last)


def _strictly(record: Object, entities: Sequence[Any]) -> tuple[pa.Table, list[Refusal]]:
    schema = _schema(record)
    found: list[dict[str, Any]] = []
    refusals: list[Refusal] = []
    for row, entity in enumerate(entities):
        try:
            found.append(read_entity(record, bytes(entity)))
        except DoesNotFit as error:
            refusals.append(Refusal(row, str(error)))
    return pa.Table.from_pylist(found, schema=schema), refusals


def _schema(record: Object) -> pa.Schema:
    return pa.schema([(f.name, arrow_type(f.type)) for f in record.fields])


def arrow_type(kind: FieldType) -> pa.DataType:
    """Return the Arrow type of a field."""
    match kind:
        case Scalar():
            return _ARROW[kind.kind]
        case ArrayOf():
            return pa.list_(arrow_type(kind.item))
        case MapOf():
            return pa.map_(pa.string(), arrow_type(kind.value))
        case Object():
            return pa.struct([(f.name, arrow_type(f.type)) for f in members(kind)])


def _origins(rows: Rows, kept: Sequence[int]) -> pa.Array:
    """
    Return the column ``_ingest``.

    Neighbours share their origin, so each of its values is made once and stretched over the
    run, which costs next to nothing per row.
    """
    runs: list[Origin] = []
    ends: list[int] = []
    for place, row in enumerate(kept, 1):
        origin = rows.origins[row]
        if runs and runs[-1] is origin:
            ends[-1] = place
        else:
            runs.append(origin)
            ends.append(place)
    run_ends = pa.array(ends, pa.int32())

    def stretched(values: list[Any], kind: pa.DataType) -> pa.Array:
        array = pa.array(values, kind)
        if not runs:
            return array
        return pc.run_end_decode(pa.RunEndEncodedArray.from_arrays(run_ends, array))

    index = pa.array([rows.indexes[row] for row in kept], pa.int32())
    request = stretched([str(o.transaction_id) for o in runs], pa.string())
    item = pc.binary_join_element_wise(request, index.cast(pa.string()), ":")
    is_batch = stretched([o.is_batch for o in runs], pa.bool_())
    columns = {
        "xactionId": pc.if_else(is_batch, item, request),
        "partition": stretched([o.partition for o in runs], pa.int32()),
        "offset": stretched([o.offset for o in runs], pa.int64()),
        "index": index,
        "receivedAt": stretched([o.received_ms * 1000 for o in runs], _UTC_TIME),
        "inletId": stretched([o.inlet_id for o in runs], pa.string()),
        "sourceName": stretched([o.source_name for o in runs], pa.string()),
        "flowId": stretched([o.flow_id for o in runs], pa.string()),
        "isAuthenticated": stretched([o.is_authenticated for o in runs], pa.bool_()),
        "schemaVersion": stretched([o.schema_version for o in runs], pa.string()),
    }
    return pa.StructArray.from_arrays(list(columns.values()), names=list(columns))


def conform(table: pa.Table, struct: StructType) -> pa.Table:
    """
    Return the rows under a table's own schema: its order, its field ids, nulls for the rest.

    Parquet files carry the ids, and readers go by them, not by names.
    """
    schema = pa.schema([_with_id(field) for field in struct.fields])
    batches = [
        pa.RecordBatch.from_arrays(
            _conform_members(
                {n: batch.column(i) for i, n in enumerate(batch.schema.names)}, schema, len(batch)
            ),
            schema=schema,
        )
        for batch in table.to_batches()
    ]
    return pa.Table.from_batches(batches, schema)


def _with_id(field: NestedField) -> pa.Field:
    return pa.field(
        field.name,
        _with_ids(field.field_type),
        nullable=not field.required,
        metadata={b"PARQUET:field_id": str(field.field_id).encode()},
    )


def _with_ids(kind: IcebergType) -> pa.DataType:
    match kind:
        case StructType():
            return pa.struct([_with_id(field) for field in kind.fields])
        case ListType():
            return pa.list_(_with_id(kind.element_field))
        case MapType():
            return pa.map_(_with_id(kind.key_field), _with_id(kind.value_field))
        case _:
            return _PRIMITIVE[str(kind)]


_PRIMITIVE: dict[str, pa.DataType] = {
    "string": pa.string(),
    "boolean": pa.bool_(),
    "int": pa.int32(),
    "long": pa.int64(),
    "double": pa.float64(),
    "date": pa.date32(),
    "timestamptz": _UTC_TIME,
}


def _conform_members(
    found: dict[str, pa.Array], wanted: Sequence[pa.Field], length: int
) -> list[pa.Array]:
    return [
        _conform(found[field.name], field.type)
        if field.name in found
        else pa.nulls(length, field.type)
        for field in wanted
    ]


def _conform(array: pa.Array, kind: pa.DataType) -> pa.Array:
    if pa.types.is_struct(kind):
        found = {f.name: array.field(i) for i, f in enumerate(array.type)}
        fields = list(kind)
        return pa.StructArray.from_arrays(
            _conform_members(found, fields, len(array)), fields=fields, mask=array.is_null()
        )
    if pa.types.is_list(kind):
        values = _conform(array.values, kind.value_type)
        return pa.ListArray.from_arrays(array.offsets, values, type=kind, mask=array.is_null())
    if pa.types.is_map(kind):
        items = _conform(array.items, kind.item_type)
        return pa.MapArray.from_arrays(
            array.offsets, array.keys, items, type=kind, mask=array.is_null()
        )
    return array if array.type == kind else array.cast(kind)
