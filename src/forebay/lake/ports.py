"""
What the lake promises: rows become visible once, with the log range they come from.

A table's *marks* say how far each partition of the log is in it. They are part of the same
commit as the rows, so that no crash can come between the two: who writes again after a crash
asks for the marks and skips what is below them.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, Self, TypeVar

import msgspec

from forebay.kernel.errors import Disposition, PlatformError
from forebay.kernel.ids import Offset, PartitionId, TransactionId
from forebay.lake.batches import Batch, BatchFile
from forebay.xdm.fields import Field, Object, Scalar, ScalarKind

INGEST_COLUMN = "_ingest"
"""Our own column beside a record's members: where a row comes from."""

FAILED_RECORDS = "failed_records"
"""Name of the table of a sandbox that keeps what could not become a row."""


class TableId(NamedTuple):
    """A table of the lake: the sandbox it belongs to, and a dataset's id or `FAILED_RECORDS`."""

    sandbox_id: str
    name: str


class Mark(NamedTuple):
    """How far one partition of the log is in a table."""

    log_id: str
    """The history the offset belongs to; a new log in place of a lost one has a new id."""
    next: Offset
    """Everything below this offset is done."""


Marks = Mapping[PartitionId, Mark]


class Address(msgspec.Struct, frozen=True):
    """Where a message lies in the log: partition, offset, and its place in the request."""

    partition: PartitionId
    offset: Offset
    index: int


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """What the rows of one request have in common: the content of the column ``_ingest``."""

    received_ms: int
    partition: PartitionId
    offset: Offset
    is_batch: bool
    inlet_id: str
    source_name: str
    flow_id: str | None
    is_authenticated: bool
    schema_version: str

    @property
    def transaction_id(self) -> TransactionId:
        """The receipt of the request."""
        return TransactionId(self.received_ms, self.partition, self.offset)


class Rows:
    """
    Records on their way into one table, in log order.

    `entities` are JSON objects as they were received; `indexes` and `origins` run beside them
    and stay empty for a table without the column ``_ingest``.
    """

    __slots__ = ("entities", "indexes", "origins")

    def __init__(self) -> None:
        self.entities: list[Any] = []
        self.indexes: list[int] = []
        self.origins: list[Origin] = []


class Refusal(NamedTuple):
    """A row that a table cannot hold, by its place in the `Rows`, and why."""

    row: int
    reason: str


class Prepared(Protocol):
    """Rows in the form of their table, checked; nothing of them is stored yet."""

    @property
    def row_count(self) -> int:
        """Rows that fit."""

    @property
    def refusals(self) -> Sequence[Refusal]:
        """Rows that do not fit; they are not among the prepared ones."""

    def without(self, rows: Collection[int]) -> Self:
        """Return the same but for some rows that fit, named by their places in the `Rows`."""


class Appended(NamedTuple):
    """What a commit made."""

    snapshot_id: int
    files: tuple[BatchFile, ...]


class TableUnavailable(PlatformError):
    """A table cannot be read or written now; none of the rows was stored."""

    code = "LAKE-2503"
    status = 503
    title = "Table unavailable"
    disposition = Disposition.RETRY


class MarkBehind(PlatformError):
    """An append does not continue where the table stands: someone else has written to it."""

    code = "LAKE-2409"
    status = 500
    title = "Not the next append"
    disposition = Disposition.RETRY


class FieldsConflict(PlatformError):
    """A schema asks for a column of another type than the table has."""

    code = "LAKE-2410"
    status = 409
    title = "Columns do not agree"
    disposition = Disposition.REJECT


PreparedT = TypeVar("PreparedT", bound=Prepared)


class TableStore(Protocol[PreparedT]):
    """Tables with one committer each; every adapter has its own form of prepared rows."""

    def marks(self, table: TableId) -> Marks:
        """
        Return how far the log is in a table; empty if there is no such table.

        Raises:
            TableUnavailable: The table exists and cannot be read.
        """

    def ensure(self, table: TableId, fields: Object) -> None:
        """
        Make the table if it is missing, and give it the columns it lacks.

        Existing columns stay, with wider integers if need be; new ones are null in the rows that
        are already there. In a table without rows a column may also change its type.

        Raises:
            FieldsConflict: Rows have a column with a type that cannot hold the new one, or a name
                cannot be a column's. The table is as it was.
            TableUnavailable: The table exists and cannot be read, or could not be changed.
        """

    def prepare(self, fields: Object, rows: Rows) -> PreparedT:
        """
        Bring rows into the form of a table with these fields.

        No value changes on the way: a row with a value that a column cannot hold exactly is
        refused, and its neighbours are kept. Times are kept to the microsecond.

        Args:
            fields: The columns; ``_ingest`` among them is filled from the origins.
            rows: Records that have passed the validation of their schema. Kinds of values
                (a text where a number should be) are not looked at again; what a kind leaves
                open (size, precision, range, a key said twice) is.
        """

    def append(
        self, table: TableId, prepared: PreparedT, marks: Marks, *, batches: Sequence[Batch] = ()
    ) -> Appended:
        """
        Store prepared rows and marks in one commit, and with them what batches these rows are.

        When this returns, rows and marks survive the loss of power. If it raises, neither is
        stored. The marks of partitions that are not named stay as they are.

        Raises:
            MarkBehind: A mark would move backwards.
            TableUnavailable: Nothing was stored.
        """

    def addresses(self, table: TableId, partition: PartitionId, since: Mark) -> set[Address]:
        """
        Return the addresses in a table of failed records, of one log, from an offset on.

        Raises:
            TableUnavailable: The table exists and cannot be read.
        """

    def batches(self, is_known: Callable[[str], bool]) -> list[Batch]:
        """
        Return the batches of all tables' snapshots, but for those whose id is known.

        A table that cannot be read is left out: whoever writes to it will hear of it.
        """

    def close(self) -> None:
        """Release what is held."""


def _scalar(name: str, kind: ScalarKind) -> Field:
    return Field(name=name, type=Scalar(kind))


INGEST = Field(
    name=INGEST_COLUMN,
    type=Object(
        (
            _scalar("xactionId", ScalarKind.STRING),
            _scalar("partition", ScalarKind.INT),
            _scalar("offset", ScalarKind.LONG),
            _scalar("index", ScalarKind.INT),
            _scalar("receivedAt", ScalarKind.DATE_TIME),
            _scalar("inletId", ScalarKind.STRING),
            _scalar("sourceName", ScalarKind.STRING),
            _scalar("flowId", ScalarKind.STRING),
            _scalar("isAuthenticated", ScalarKind.BOOLEAN),
            _scalar("schemaVersion", ScalarKind.STRING),
        )
    ),
    doc="Where the row comes from.",
)


def table_fields(schema: Object) -> Object:
    """Return the columns of a dataset's table: its schema's fields and ``_ingest``."""
    return Object((*schema.fields, INGEST))
