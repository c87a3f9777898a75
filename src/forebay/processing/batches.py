"""
What each commit of a flush was: batches on their way into summaries and into the ledger.

A batch is made before its commit, because the commit carries it. The ledger follows behind: a
batch that it cannot take now is kept here for the next flush, and after a crash the ledger is
brought up to date from the tables.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import structlog

from forebay.kernel.clock import Clock
from forebay.kernel.ids import new_batch_id
from forebay.lake.batches import (
    UNKNOWN_DATASET,
    Batch,
    BatchError,
    BatchLedger,
    LedgerUnavailable,
    Span,
    Status,
    completed,
)
from forebay.lake.failed_records import FailedRecord, Stage
from forebay.lake.ports import Appended, Origin, Prepared, Rows, TableId, TableStore
from forebay.processing.duplicates import ID_CONFLICT

_DESCRIPTION_LENGTH_MAX = 500
_IDS_MAX = 100
"""Flows and inlets that a batch names; a summary is written again with every later commit."""

_UNREADABLE = "INGEST-1401-400"
_GENERAL = "DCVS-1101-400"
_CODES = {"type": "DCVS-1104-400", "format": "DCVS-1105-400", "required": "DCVS-1106-400"}
"""By the keyword of the first broken rule (schema-catalog-profile, 4.5)."""


class _Violation(msgspec.Struct, rename="camel"):
    message: str = ""
    keyword: str = ""
    causing_exceptions: list["_Violation"] = []


class Batches:
    """Makes the batches of a flush, and sees to it that the ledger gets them."""

    def __init__(self, ledger: BatchLedger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._started_ms = clock.now_ms()
        self._unrecorded: list[Batch] = []

    def begin(self) -> None:
        """Say that a flush begins now."""
        self._started_ms = self._clock.now_ms()

    def catch_up(self, tables: TableStore[Any]) -> None:
        """Give the ledger what the tables had and it did not when the process ended."""
        try:
            self._unrecorded += tables.batches(self._ledger.has)
        except LedgerUnavailable as error:
            structlog.get_logger().error("batches were not caught up with", error=error.message)
            return
        self.record()

    def of_rows(
        self, table: TableId, rows: Rows, prepared: Prepared, *, conflicts: Iterable[int] = ()
    ) -> Batch:
        """
        Return the batch of a dataset's rows.

        Args:
            table: The dataset's.
            rows: What was meant for it.
            prepared: What of it comes into the table.
            conflicts: Rows that are failed records for their ids. What the table did not refuse
                either, and still does not get, are duplicates.
        """
        failed = {refusal.row for refusal in prepared.refusals}.union(conflicts)
        origins = {id(origin): origin for origin in rows.origins}.values()
        input_bytes = sum(map(len, rows.entities)) - sum(len(rows.entities[r]) for r in failed)
        input_records = len(rows.entities) - len(failed)
        return Batch(
            batch_id=new_batch_id(self._clock.now_ms()),
            sandbox_id=table.sandbox_id,
            dataset_id=table.name,
            started_ms=self._started_ms,
            completed_ms=self._clock.now_ms(),
            input_records=input_records,
            output_records=prepared.row_count,
            duplicate_records=input_records - prepared.row_count,
            input_bytes=input_bytes,
            positions=_spans(origins),
            flow_ids=_some(origin.flow_id for origin in origins),
            inlet_ids=_some(origin.inlet_id for origin in origins),
        )

    def of_failed(
        self, sandbox_id: str, records: Sequence[FailedRecord]
    ) -> tuple[list[FailedRecord], list[Batch]]:
        """Return failed records with the ids of their batches, and these batches."""
        by_dataset: dict[str, list[FailedRecord]] = {}
        for record in records:
            # Only a dataset that was found has a schema; any other id is the sender's word.
            dataset_id = record.dataset_id if record.schema_id is not None else None
            by_dataset.setdefault(dataset_id or UNKNOWN_DATASET, []).append(record)
        batches = [
            self._of_failed(sandbox_id, dataset_id, group)
            for dataset_id, group in by_dataset.items()
        ]
        named = [
            msgspec.structs.replace(record, batch_id=batch.batch_id)
            for batch, group in zip(batches, by_dataset.values(), strict=True)
            for record in group
        ]
        return named, batches

    def committed(self, batches: Iterable[Batch], appended: Appended) -> None:
        """Note that batches are in the lake."""
        self._unrecorded += [completed(b, appended.snapshot_id, appended.files) for b in batches]

    def record(self) -> None:
        """Give the ledger the batches that it does not have yet."""
        try:
            self._ledger.record(self._unrecorded)
        except LedgerUnavailable as error:
            structlog.get_logger().error(
                "the ledger of batches is behind: it is tried again with the next flush",
                batches=len(self._unrecorded),
                error=error.message,
            )
            return
        self._unrecorded = []

    def _of_failed(
        self, sandbox_id: str, dataset_id: str, records: Sequence[FailedRecord]
    ) -> Batch:
        return Batch(
            batch_id=new_batch_id(self._clock.now_ms()),
            sandbox_id=sandbox_id,
            dataset_id=dataset_id,
            status=Status.FAILURE,
            started_ms=self._started_ms,
            completed_ms=self._clock.now_ms(),
            input_records=len(records),
            failed_records=len(records),
            input_bytes=sum(len(record.record) for record in records),
            failed_by_stage=dict(Counter(record.stage.value for record in records)),
            errors=_errors(records),
            positions=_spans(records),
            flow_ids=_some(record.flow_id for record in records),
            inlet_ids=_some(record.inlet_id for record in records),
        )


def _spans(places: Iterable[Origin | FailedRecord]) -> dict[str, Span]:
    spans: dict[str, Span] = {}
    for place in places:
        key = str(place.partition)
        span = spans.get(key)
        first = place.offset if span is None else min(span.first, place.offset)
        last = place.offset if span is None else max(span.last, place.offset)
        if span is None or (first, last) != (span.first, span.last):
            spans[key] = Span(first, last)
    return spans


def _some(ids: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(sorted({each for each in ids if each is not None})[:_IDS_MAX])


def _errors(records: Iterable[FailedRecord]) -> tuple[BatchError, ...]:
    """Return each kind of error, with the first record of the kind as its description."""
    found: dict[str, BatchError] = {}
    for record in records:
        code = _code(record)
        known = found.get(code)
        description = known.description if known else record.message[:_DESCRIPTION_LENGTH_MAX]
        found[code] = BatchError(code, description, (known.count if known else 0) + 1)
    return tuple(found.values())


def _code(record: FailedRecord) -> str:
    if record.stage is Stage.ENVELOPE:
        return _UNREADABLE
    if record.stage is Stage.DUPLICATE:
        return ID_CONFLICT
    if record.stage is not Stage.VALIDATION:
        return _GENERAL
    violation = msgspec.json.decode(record.violations, type=_Violation)
    while violation.causing_exceptions:
        violation = violation.causing_exceptions[0]
    return _CODES.get(violation.keyword, _GENERAL)
