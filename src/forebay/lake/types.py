"""
One field, three type systems: Iceberg (what is stored), DuckDB (what reads JSON), Arrow.

Everything is nullable: a schema may require a member, but a column that is added later has to
be null in the rows before it. Types are those of schema-catalog-profile 1.12, times in
microseconds.
"""

from collections.abc import Iterator
from itertools import count

from pyiceberg.schema import Schema
from pyiceberg.types import (
    BooleanType,
    DateType,
    DoubleType,
    IcebergType,
    IntegerType,
    ListType,
    LongType,
    MapType,
    NestedField,
    PrimitiveType,
    StringType,
    StructType,
    TimestamptzType,
)

from forebay.lake.sql_text import quoted
from forebay.xdm.fields import ArrayOf, Field, FieldType, MapOf, Object, Scalar, ScalarKind

PLACEHOLDER = Field(name="_empty", type=Scalar(ScalarKind.BOOLEAN))
"""
The only member of an object that declares none: Parquet has no empty structs, and whether the
object was there has to be told from whether it was not. Always null.
"""

_ICEBERG: dict[ScalarKind, PrimitiveType] = {
    ScalarKind.STRING: StringType(),
    ScalarKind.BOOLEAN: BooleanType(),
    ScalarKind.BYTE: IntegerType(),
    ScalarKind.SHORT: IntegerType(),
    ScalarKind.INT: IntegerType(),
    ScalarKind.LONG: LongType(),
    ScalarKind.NUMBER: DoubleType(),
    ScalarKind.DATE: DateType(),
    ScalarKind.DATE_TIME: TimestamptzType(),
    ScalarKind.JSON: StringType(),
}

_DUCKDB: dict[ScalarKind, str] = {
    ScalarKind.STRING: "VARCHAR",
    ScalarKind.BOOLEAN: "BOOLEAN",
    ScalarKind.BYTE: "INTEGER",
    ScalarKind.SHORT: "INTEGER",
    ScalarKind.INT: "INTEGER",
    ScalarKind.LONG: "BIGINT",
    ScalarKind.NUMBER: "DOUBLE",
    ScalarKind.DATE: "DATE",
    ScalarKind.DATE_TIME: "TIMESTAMPTZ",
    ScalarKind.JSON: "JSON",
}


def members(item: Object) -> tuple[Field, ...]:
    """Return the members of an object as columns: at least one."""
    return item.fields or (PLACEHOLDER,)


def iceberg_schema(fields: Object) -> Schema:
    """
    Return the table schema of an object, with provisional field ids.

    Raises:
        ValueError: A name holds a NUL, at which Arrow and DuckDB would cut it.
    """
    return Schema(*_iceberg_fields(fields, count(1)))


def _iceberg_fields(item: Object, ids: Iterator[int]) -> list[NestedField]:
    for field in item.fields:
        if "\0" in field.name:
            message = f"{field.name!r} cannot name a column: it holds a NUL"
            raise ValueError(message)
    return [
        NestedField(
            field_id=next(ids),
            name=field.name,
            field_type=_iceberg_type(field.type, ids),
            required=False,
            doc=field.doc or None,
        )
        for field in members(item)
    ]


def _iceberg_type(kind: FieldType, ids: Iterator[int]) -> IcebergType:
    match kind:
        case Scalar():
            return _ICEBERG[kind.kind]
        case ArrayOf():
            return ListType(next(ids), _iceberg_type(kind.item, ids), element_required=False)
        case MapOf():
            return MapType(
                next(ids),
                StringType(),
                next(ids),
                _iceberg_type(kind.value, ids),
                value_required=False,
            )
        case Object():
            return StructType(*_iceberg_fields(kind, ids))


def duckdb_type(kind: FieldType) -> str:
    """Return the DuckDB type that reads a field from JSON."""
    match kind:
        case Scalar():
            return _DUCKDB[kind.kind]
        case ArrayOf():
            return f"{duckdb_type(kind.item)}[]"
        case MapOf():
            return f"MAP(VARCHAR, {duckdb_type(kind.value)})"
        case Object() if is_ambiguous(kind):
            return _DUCKDB[ScalarKind.JSON]
        case Object():
            inner = ", ".join(f"{quoted(f.name)} {duckdb_type(f.type)}" for f in members(kind))
            return f"STRUCT({inner})"


def is_ambiguous(kind: Object) -> bool:
    """
    Say whether two members of an object differ only in case.

    XDM has such objects. JSON, Arrow and Iceberg can tell the members apart, DuckDB cannot.
    """
    return len({field.name.casefold() for field in kind.fields}) < len(kind.fields)


def has_ambiguous_names(kind: FieldType) -> bool:
    """Say whether an object somewhere in a type is ambiguous."""
    match kind:
        case Scalar():
            return False
        case ArrayOf():
            return has_ambiguous_names(kind.item)
        case MapOf():
            return has_ambiguous_names(kind.value)
        case Object():
            return is_ambiguous(kind) or any(has_ambiguous_names(f.type) for f in kind.fields)
