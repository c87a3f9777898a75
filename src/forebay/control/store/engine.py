"""
The control store: one database, transactions, and a revision that tells when to look again.

SQLite stays in rollback-journal mode with ``synchronous=EXTRA``: the interpreter's own SQLite
may be one whose WAL mode can corrupt a database that two processes write (reliability, 1.7).
"""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from forebay.control.store import tables
from forebay.kernel import json
from forebay.kernel.errors import Disposition, PlatformError

_BUSY_SECONDS = 10
WRITE_SECONDS_MAX = 10
"""What does many things in one transaction ends after this: others wait for their turn."""


class StoreBusy(PlatformError):
    """Another process is changing the control store, and did not end in time."""

    code = "CTRL-1503"
    status = 503
    title = "Control store busy"
    disposition = Disposition.RETRY


class ControlStore:
    """Opens the control database and brings it to the newest form."""

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)
        self._subscribers: list[Callable[[], None]] = []
        self._writing = threading.Lock()
        self._stage: sa.Connection | None = None
        """The transaction that everything happens in, if it is a rehearsal."""
        _migrate(self.engine)

    @classmethod
    def at(cls, directory: Path) -> "ControlStore":
        """Open the SQLite control store of a data directory."""
        return cls(f"sqlite:///{directory / 'control.db'}")

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Open a transaction that sees one state and changes nothing."""
        if self._stage is not None:
            yield self._stage
            return
        with self.engine.connect() as connection:
            yield connection
            connection.rollback()

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """
        Open a transaction that is committed at the end of the block, or not at all.

        After the commit every subscriber has been called: what follows from the change is
        published before the caller answers for it.

        Raises:
            StoreBusy: Another process holds the store; nothing was changed.
        """
        if self._stage is not None:
            with self._stage.begin_nested():
                _advance_revision(self._stage)
                yield self._stage
            return
        # The lock hands the turn on in order; SQLite's own waiting starves whoever is unlucky.
        with self._writing, self.engine.connect() as connection, connection.begin():
            _advance_revision(connection)
            yield connection
        for notify in self._subscribers:
            notify()

    @contextmanager
    def rehearse(self) -> Iterator["ControlStore"]:
        """
        Open a store in which changes can be made that never happen.

        What is written through it is seen through it, and undone at the end of the block. Real
        writers wait meanwhile, for `WRITE_SECONDS_MAX` at most if the caller keeps to it.

        Raises:
            StoreBusy: Another process holds the store.
        """
        with self._writing, self.engine.connect() as connection:
            _advance_revision(connection)
            stage = copy(self)
            stage._stage = connection  # noqa: SLF001  our own class
            stage._subscribers = []  # noqa: SLF001
            try:
                yield stage
            finally:
                connection.rollback()

    def revision(self) -> int:
        """Return a number that grew with every committed write, by whichever process."""
        with self.read() as connection:
            return connection.scalar(sa.select(tables.revision.c.number)) or 0

    def subscribe(self, notify: Callable[[], None]) -> None:
        """Call `notify` after every commit made through this object."""
        self._subscribers.append(notify)

    def close(self) -> None:
        """Release the database."""
        self.engine.dispose()


def _advance_revision(connection: sa.Connection) -> None:
    """Take the write lock with the transaction's first statement."""
    update = sa.update(tables.revision).values(number=tables.revision.c.number + 1)
    try:
        connection.execute(update)
    except sa.exc.OperationalError as error:
        if "locked" not in str(error.orig):
            raise
        raise StoreBusy(
            f"The control store was busy for {_BUSY_SECONDS} seconds. Send the request again."
        ) from None


def _engine(url: str) -> sa.Engine:
    engine = sa.create_engine(
        url,
        json_serializer=lambda value: json.encode(value).decode(),
        json_deserializer=json.decode,
    )
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # transactions are begun below, explicitly
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_SECONDS * 1000}")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute("PRAGMA synchronous = EXTRA")
    # A long transaction that outgrew the cache would write into the file before its commit, and
    # from then on lock readers out until its end.
    connection.execute("PRAGMA cache_spill = OFF")


def _begin_sqlite(connection: sa.Connection) -> None:
    # Deferred: a read takes a shared lock with its first SELECT, and a write takes the write
    # lock with its first statement (the revision), before it has read anything that could go
    # stale: there is no read-to-write upgrade that would fail at once, whatever busy_timeout.
    connection.exec_driver_sql("BEGIN")


def _migrate(engine: sa.Engine) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    attributes: dict[str, Any] = config.attributes
    with engine.connect() as connection, connection.begin():
        attributes["connection"] = connection
        command.upgrade(config, "head")
