"""
The catalog: which metadata file is the current one of each table.

PyIceberg's SQL catalog on SQLite. The swap of that one name is the commit of the lake, so it
has to be on the disk when it returns (`durable_sqlite`).
"""

import re
from pathlib import Path

import pyarrow as pa  # type: ignore[import-untyped]  # has no types
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import (
    CommitFailedException,
    CommitStateUnknownException,
    ValidationError,
    ValidationException,
)
from sqlalchemy.exc import SQLAlchemyError

from forebay.kernel.files import FILE_MODE, make_directory
from forebay.lake.durable_sqlite import make_durable
from forebay.lake.ports import TableId, TableUnavailable

NAME = "forebay"
FILE = "catalog.db"
BUSY_MS = 30_000

TROUBLE = (
    OSError,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    SQLAlchemyError,
    pa.ArrowException,
    CommitFailedException,
    CommitStateUnknownException,
    ValidationError,
    ValidationException,
)
"""What a damaged file, a full disk, a locked catalog or another committer looks like."""

_IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{1,128}")


def open_catalog(lake: Path) -> SqlCatalog:
    """Open the lake's catalog, and make it if there is none."""
    make_directory(lake)
    path = lake / FILE
    path.touch(mode=FILE_MODE)
    catalog = SqlCatalog(
        NAME,
        uri=f"sqlite:///{path}",
        warehouse=str(lake),
        init_catalog_tables="false",
        **{"py-io-impl": "forebay.lake.durable_io.DurableFileIO"},
    )
    # The engine exists before anyone can say how its connections are to be opened: those that
    # it has opened meanwhile are dropped, and the tables are made through durable ones.
    make_durable(catalog.engine, busy_ms=BUSY_MS)
    catalog.engine.dispose()
    catalog.create_tables()
    return catalog


def identifier(table: TableId) -> tuple[str, str]:
    """
    Return the catalog's name of a table; it is also its path below the lake.

    Raises:
        ValueError: A part is not one of our own opaque ids: nothing else may become a path.
    """
    for part in table:
        if not _IDENTIFIER.fullmatch(part):
            message = f"{part!r} is not an id: expected letters, digits, '-' and '_'"
            raise ValueError(message)
    return table.sandbox_id, table.name


def unavailable(table: TableId, doing: str, error: Exception) -> TableUnavailable:
    """Return the error that says which table could not be what, and why."""
    return TableUnavailable(
        f"table {table.name} of sandbox {table.sandbox_id} could not be {doing}: "
        f"{type(error).__name__}: {error}"
    )
