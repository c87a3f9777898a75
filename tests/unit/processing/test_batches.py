from collections.abc import Sequence

from forebay.kernel import json
from forebay.kernel.ids import Offset
from forebay.lake.batches import UNKNOWN_DATASET, Batch, LedgerUnavailable, Span, Status
from forebay.lake.failed_records import FIELDS, FailedRecord, Stage, rows_of
from forebay.lake.ledger_memory import MemoryLedger
from forebay.lake.memory import MemoryTables
from forebay.lake.ports import FAILED_RECORDS, TableId, table_fields
from forebay.processing.batches import Batches
from support import lake
from support.clocks import ManualClock
from support.processing import PARTITION

SANDBOX = "sandbox"
FAILED = TableId(SANDBOX, FAILED_RECORDS)


class BusyLedger(MemoryLedger):
    """A ledger that cannot be written for a while."""

    is_busy = False

    def record(self, batches: Sequence[Batch]) -> None:
        if self.is_busy:
            raise LedgerUnavailable("busy")
        super().record(batches)


def a_failed_record(
    offset: int, *, dataset_id: str | None = "d1", keyword: str = "format", **given: object
) -> FailedRecord:
    leaf = {"keyword": keyword, "message": "wrong", "causingExceptions": []}
    members = {
        "stage": Stage.VALIDATION,
        "schema_id": "s1",
        "message": f"{keyword} is wrong",
        **given,
    }
    return FailedRecord(
        xaction_id=f"1:0001:{offset}",
        log_id="1f",
        partition=PARTITION,
        offset=Offset(offset),
        index=0,
        dataset_id=dataset_id,
        schema_version="1.0",
        inlet_id="inlet",
        connection_id="connection",
        flow_id="flow",
        received_at="2026-11-24T00:00:00.000Z",
        failed_at="2026-11-24T00:00:00.000Z",
        violation_count=1,
        violations=json.encode({"message": "all", "causingExceptions": [leaf]}).decode(),
        record="{}",
        **members,
    )


def test_failed_records_of_one_dataset_are_one_failed_batch_that_names_its_errors() -> None:
    records = [
        a_failed_record(3),
        a_failed_record(7),
        a_failed_record(5, keyword="required"),
    ]

    named, (batch,) = Batches(MemoryLedger(), ManualClock()).of_failed(SANDBOX, records)

    assert {record.batch_id for record in named} == {batch.batch_id}
    assert (batch.dataset_id, batch.status, batch.failed_records) == ("d1", Status.FAILURE, 3)
    assert [(e.code, e.description, e.count) for e in batch.errors] == [
        ("DCVS-1105-400", "format is wrong", 2),
        ("DCVS-1106-400", "required is wrong", 1),
    ]
    assert batch.positions == {"1": Span(3, 7)}
    assert batch.failed_by_stage == {"validation": 3}
    assert batch.flow_ids == ("flow",)


def test_dataset_that_only_the_sender_names_has_no_batches() -> None:
    stranger = a_failed_record(1, dataset_id="../d1", schema_id=None, stage=Stage.ROUTING)
    nameless = a_failed_record(2, dataset_id=None, schema_id=None, stage=Stage.ENVELOPE)

    _, (batch,) = Batches(MemoryLedger(), ManualClock()).of_failed(SANDBOX, [stranger, nameless])

    assert batch.dataset_id == UNKNOWN_DATASET
    assert [error.code for error in batch.errors] == ["DCVS-1101-400", "INGEST-1401-400"]


def test_batch_of_rows_counts_what_fits_its_table() -> None:
    tables = MemoryTables()
    rows = lake.rows_of([{"_id": "a"}, {"_id": "b", "age": 10**30}])
    prepared = tables.prepare(table_fields(lake.PERSON), rows)

    batch = Batches(MemoryLedger(), ManualClock()).of_rows(lake.TABLE, rows, prepared)

    assert (batch.input_records, batch.output_records) == (1, 1)
    assert batch.input_bytes == len(rows.entities[0])
    assert len(batch.batch_id) == 26


def test_busy_ledger_gets_the_batches_with_the_next_flush() -> None:
    ledger, tables = BusyLedger(), MemoryTables()
    batches = Batches(ledger, ManualClock())
    _, made = batches.of_failed(SANDBOX, [a_failed_record(1)])
    tables.ensure(FAILED, FIELDS)
    appended = tables.append(FAILED, tables.prepare(FIELDS, rows_of([])), {}, batches=made)
    batches.committed(made, appended)

    ledger.is_busy = True
    batches.record()
    assert not ledger.has(made[0].batch_id)
    ledger.is_busy = False
    batches.record()

    assert ledger.has(made[0].batch_id)


def test_ledger_that_missed_a_commit_catches_up_from_the_tables() -> None:
    ledger, tables = MemoryLedger(), MemoryTables()
    _, made = Batches(ledger, ManualClock()).of_failed(SANDBOX, [a_failed_record(1)])
    tables.ensure(FAILED, FIELDS)
    tables.append(FAILED, tables.prepare(FIELDS, rows_of([])), {}, batches=made)

    Batches(ledger, ManualClock()).catch_up(tables)

    assert ledger.has(made[0].batch_id)
