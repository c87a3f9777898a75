"""
The ledger of batches in one SQLite file: written by processing, read by the platform.

What is searched for has columns; the batch itself is kept as one JSON text.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import SQLAlchemyError

from forebay.kernel.files import FILE_MODE, make_directory
from forebay.lake.batches import Batch, BatchQuery, LastBatches, LedgerUnavailable, Status, last_of
from forebay.lake.durable_sqlite import make_durable

FILE = "batches.db"
BUSY_MS = 10_000

_metadata = sa.MetaData()
_batches = sa.Table(
    "batches",
    _metadata,
    sa.Column("batch_id", sa.Text, primary_key=True),
    sa.Column("sandbox_id", sa.Text, nullable=False),
    sa.Column("dataset_id", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("started_ms", sa.BigInteger, nullable=False),
    sa.Column("completed_ms", sa.BigInteger, nullable=False),
    sa.Column("input_records", sa.BigInteger, nullable=False),
    sa.Column("failed_records", sa.BigInteger, nullable=False),
    sa.Column("input_bytes", sa.BigInteger, nullable=False),
    sa.Column("document", sa.LargeBinary, nullable=False),
    sa.Index("batches_by_sandbox", "sandbox_id", "started_ms"),
    sa.Index("batches_by_dataset", "sandbox_id", "dataset_id", "status", "started_ms"),
)
_columns = _batches.c


class SqliteLedger:
    """The ledger of one lake."""

    def __init__(self, lake: Path) -> None:
        make_directory(lake)
        self._path = lake / FILE
        self._engine = sa.create_engine(f"sqlite:///{self._path}")
        make_durable(self._engine, busy_ms=BUSY_MS)
        with self._trouble("opened"):
            self._path.touch(mode=FILE_MODE)
            _metadata.create_all(self._engine)

    def record(self, batches: Sequence[Batch]) -> None:
        """Keep batches; those that are known by their id stay as they are."""
        if not batches:
            return
        rows = [_row(batch) for batch in batches]
        with self._trouble("written"), self._engine.begin() as connection:
            connection.execute(insert(_batches).on_conflict_do_nothing(), rows)

    def has(self, batch_id: str) -> bool:
        """Say whether a batch is kept."""
        query = sa.select(_columns.batch_id).where(_columns.batch_id == batch_id)
        with self._trouble("read"), self._engine.connect() as connection:
            return connection.execute(query).first() is not None

    def find(self, sandbox_id: str, batch_id: str) -> Batch | None:
        """Return a batch of a sandbox."""
        found = self._read(_in_sandbox(sandbox_id).where(_columns.batch_id == batch_id))
        return found[0] if found else None

    def list_batches(self, sandbox_id: str, query: BatchQuery) -> list[Batch]:
        """Return one page of a sandbox's batches."""
        statement = _in_sandbox(sandbox_id)
        for column, values in (
            (_columns.batch_id, query.batch_ids),
            (_columns.dataset_id, query.dataset_ids),
            (_columns.status, query.statuses),
        ):
            if values:
                statement = statement.where(column.in_(values))
        for column, after_ms, before_ms in (
            (_columns.started_ms, query.started_after_ms, query.started_before_ms),
            (_columns.completed_ms, query.completed_after_ms, query.completed_before_ms),
        ):
            if after_ms is not None:
                statement = statement.where(column > after_ms)
            if before_ms is not None:
                statement = statement.where(column < before_ms)
        for order, is_descending in query.order:
            column = _columns[order.value]
            statement = statement.order_by(column.desc() if is_descending else column)
        statement = statement.order_by(_columns.started_ms, _columns.batch_id)
        return self._read(statement.limit(query.limit).offset(query.start))

    def last(self, sandbox_id: str, dataset_id: str) -> LastBatches | None:
        """Return the newest batches of a dataset; None if it has none."""
        return last_of(
            self._newest(sandbox_id, dataset_id, Status.SUCCESS),
            self._newest(sandbox_id, dataset_id, Status.FAILURE),
        )

    def close(self) -> None:
        """Close the file."""
        self._engine.dispose()

    def _newest(self, sandbox_id: str, dataset_id: str, status: Status) -> Batch | None:
        statement = _in_sandbox(sandbox_id).where(
            _columns.dataset_id == dataset_id, _columns.status == status.value
        )
        statement = statement.order_by(_columns.started_ms.desc(), _columns.batch_id.desc())
        found = self._read(statement.limit(1))
        return found[0] if found else None

    def _read(self, statement: sa.Select[Any]) -> list[Batch]:
        with self._trouble("read"), self._engine.connect() as connection:
            return [
                msgspec.json.decode(row.document, type=Batch)
                for row in connection.execute(statement)
            ]

    @contextmanager
    def _trouble(self, doing: str) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, OSError, msgspec.MsgspecError) as error:
            raise LedgerUnavailable(
                f"the ledger of batches {self._path.name} could not be {doing}: "
                f"{type(error).__name__}: {error}"
            ) from error


def _in_sandbox(sandbox_id: str) -> sa.Select[Any]:
    return sa.select(_columns.document).where(_columns.sandbox_id == sandbox_id)


def _row(batch: Batch) -> dict[str, Any]:
    return {
        "batch_id": batch.batch_id,
        "sandbox_id": batch.sandbox_id,
        "dataset_id": batch.dataset_id,
        "status": batch.status.value,
        "started_ms": batch.started_ms,
        "completed_ms": batch.completed_ms,
        "input_records": batch.input_records,
        "failed_records": batch.failed_records,
        "input_bytes": batch.input_bytes,
        "document": msgspec.json.encode(batch),
    }
