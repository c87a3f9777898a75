"""
The loop: read the log, gather rows per table, bring the tables up to date, move the checkpoint.

A flush has five steps, and a crash between any two of them is made good by reading again from
the checkpoint (`pending` tells why nothing is lost or doubled by that):

1. tables get the columns that their schemas have now, and the rows are brought into the form of
   the tables; those that do not fit join the failed;
2. rows whose ids belong to others are dropped, or join the failed; the ids of the rest are theirs
   from now on (`duplicates`);
3. the failed records of each sandbox are committed;
4. the rows of each table are committed;
5. the checkpoint moves.

A table that cannot be written is *held*: the others go on, the checkpoint stays, and after a
while the log is read again from there, as if after a crash.
"""

from collections.abc import Callable, Sequence
from threading import Event
from typing import Any, NamedTuple

import structlog

from forebay.kernel.clock import Clock
from forebay.kernel.ids import Offset, PartitionId
from forebay.lake.batches import Batch, BatchLedger
from forebay.lake.failed_records import FIELDS, FailedRecord, Stage, rows_of
from forebay.lake.ports import (
    FAILED_RECORDS,
    FieldsConflict,
    Mark,
    Marks,
    Prepared,
    Refusal,
    Rows,
    TableId,
    TableStore,
    TableUnavailable,
    table_fields,
)
from forebay.log.ports import LogDamaged, LogReader
from forebay.processing.batches import Batches
from forebay.processing.checkpoint import Checkpoint, Position
from forebay.processing.duplicates import DuplicateRule
from forebay.processing.failures import Failure, failed_record
from forebay.processing.identifiers.ports import IdentifierIndex, IdentifiersUnavailable
from forebay.processing.memory import give_back
from forebay.processing.messages import open_request
from forebay.processing.metrics import (
    COMMIT_SECONDS,
    FLUSH_SECONDS,
    LAG_RECORDS,
    RECORDS,
    TABLES_HELD,
    Outcome,
)
from forebay.processing.pending import Done, Pending
from forebay.processing.ports import DatasetDirectory
from forebay.processing.stages import Pipeline, Tally
from forebay.xdm.fields import Object

FLUSH_SECONDS_MAX = 5.0
FLUSH_BYTES_MAX = 128 * 1_048_576
LARGE_BYTES = 8 * 1_048_576
READ_BYTES_MAX = 4 * 1_048_576
POLL_SECONDS = 0.05
RETRY_SECONDS_FIRST = 1.0
RETRY_SECONDS_MAX = 300.0
_CLOCK_SLACK_MS = 3_600_000
"""How far a clock that is set back may take the times of receipt with it."""


def _no_step(_step: str) -> None:
    """Do nothing: where a test stops the process."""


class _Part(NamedTuple):
    """What is ready for one table's commit."""

    fields: Object
    prepared: Prepared
    has_duplicates: bool = False
    conflicts: tuple[int, ...] = ()
    """Places of rows that are failed records because of their ids."""


class Worker:
    """Processing, in the thread that calls `run`."""

    def __init__(  # noqa: PLR0913  what processing stands on
        self,
        reader: LogReader,
        directory: DatasetDirectory,
        tables: TableStore[Any],
        checkpoint: Checkpoint,
        clock: Clock,
        *,
        ledger: BatchLedger,
        identifiers: IdentifierIndex | None = None,
        flush_seconds: float = FLUSH_SECONDS_MAX,
        flush_bytes: int = FLUSH_BYTES_MAX,
        on_step: Callable[[str], None] = _no_step,
    ) -> None:
        self._reader = reader
        self._tables = tables
        self._checkpoint = checkpoint
        self._clock = clock
        self._batches = Batches(ledger, clock)
        self._flush_seconds = flush_seconds
        self._flush_bytes = flush_bytes
        self._on_step = on_step
        self._pipeline = Pipeline(directory, clock)
        self._rule = DuplicateRule(identifiers, reader) if identifiers is not None else None
        self._log = structlog.get_logger()
        self._stopping = Event()
        self._flush_wanted = Event()
        self._wake = Event()
        self._retry_seconds = RETRY_SECONDS_FIRST
        self._retry_at = 0.0
        self._skipped_until: dict[PartitionId, float] = {}
        self._cursors: dict[PartitionId, Position] = {}
        self._received_ms: dict[PartitionId, int] = {}
        self._waiting_since: float | None = None
        self._tally = self._begin()

    def run(self) -> None:
        """Work until `stop`; then bring the tables up to date and return."""
        self._batches.catch_up(self._tables)
        while not self._stopping.is_set():
            has_read = self.poll()
            if self._is_flush_due():
                self.flush()
            self._retry_held()
            is_tidying = self._rule is not None and self._rule.tidy()
            if not has_read and not is_tidying:
                self._wake.wait(POLL_SECONDS)
                self._wake.clear()
        self.flush()

    def stop(self) -> None:
        """Make `run` return soon; any thread may call this."""
        self._stopping.set()
        self._wake.set()

    def flush_soon(self) -> None:
        """Ask for a flush before its time; any thread may call this."""
        self._flush_wanted.set()
        self._wake.set()

    def poll(self) -> bool:
        """Read on in every partition; say whether there was anything."""
        has_read = False
        for partition in self._reader.partitions():
            if self._clock.monotonic_s() < self._skipped_until.get(partition, 0.0):
                continue
            try:
                has_read |= self._read(partition)
            except LogDamaged as error:
                # The other partitions are not to suffer for it; this one waits for its repair.
                self._log.error("log is damaged", partition=partition, error=error.message)
                self._skipped_until[partition] = self._clock.monotonic_s() + RETRY_SECONDS_MAX
        return has_read

    def flush(self) -> None:
        """Commit what waits, and move the checkpoint if nothing is held."""
        started = self._clock.monotonic_s()
        self._flush_wanted.clear()
        self._batches.begin()
        is_large = self._tally.pending.byte_count > LARGE_BYTES
        self._flush_tables()
        self._batches.record()
        if not self._tally.held:
            self._checkpoint.advance(self._cursors)
            self._on_step("checkpoint moved")
            self._expire_identifiers()
            self._retry_seconds = RETRY_SECONDS_FIRST
        self._tally = Tally(Pending(), self._tally.done, self._tally.held)
        self._waiting_since = None
        if is_large:
            give_back()
        TABLES_HELD.set(len(self._tally.held))
        FLUSH_SECONDS.observe(self._clock.monotonic_s() - started)
        self._publish_lag()

    def _flush_tables(self) -> None:
        marks = {p: Mark(cursor.log_id, cursor.next) for p, cursor in self._cursors.items()}
        ready = self._prepare_rows()
        self._on_step("prepared")
        if self._rule is not None:
            self._sort_out_duplicates(self._rule, ready)
            self._on_step("identifiers committed")
        self._commit_failed_records(marks)
        for table, part in ready.items():
            rows, prepared = self._tally.pending.rows[table], part.prepared
            # A commit without rows tells of the duplicates, and how far the table is.
            if table not in self._tally.held and (prepared.row_count or part.has_duplicates):
                batch = self._batches.of_rows(table, rows, prepared, conflicts=part.conflicts)
                self._commit(table, part.fields, prepared, marks, [batch])

    def _begin(self) -> Tally:
        """Start, or start again, at the checkpoint."""
        self._cursors.clear()
        self._received_ms.clear()
        self._waiting_since = None
        return Tally(Pending(), Done(self._tables, self._checkpoint.positions()), set())

    def _read(self, partition: PartitionId) -> bool:
        cursor = self._cursor(partition)
        if self._reader.bounds(partition).next <= cursor.next:
            self._cursors[partition] = cursor
            return False
        records = self._reader.read(partition, cursor.next, bytes_max=READ_BYTES_MAX)
        for record in records:
            request = open_request(partition, cursor.log_id, record.offset, record.payload)
            for outcome, number in self._pipeline.run(request, self._tally).items():
                if number:
                    RECORDS.labels(outcome).inc(number)
            self._tally.pending.byte_count += len(record.payload)
            self._received_ms[partition] = request.head.received_ms
            self._cursors[partition] = Position(cursor.log_id, Offset(record.offset + 1))
        if records and self._waiting_since is None:
            self._waiting_since = self._clock.monotonic_s()
        return bool(records)

    def _cursor(self, partition: PartitionId) -> Position:
        """Return where to read on."""
        log_id = self._reader.log_id(partition)
        cursor = self._cursors.get(partition) or self._checkpoint.find(partition)
        first = self._reader.bounds(partition).first
        if cursor is None:
            return Position(log_id, first)
        if cursor.log_id != log_id:
            self._log.error(
                "the log is not the one of the checkpoint: reading it from its start",
                partition=partition,
                expected=cursor.log_id,
                found=log_id,
            )
            return Position(log_id, first)
        if cursor.next < first:
            self._log.error(
                "the log has dropped records that were never read",
                partition=partition,
                lost_from=cursor.next,
                lost_to=first - 1,
            )
            return Position(log_id, first)
        return cursor

    def _is_flush_due(self) -> bool:
        if self._flush_wanted.is_set():
            return True
        if self._waiting_since is None:
            return False
        waited = self._clock.monotonic_s() - self._waiting_since
        return waited >= self._flush_seconds or self._tally.pending.byte_count >= self._flush_bytes

    def _prepare_rows(self) -> dict[TableId, _Part]:
        """Bring the rows into the form of their tables; what does not fit is a failed record."""
        pending = self._tally.pending
        ready: dict[TableId, _Part] = {}
        for table, rows in pending.rows.items():
            if table in self._tally.held or not rows.entities:
                continue
            dataset = pending.datasets[table]
            fields = table_fields(dataset.validator.fields)
            try:
                prepared, refusals = self._prepare_table(table, fields, rows)
                for row, reason in refusals:
                    self._fail_row(table, row, Stage.LAKE, reason)
                    RECORDS.labels(Outcome.FAILED).inc()
            except Exception as error:  # noqa: BLE001  the worker's supervisor: one table's trouble stays its own
                self._hold(table, error)
                continue
            if prepared is not None:
                ready[table] = _Part(fields, prepared)
        return ready

    def _prepare_table(
        self, table: TableId, fields: Object, rows: Rows
    ) -> tuple[Prepared | None, Sequence[Refusal]]:
        """
        Give a table its columns, and bring the rows into their form.

        A table that cannot have the columns refuses every row: waiting would not help, and the
        log behind the rows could never be dropped.
        """
        try:
            self._tables.ensure(table, fields)
        except FieldsConflict as error:
            return None, [Refusal(row, error.message) for row in range(len(rows.entities))]
        prepared = self._tables.prepare(fields, rows)
        return prepared, prepared.refusals

    def _sort_out_duplicates(self, rule: DuplicateRule, ready: dict[TableId, _Part]) -> None:
        """Take the rows out whose ids are not theirs; other content becomes failed records."""
        pending = self._tally.pending
        ruled = {
            table: (pending.rows[table], [refusal.row for refusal in part.prepared.refusals])
            for table, part in ready.items()
            if pending.datasets[table].has_unique_ids
        }
        try:
            late = rule.judge(ruled, pending.stored, pending.given_up)
        except IdentifiersUnavailable as error:
            # Failed records wait as well where their ids could not be given back.
            failed = {TableId(t.sandbox_id, FAILED_RECORDS) for t in pending.given_up.tables}
            for table in failed.union(ruled, pending.stored.tables):
                self._hold(table, error)
            return
        for table, (same, conflicts) in late.items():
            for row, reason in conflicts.items():
                self._fail_row(table, row, Stage.DUPLICATE, reason)
            RECORDS.labels(Outcome.CONFLICT).inc(len(conflicts))
            RECORDS.labels(Outcome.DUPLICATE).inc(len(same))
            if same or conflicts:
                part = ready[table]
                prepared = part.prepared.without({*same, *conflicts})
                ready[table] = _Part(part.fields, prepared, bool(same), tuple(conflicts))

    def _expire_identifiers(self) -> None:
        """Let ids go that no record still to come can meet, by the times that the log tells."""
        if self._rule is None or not self._received_ms:
            return
        horizon = max(self._received_ms.values())
        for partition in self._reader.partitions():
            cursor = self._cursors.get(partition)
            if cursor is None:
                return
            if self._reader.bounds(partition).next > cursor.next:
                horizon = min(horizon, self._received_ms.get(partition, 0))
        try:
            self._rule.expire(horizon - _CLOCK_SLACK_MS)
        except IdentifiersUnavailable as error:
            self._log.warning("old identifiers stay for now", error=error.message)

    def _fail_row(self, table: TableId, row: int, stage: Stage, reason: str) -> None:
        """Make a failed record of what had passed as a row."""
        rows, dataset = self._tally.pending.rows[table], self._tally.pending.datasets[table]
        origin, index = rows.origins[row], rows.indexes[row]
        # The request was let go when its record was taken for good; this is rare enough to
        # read it once more.
        log_id = self._cursors[origin.partition].log_id
        record = self._reader.read(origin.partition, origin.offset, bytes_max=1)[0]
        request = open_request(origin.partition, log_id, record.offset, record.payload)
        failure = Failure(stage=stage, message=reason, dataset=dataset, table=table)
        failed = failed_record(request, index, failure, now_ms=self._clock.now_ms())
        self._tally.pending.fail(table.sandbox_id, failed, table)
        if stage is Stage.LAKE and dataset.has_unique_ids:
            entity = bytes(rows.entities[row])
            self._tally.pending.given_up.add(table, entity, request.transaction_id, index)

    def _commit_failed_records(self, marks: Marks) -> None:
        """
        Commit the failed records, before any row.

        A table's mark then covers the failed records that were meant for it. If they cannot
        be committed, their tables have to wait with them.
        """
        pending, held = self._tally.pending, self._tally.held
        for sandbox_id, records in pending.failed.items():
            table = TableId(sandbox_id, FAILED_RECORDS)
            if table not in held:
                self._commit_failed(table, records, marks)
            if table in held:
                held.update(t for t in pending.failing if t.sandbox_id == sandbox_id)

    def _commit_failed(self, table: TableId, records: list[FailedRecord], marks: Marks) -> None:
        named, batches = self._batches.of_failed(table.sandbox_id, records)
        try:
            prepared = self._tables.prepare(FIELDS, rows_of(named))
        except Exception as error:  # noqa: BLE001  the worker's supervisor: one table's trouble stays its own
            self._hold(table, error)
            return
        if prepared.refusals:
            self._hold(table, ValueError(f"failed records do not fit: {prepared.refusals[0]}"))
            return
        self._commit(table, FIELDS, prepared, marks, batches)

    def _commit(
        self,
        table: TableId,
        fields: Object,
        prepared: Prepared,
        marks: Marks,
        batches: Sequence[Batch],
    ) -> None:
        try:
            with COMMIT_SECONDS.time():
                self._tables.ensure(table, fields)
                appended = self._tables.append(table, prepared, marks, batches=batches)
        except Exception as error:  # noqa: BLE001  the worker's supervisor: one table's trouble stays its own
            self._hold(table, error)
            return
        self._batches.committed(batches, appended)
        self._on_step("table committed")

    def _hold(self, table: TableId, error: Exception) -> None:
        self._log.error(
            "table is held: its records stay in the log until it can be written",
            sandbox=table.sandbox_id,
            table=table.name,
            error=f"{type(error).__name__}: {error}",
            retry_seconds=self._retry_seconds,
        )
        self._tally.held.add(table)
        self._retry_at = self._clock.monotonic_s() + self._retry_seconds

    def _retry_held(self) -> None:
        """Start again at the checkpoint once a held table can be read, now and then."""
        if not self._tally.held or self._clock.monotonic_s() < self._retry_at:
            return
        self._retry_seconds = min(self._retry_seconds * 2, RETRY_SECONDS_MAX)
        self._retry_at = self._clock.monotonic_s() + self._retry_seconds
        if any(self._is_readable(table) for table in self._tally.held):
            self.flush()
            self._tally = self._begin()

    def _is_readable(self, table: TableId) -> bool:
        try:
            self._tables.marks(table)
        except TableUnavailable:
            return False
        return True

    def _publish_lag(self) -> None:
        for partition in self._cursors:
            position = self._checkpoint.find(partition)
            bounds = self._reader.bounds(partition)
            done = position.next if position else bounds.first
            LAG_RECORDS.labels(f"{partition:04d}").set(bounds.next - done)
