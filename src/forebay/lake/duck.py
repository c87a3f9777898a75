"""DuckDB as both its uses here want it: in memory, in UTC, without a network or extensions."""

from collections.abc import Sequence

import duckdb

from forebay.lake.sql_text import literal

_ALONE: dict[str, str | bool | int | float | list[str]] = {
    # It would look for extensions on the network, before access to anything is even checked.
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    # A name that is no view would be looked for among the variables of this program.
    "python_enable_replacements": "false",
}


def connect(*, threads: int | None = None) -> duckdb.DuckDBPyConnection:
    """Open a database of its own; without a number it has a thread for each core at first."""
    config = _ALONE if threads is None else _ALONE | {"threads": threads}
    connection = duckdb.connect(":memory:", config=config)
    connection.execute("SET TimeZone='UTC'")
    return connection


def confine(
    connection: duckdb.DuckDBPyConnection,
    *,
    memory_limit: str,
    threads: int,
    files: Sequence[str] = (),
    folder: str | None = None,
) -> None:
    """Let a database reach these files, or what is below this folder, and nothing else."""
    connection.execute(f"SET memory_limit={literal(memory_limit)}")
    connection.execute(f"SET threads={threads}")
    if files:
        connection.execute(f"SET allowed_paths=[{', '.join(map(literal, files))}]")
    # Without a folder it would write what its memory does not hold where the process stands.
    connection.execute(f"SET temp_directory={literal(folder or '')}")
    if folder is not None:
        connection.execute(f"SET allowed_directories=[{literal(folder)}]")
    connection.execute("SET enable_external_access=false")
    connection.execute("SET lock_configuration=true")
