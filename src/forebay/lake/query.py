"""
Ask the lake in SQL: datasets as views over their current snapshots, read-only and confined.

DuckDB reads the Parquet files that the snapshot of this moment names. They are never changed,
so a query sees one state of each table however long it takes, while the server goes on writing.
The query can reach those files and nothing else: no other file, no network, no setting.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.types import IcebergType, ListType, MapType, StructType

from forebay.lake.catalog import FILE, TROUBLE, identifier, open_catalog, unavailable
from forebay.lake.failed_records import FIELDS
from forebay.lake.ports import FAILED_RECORDS, TableId
from forebay.lake.sql_text import literal, quoted
from forebay.lake.statement import (
    MEMORY_LIMIT,
    SECONDS_MAX,
    QueryRefused,
    Result,
    Statement,
    View,
)
from forebay.lake.types import iceberg_schema
from forebay.xdm.fields import Object

__all__ = ["QueryRefused", "Result", "make_views", "query", "views_of"]

_DUCKDB = {
    "string": "VARCHAR",
    "boolean": "BOOLEAN",
    "int": "INTEGER",
    "long": "BIGINT",
    "double": "DOUBLE",
    "date": "DATE",
    "timestamptz": "TIMESTAMPTZ",
}


def _no_fields(_table: TableId) -> Object | None:
    return None


def query(
    lake: Path,
    tables: Mapping[str, TableId],
    sql: str,
    *,
    fields_of: Callable[[TableId], Object | None] = _no_fields,
    seconds_max: float = SECONDS_MAX,
    memory_limit: str = MEMORY_LIMIT,
) -> Result:
    """
    Answer one SELECT, WITH, DESCRIBE or SHOW over the current rows of the lake.

    Every table is a view under the name given and under its own (a dataset's id); names that
    differ only in case are not views, because SQL cannot tell them apart. The failed records
    are ``failed_records``, if all tables are of one sandbox.

    Args:
        lake: The lake's directory.
        tables: Table by the name it shall have.
        sql: The statement.
        fields_of: Returns the columns of a table that was never written to, so that it is an
            empty view; None leaves it out.
        seconds_max: After this the query is broken off.
        memory_limit: What DuckDB may use.

    Raises:
        QueryRefused: The statement is not a reading one, or wrong.
        TableUnavailable: A table it names is damaged.
    """
    statement = Statement(sql)
    try:
        views = views_of(tables)
        wanted = {name: views[name] for name in statement.choose(views)}
        found = make_views(lake, wanted, fields_of)
        return statement.run(found, seconds_max=seconds_max, memory_limit=memory_limit)
    except BaseException:
        statement.close()
        raise


def views_of(tables: Mapping[str, TableId]) -> dict[str, TableId]:
    """Return the table that each clear name means: the names given, ids, `failed_records`."""
    named: dict[str, TableId] = {}
    sandboxes = {table.sandbox_id for table in tables.values()}
    if len(sandboxes) == 1:
        named[FAILED_RECORDS] = TableId(sandboxes.pop(), FAILED_RECORDS)
    named.update({table.name: table for table in tables.values()})
    named.update(tables)
    meant: dict[str, set[TableId]] = {}
    for name, table in named.items():
        meant.setdefault(name.casefold(), set()).add(table)
    # A view by each clear name; of two spellings of one table's name the first will do.
    clear = {name.casefold(): name for name in reversed(named) if len(meant[name.casefold()]) == 1}
    return {name: named[name] for name in clear.values()}


def make_views(
    lake: Path,
    tables: Mapping[str, TableId],
    fields_of: Callable[[TableId], Object | None] = _no_fields,
) -> list[View]:
    """
    Return views over the current snapshots of tables; one that is not there is left out.

    Raises:
        TableUnavailable: A table is damaged.
    """
    catalog = open_catalog(lake) if (lake / FILE).exists() else None
    views: list[View] = []
    try:
        for name, table in tables.items():
            found = _current(catalog, table) or _empty(fields_of(table))
            if found is not None:
                struct, files = found
                views.append(View(name, _select(struct, files), files))
    finally:
        if catalog is not None:
            catalog.close()
    return views


def _current(catalog: SqlCatalog | None, table: TableId) -> tuple[StructType, list[str]] | None:
    """Return columns and files of a table's current snapshot; None if there is no table."""
    missing: tuple[StructType, list[str]] | None = None
    if table.name == FAILED_RECORDS:
        missing = iceberg_schema(FIELDS).as_struct(), []
    if catalog is None:
        return missing
    try:
        found = catalog.load_table(identifier(table))
        files = [task.file.file_path for task in found.scan().plan_files()]
    except NoSuchTableError:
        return missing
    except TROUBLE as error:
        raise unavailable(table, "read", error) from error
    return found.schema().as_struct(), files


def _empty(fields: Object | None) -> tuple[StructType, list[str]] | None:
    return None if fields is None else (iceberg_schema(fields).as_struct(), [])


def _select(struct: StructType, files: list[str]) -> str:
    columns = ", ".join(
        f"NULL::{_duckdb_type(f.field_type)} AS {quoted(f.name)}" for f in struct.fields
    )
    # The typed row that is never there gives an empty table its columns, and an old file the
    # columns that came after it.
    typed = f"SELECT {columns} WHERE false"
    if not files:
        return typed
    paths = ", ".join(literal(path) for path in files)
    return f"{typed} UNION ALL BY NAME SELECT * FROM read_parquet([{paths}], union_by_name=true)"  # noqa: S608  our own paths, quoted


def _duckdb_type(kind: IcebergType) -> str:
    match kind:
        case StructType():
            names = _distinct([f.name for f in kind.fields])
            inner = ", ".join(
                f"{quoted(name)} {_duckdb_type(f.field_type)}"
                for name, f in zip(names, kind.fields, strict=True)
            )
            return f"STRUCT({inner})"
        case ListType():
            return f"{_duckdb_type(kind.element_type)}[]"
        case MapType():
            return f"MAP(VARCHAR, {_duckdb_type(kind.value_type)})"
        case _:
            return _DUCKDB[str(kind)]


def _distinct(names: Sequence[str]) -> list[str]:
    """
    Return the names as DuckDB calls the members of a struct in a Parquet file.

    XDM has members that differ only in case (``POIID`` and ``poiID``); to SQL they are one
    name, and DuckDB gives the later ones a number.
    """
    taken: set[str] = set()
    distinct: list[str] = []
    for name in names:
        chosen, number = name, 0
        while chosen.casefold() in taken:
            number += 1
            chosen = f"{name}_{number}"
        taken.add(chosen.casefold())
        distinct.append(chosen)
    return distinct
