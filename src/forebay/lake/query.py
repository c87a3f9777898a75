"""
Ask the lake in SQL: datasets as views over their current snapshots, read-only and confined.

DuckDB reads the Parquet files that the snapshot of this moment names. They are never changed,
so a query sees one state of each table however long it takes, while the server goes on writing.
The query can reach those files and nothing else: no other file, no network, no setting.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from threading import Timer
from types import TracebackType
from typing import Any, Self

import duckdb
import pyarrow as pa  # type: ignore[import-untyped]  # has no types
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.types import IcebergType, ListType, MapType, StructType

from forebay.kernel.errors import Disposition, PlatformError
from forebay.lake.catalog import FILE, TROUBLE, identifier, open_catalog, unavailable
from forebay.lake.duck import confine, connect
from forebay.lake.failed_records import FIELDS
from forebay.lake.ports import FAILED_RECORDS, TableId
from forebay.lake.types import iceberg_schema, literal, quoted
from forebay.xdm.fields import Object

SECONDS_MAX = 60.0
MEMORY_LIMIT = "512MB"
THREADS = 2
ROWS_AT_ONCE = 1_000

_DUCKDB = {
    "string": "VARCHAR",
    "boolean": "BOOLEAN",
    "int": "INTEGER",
    "long": "BIGINT",
    "double": "DOUBLE",
    "date": "DATE",
    "timestamptz": "TIMESTAMPTZ",
}


class QueryRefused(PlatformError):
    """A query is not one reading statement, names what is not there, or is wrong."""

    code = "LAKE-1400"
    status = 400
    title = "Query refused"
    disposition = Disposition.REJECT


class Result:
    """
    A query that can be answered, as rows or as a table; each runs it anew.

    Close it, or leave its ``with`` block, to release the memory.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, sql: str, timer: Timer) -> None:
        self._connection = connection
        self._sql = sql
        self._timer = timer
        self.columns: tuple[str, ...] = tuple(connection.sql(sql).columns)

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """
        Yield the rows.

        Raises:
            QueryRefused: The query failed or took too long on the way.
        """
        try:
            self._connection.execute(self._sql)
            while rows := self._connection.fetchmany(ROWS_AT_ONCE):
                yield from rows
        except duckdb.Error as error:
            raise _refused(error) from None

    def arrow(self) -> pa.Table:
        """
        Return all rows as an Arrow table.

        Raises:
            QueryRefused: The query failed or took too long on the way.
        """
        try:
            return self._connection.sql(self._sql).to_arrow_table()
        except duckdb.Error as error:
            raise _refused(error) from None

    def close(self) -> None:
        """Release the memory."""
        self._timer.cancel()
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


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
    connection = connect()
    timer = Timer(seconds_max, connection.interrupt)
    timer.daemon = True
    try:
        _only_reading(sql)
        views = _views(tables)
        wanted = _named_in(connection, sql, views)
        files = _make_views(connection, lake, {n: views[n] for n in wanted}, fields_of)
        confine(connection, memory_limit=memory_limit, threads=THREADS, files=files)
        timer.start()
        return Result(connection, sql, timer)
    except duckdb.Error as error:
        timer.cancel()
        connection.close()
        raise _refused(error) from None
    except BaseException:
        timer.cancel()
        connection.close()
        raise


def _refused(error: duckdb.Error) -> QueryRefused:
    if isinstance(error, duckdb.InterruptException):
        return QueryRefused("the query took too long and was broken off: ask for less")
    return QueryRefused(str(error))


def _only_reading(sql: str) -> None:
    statements = duckdb.extract_statements(sql)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise QueryRefused("expected exactly one SELECT, WITH, DESCRIBE or SHOW statement")


def _views(tables: Mapping[str, TableId]) -> dict[str, TableId]:
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


def _named_in(
    connection: duckdb.DuckDBPyConnection, sql: str, views: Mapping[str, TableId]
) -> list[str]:
    """Return the views a statement names; all of them if it names none, as SHOW does."""
    named = {name.casefold() for name in connection.get_table_names(sql)}
    return [name for name in views if name.casefold() in named] or list(views)


def _make_views(
    connection: duckdb.DuckDBPyConnection,
    lake: Path,
    views: Mapping[str, TableId],
    fields_of: Callable[[TableId], Object | None],
) -> list[str]:
    catalog = open_catalog(lake) if (lake / FILE).exists() else None
    read: list[str] = []
    try:
        for name, table in views.items():
            found = _current(catalog, table) or _empty(fields_of(table))
            if found is None:
                continue
            struct, files = found
            read += files
            body = _select(struct, files)
            connection.execute(f"CREATE VIEW {quoted(name)} AS {body}")
    finally:
        if catalog is not None:
            catalog.close()
    return read


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
