"""
One segment of a partition: a SQLite database in WAL mode, one row per group commit.

A single INSERT outside a transaction is a transaction of its own, begun as a write and synced
at its end (``synchronous=FULL``). One statement instead of three lets go of the interpreter
once instead of three times, which is what a busy event loop makes expensive.

Only the writer's connection writes and only it checkpoints: SQLite up to 3.51.2 can corrupt a
database when a second connection checkpoints while the log is being reset, and a reader that
checkpoints would make the writer wait.
"""

from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple, Self

import apsw

from forebay.kernel.errors import Disposition, PlatformError
from forebay.kernel.files import FILE_MODE
from forebay.kernel.ids import Offset
from forebay.log.ports import LogDamaged

SQLITE_VERSION_MIN = (3, 51, 3)
"""First release without the WAL-reset bug."""

_PAGE_BYTES = 8192
_WAL_KEPT_BYTES = 32 * 1_048_576
"""Size to which a write-ahead log that readers made grow is cut back."""
_BUSY_MS = 5_000
_TRUNCATE_BUSY_MS = 100
_FULL = 2
"""What ``PRAGMA synchronous`` answers for FULL."""

_SCHEMA = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS segment (log_id TEXT NOT NULL, first_offset INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS groups (
    first_offset INTEGER PRIMARY KEY, count INTEGER NOT NULL, blob BLOB NOT NULL
);
INSERT INTO segment SELECT :log_id, :first WHERE NOT EXISTS (SELECT 1 FROM segment);
COMMIT;
"""
_INSERT = "INSERT INTO groups VALUES (?, ?, ?)"
_OWNER = "SELECT cast(log_id AS BLOB), first_offset FROM segment"
_ENDS = """
SELECT (SELECT min(first_offset) FROM groups), first_offset + count FROM groups
ORDER BY first_offset DESC LIMIT 1
"""
_RECORDS = "SELECT sum(count) FROM groups"
_SCAN = """
SELECT first_offset, count, blob FROM groups
WHERE first_offset < :end AND first_offset >= coalesce(
    (SELECT max(first_offset) FROM groups WHERE first_offset <= :start), :start)
ORDER BY first_offset
"""

_CIRCUMSTANCE = (
    apsw.BusyError,
    apsw.CantOpenError,
    apsw.FullError,
    apsw.LockedError,
    apsw.NoMemError,
)
"""What SQLite raises for a reason outside the file; every other error says it is not sound."""
_GROUP_BYTES = 64
"""What a group takes up beside its blob, roughly."""


class SqliteUnsuitable(PlatformError):
    """The SQLite library, or the file system below it, cannot keep the log's promises."""

    code = "LOG-1506"
    status = 500
    title = "SQLite unsuitable"
    disposition = Disposition.STOP


class Group(NamedTuple):
    """The records of one group commit, framed in one blob."""

    first: Offset
    records: int
    blob: bytes


def check_library(version: str | None = None) -> None:
    """
    Refuse an SQLite library with the WAL-reset bug.

    Raises:
        SqliteUnsuitable: The library is older than `SQLITE_VERSION_MIN`.
    """
    version = version or apsw.sqlite_lib_version()
    if tuple(int(number) for number in version.split(".")) < SQLITE_VERSION_MIN:
        wanted = ".".join(str(number) for number in SQLITE_VERSION_MIN)
        raise SqliteUnsuitable(
            f"the SQLite library is {version}, which can corrupt a write-ahead log; "
            f"at least {wanted} is needed"
        )


class WritableSegment:
    """A segment open for appending, by the only connection that writes and checkpoints."""

    def __init__(
        self, connection: apsw.Connection, path: Path, *, first: Offset, next_: Offset
    ) -> None:
        self._connection = connection
        self._path = path
        self._first = first
        self._unsettled_bytes = 0
        self.next = next_
        """Offset after the last committed record."""
        self.size_bytes = _file_bytes(path)
        """What the segment holds, roughly: file plus what was appended since it was opened."""

    @classmethod
    def open(cls, path: Path, *, log_id: str, first: Offset, may_create: bool) -> Self:
        """
        Open the segment at `path`.

        When this returns its files exist; the caller syncs the directory. Nothing of what a
        crash left in the write-ahead log is touched before `settle`: if that turns out to be
        damaged, it is evidence.

        Args:
            path: The segment's file.
            log_id: The log it must belong to.
            first: Its first offset.
            may_create: Nothing in it was ever acknowledged, so that a segment that is not
                there, or not finished, is made anew.

        Raises:
            LogDamaged: It is missing, belongs to another log, has gaps, or is not a sound
                database.
            SqliteUnsuitable: SQLite does not run in WAL mode here, or does not sync.
        """
        check_library()
        if may_create:
            path.touch(mode=FILE_MODE)
        elif not path.exists():
            raise LogDamaged(f"segment {path.name} is missing")
        try:
            connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
            try:
                _configure(connection, path)
                if may_create:
                    connection.execute(_SCHEMA, {"log_id": log_id, "first": first})
                _check_owner(connection, path, log_id=log_id, first=first)
                next_ = _check_ends(connection, path, first)
            except BaseException:
                connection.close()
                raise
        except _CIRCUMSTANCE:
            raise
        except apsw.Error as error:
            raise LogDamaged(f"segment {path.name} is damaged: {error}") from error
        return cls(connection, path, first=first, next_=next_)

    @property
    def unsettled_bytes(self) -> int:
        """What was appended since the last checkpoint: about what the write-ahead log holds."""
        return self._unsettled_bytes

    def check_gaps(self) -> None:
        """
        Look at every row.

        Raises:
            LogDamaged: The rows do not cover every offset once.
        """
        try:
            records = self._connection.execute(_RECORDS).get or 0
        except _CIRCUMSTANCE:
            raise
        except apsw.Error as error:
            raise LogDamaged(f"segment {self._path.name} is damaged: {error}") from error
        if records != self.next - self._first:
            raise LogDamaged(
                f"segment {self._path.name} has gaps: it holds {records} records "
                f"between the offsets {self._first} and {self.next - 1}"
            )

    def append(self, group: Group) -> None:
        """Commit a group and sync it; an error means that its fate is unknown."""
        self._connection.execute(_INSERT, group)
        self.next = Offset(group.first + group.records)
        added_bytes = len(group.blob) + _GROUP_BYTES
        self.size_bytes += added_bytes
        self._unsettled_bytes += added_bytes

    def checkpoint(self) -> None:
        """Move what no reader holds on to from the write-ahead log to the database file."""
        self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        self._unsettled_bytes = 0

    def settle(self) -> bool:
        """
        Empty the write-ahead log into the database file, and sync that.

        Returns:
            Whether all of it was moved; a reader that holds on to the log prevents it.
        """
        self._connection.set_busy_timeout(_TRUNCATE_BUSY_MS)
        try:
            self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        except apsw.BusyError:
            logged, moved = self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            return logged == moved
        finally:
            self._connection.set_busy_timeout(_BUSY_MS)
        self._unsettled_bytes = 0
        return True

    def close(self) -> None:
        """Release the files, and remove an empty write-ahead log if nobody else has it open."""
        self._connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0)
        self._connection.close()

    def abandon(self) -> None:
        """Release the files as they are: after an error nothing more is written to them."""
        self._connection.close()


class SegmentView:
    """A segment open for reading."""

    def __init__(self, path: Path) -> None:
        """
        Open the segment at `path`.

        Raises:
            FileNotFoundError: There is no such file.
        """
        try:
            self._connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        except apsw.CantOpenError:
            raise FileNotFoundError(path) from None
        self._name = path.name
        self._connection.set_busy_timeout(_BUSY_MS)
        self._connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        self._connection.pragma("query_only", 1)

    def scan(self, start: Offset, end: Offset) -> Generator[Group]:
        """
        Yield the groups that hold offsets from `start` up to but without `end`, in order.

        The read ends with the generator: exhaust it or close it.

        Raises:
            LogDamaged: The file is not a sound database.
        """
        try:
            with closing(self._connection.execute(_SCAN, {"start": start, "end": end})) as rows:
                for first, records, blob in rows:
                    if not (isinstance(records, int) and isinstance(blob, bytes)):
                        raise LogDamaged(f"segment {self._name} is damaged at offset {first}")
                    yield Group(first, records, blob)
        except _CIRCUMSTANCE:
            raise
        except apsw.Error as error:
            raise LogDamaged(f"segment {self._name} cannot be read: {error}") from error

    def close(self) -> None:
        """Release the file."""
        self._connection.close()


def _configure(connection: apsw.Connection, path: Path) -> None:
    connection.set_busy_timeout(_BUSY_MS)
    connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    connection.pragma("page_size", _PAGE_BYTES)
    # SQLite goes on in another mode where WAL is impossible (network file systems), and an
    # unknown value of a pragma is not an error: what counts is what it answers.
    mode = connection.pragma("journal_mode", "wal")
    connection.pragma("synchronous", "FULL")
    synchronous = connection.pragma("synchronous")
    if mode != "wal" or synchronous != _FULL:
        raise SqliteUnsuitable(
            f"segment {path.name} runs with journal_mode={mode}, synchronous={synchronous}; "
            f"wal and {_FULL} are needed: the data directory must be on a local file system"
        )
    connection.pragma("fullfsync", 1)
    connection.pragma("checkpoint_fullfsync", 1)
    connection.pragma("journal_size_limit", _WAL_KEPT_BYTES)
    connection.wal_autocheckpoint(0)


def _check_owner(connection: apsw.Connection, path: Path, *, log_id: str, first: Offset) -> None:
    owner = connection.execute(_OWNER).get
    if owner != (log_id.encode(), first):
        raise LogDamaged(
            f"segment {path.name} says it is {owner}; the log is {(log_id, first)}: "
            "it comes from elsewhere"
        )


def _check_ends(connection: apsw.Connection, path: Path, first: Offset) -> Offset:
    ends = connection.execute(_ENDS).get
    if ends is None:
        return first
    low, high = ends
    if low != first or not isinstance(high, int):
        raise LogDamaged(
            f"segment {path.name} holds the offsets {low} to {high}, not from {first} on"
        )
    return Offset(high)


def _file_bytes(path: Path) -> int:
    wal = path.with_name(f"{path.name}-wal")
    return path.stat().st_size + (wal.stat().st_size if wal.exists() else 0)
