"""
SQLite files of the lake: what a commit has written is on the disk when it returns.

Rollback journal and ``synchronous=EXTRA``. WAL is out of the question here: the system's SQLite
may be older than 3.51.3, whose WAL can lose committed pages when a reader checkpoints beside a
writer (reliability, 6.1).
"""

from sqlalchemy import Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry


def make_durable(engine: Engine, *, busy_ms: int) -> None:
    """
    Open the connections of an engine durably from now on.

    Args:
        engine: One of SQLite.
        busy_ms: How long a connection waits for another one's lock.
    """

    def set_up(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={busy_ms}")
        cursor.execute("PRAGMA journal_mode=DELETE")
        cursor.execute("PRAGMA synchronous=EXTRA")
        cursor.close()

    event.listen(engine, "connect", set_up)
