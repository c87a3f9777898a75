"""
One reading statement in a DuckDB of its own, which can reach the files it is given and no more.

It knows nothing of Iceberg: whoever asks is told which views the statement names, and hands in
their definitions. So it imports fast, and a process that runs one query starts in no time.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from threading import Timer
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import duckdb
import msgspec

from forebay.kernel import json
from forebay.kernel.errors import Disposition, PlatformError
from forebay.lake.duck import confine, connect
from forebay.lake.sql_text import quoted

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]  # has no types

SECONDS_MAX = 60.0
MEMORY_LIMIT = "512MB"
THREADS = 2
ROWS_AT_ONCE = 1_000
NEAREST_MAX = 3

TABLE_FUNCTIONS = frozenset({"range", "generate_series", "unnest", "repeat", "json_each"})
"""What may stand in FROM besides tables. The others read files, memory, or DuckDB's own state."""


_SCHEMAS = {"", "main"}


class QueryRefused(PlatformError):
    """A query is not one reading statement, names what is not there, or is wrong."""

    code = "LAKE-1400"
    status = 400
    title = "Query refused"
    disposition = Disposition.REJECT


class View(msgspec.Struct, frozen=True):
    """A table as a statement sees it."""

    name: str
    body: str
    """The SELECT that it stands for."""
    files: list[str]
    """What the SELECT reads."""


class _Table(NamedTuple):
    """A table as a statement names it."""

    schema: str
    name: str
    position: int

    @property
    def folded(self) -> str:
        return self.name.casefold()

    @property
    def shown(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name


class Result:
    """
    A query that can be answered, as rows or as a table; each runs it anew.

    Close it, or leave its ``with`` block, to release the memory.
    """

    def __init__(self, statement: "Statement") -> None:
        self._statement = statement
        self._connection = statement.connection
        try:
            relation = self._connection.sql(statement.sql)
        except duckdb.Error:
            # The same error again, but with its place in the statement.
            self._connection.execute(statement.sql)
            raise
        self.columns: tuple[str, ...] = tuple(relation.columns)
        self.types: tuple[str, ...] = tuple(str(kind) for kind in relation.types)

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """
        Yield the rows.

        Raises:
            QueryRefused: The query failed or took too long on the way.
        """
        try:
            self._connection.execute(self._statement.sql)
            while rows := self._connection.fetchmany(ROWS_AT_ONCE):
                yield from rows
        except duckdb.Error as error:
            raise self._statement.refused(error) from None

    def arrow(self, *, limit: int | None = None) -> "pa.Table":
        """
        Return all rows, or the first ones, as an Arrow table.

        Raises:
            QueryRefused: The query failed or took too long on the way.
        """
        try:
            relation = self._connection.sql(self._statement.sql)
            return (relation if limit is None else relation.limit(limit)).to_arrow_table()
        except duckdb.Error as error:
            raise self._statement.refused(error) from None

    def close(self) -> None:
        """Release the memory."""
        self._statement.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Statement:
    """A statement that is known to be one that reads; closed by its result, or by `close`."""

    def __init__(self, sql: str) -> None:
        """
        Look at a statement without running it.

        Raises:
            QueryRefused: It is not exactly one SELECT, WITH, DESCRIBE or SHOW, or asks for a
                function that reads something else than tables.
        """
        self.sql = sql
        self.connection = connect(threads=THREADS)
        self._names: list[str] = []
        self._timer: Timer | None = None
        self._tables: list[_Table] = []
        self._own: set[str] = set()
        self._is_showing = False
        try:
            self.connection.execute("SET errors_as_json=true")
            self._read(_tree(self.connection, sql))
        except duckdb.Error as error:
            self.close()
            raise self.refused(error) from None
        except BaseException:
            self.close()
            raise

    def choose(self, names: Iterable[str]) -> list[str]:
        """
        Return the views it names, all of them for SHOW TABLES.

        Raises:
            QueryRefused: It names a table that is not among them; DuckDB's own are not.
        """
        self._names = list(names)
        folded = {name.casefold() for name in self._names}
        for table in self._tables:
            is_known = table.schema in _SCHEMAS and table.folded in folded
            if not is_known and (table.schema or table.folded not in self._own):
                message, nearest = self._unknown(table.shown)
                raise self._at(message, table.position, nearest=nearest)
        named = {table.folded for table in self._tables}
        chosen = [name for name in self._names if name.casefold() in named]
        return self._names if self._is_showing and not chosen else chosen

    def run(
        self,
        views: Sequence[View],
        *,
        seconds_max: float = SECONDS_MAX,
        memory_limit: str = MEMORY_LIMIT,
    ) -> Result:
        """
        Return the result over these views.

        Args:
            views: What it can name.
            seconds_max: After this it is broken off.
            memory_limit: What DuckDB may use.

        Raises:
            QueryRefused: The statement is wrong.
        """
        self._timer = Timer(seconds_max, self.connection.interrupt)
        self._timer.daemon = True
        try:
            for view in views:
                self.connection.execute(f"CREATE VIEW {quoted(view.name)} AS {view.body}")
            files = [file for view in views for file in view.files]
            confine(self.connection, memory_limit=memory_limit, threads=THREADS, files=files)
            self._timer.start()
            return Result(self)
        except duckdb.Error as error:
            raise self.refused(error) from None

    def _read(self, tree: dict[str, Any]) -> None:
        """Take the tables out of the tree of a statement, and refuse what is not allowed."""
        if tree["error"] and tree.get("position") is not None:
            raise self._at(str(tree["error_message"]), tree["position"])
        _require_reading(self.sql)
        if tree["error"]:
            raise QueryRefused(str(tree["error_message"]))
        for node in _nodes(tree):
            made = node.get("cte_map", {}).get("map", ())
            self._own |= {str(entry["key"]).casefold() for entry in made}
            match node.get("type"):
                case "TABLE_FUNCTION":
                    _require_allowed(str(node["function"]["function_name"]))
                case "SHOW_REF":
                    self._is_showing = True
                case "BASE_TABLE":
                    schema = ".".join(filter(None, (node["catalog_name"], node["schema_name"])))
                    table = _Table(schema, str(node["table_name"]), node["query_location"])
                    self._tables.append(table)
                case _:
                    pass

    def refused(self, error: duckdb.Error) -> QueryRefused:
        """Return an error of DuckDB's as people read it, with its place in the statement."""
        if isinstance(error, duckdb.InterruptException):
            return QueryRefused("the query took too long and was broken off: ask for less")
        if isinstance(error, duckdb.OutOfMemoryException):
            return QueryRefused(
                "the query needs more memory than it may use: read fewer columns or rows, or "
                "sum up earlier"
            )
        found = _details(str(error))
        message = str(found.get("exception_message", error))
        return self._at(message, found.get("position"))

    def _at(self, message: str, position: str | int | None, **report: object) -> QueryRefused:
        if position is None:
            return QueryRefused(message, **report)
        line, column = _place(self.sql, int(position))
        shown = f"{message} (line {line}, column {column})"
        return QueryRefused(shown, line=line, column=column, **report)

    def _unknown(self, name: str) -> tuple[str, list[str]]:
        by_folded = {known.casefold(): known for known in self._names}
        close = difflib.get_close_matches(name.casefold(), by_folded, NEAREST_MAX)
        nearest = [by_folded[folded] for folded in close]
        hint = f"nearest: {', '.join(nearest)}" if nearest else "SHOW TABLES lists what there is"
        return f"the table {name} does not exist; {hint}", nearest

    def close(self) -> None:
        """Release the memory."""
        if self._timer is not None:
            self._timer.cancel()
        self.connection.close()


def _require_reading(sql: str) -> None:
    statements = duckdb.extract_statements(sql)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise QueryRefused("expected exactly one SELECT, WITH, DESCRIBE or SHOW statement")


def _tree(connection: duckdb.DuckDBPyConnection, sql: str) -> dict[str, Any]:
    """Return a statement as DuckDB's parser understands it, or its error."""
    row = connection.execute("SELECT json_serialize_sql(?)", [sql]).fetchone()
    tree: dict[str, Any] = json.decode(row[0]) if row is not None else {}
    return tree


def _require_allowed(function: str) -> None:
    if function.casefold() not in TABLE_FUNCTIONS:
        raise QueryRefused(
            f"{function}() cannot be read from: expected a table, or one of "
            f"{', '.join(sorted(TABLE_FUNCTIONS))}"
        )


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401  any JSON value
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, dict):
            waiting += node.values()
            yield node


def _details(text: str) -> dict[str, Any]:
    found = re.search(r"\{.*\}", text, re.DOTALL)
    try:
        details = json.decode(found[0]) if found else {}
    except json.NotJson:
        return {}
    return details if isinstance(details, dict) else {}


def _place(sql: str, position: int) -> tuple[int, int]:
    """Return line and column, both from 1, of a place that DuckDB counts in bytes."""
    before = sql.encode()[:position].decode(errors="ignore")
    return before.count("\n") + 1, len(before) - before.rfind("\n")
