import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from forebay.kernel.clock import SystemClock
from forebay.kernel.ids import Offset, PartitionId
from forebay.lake.batches import Batch, BatchQuery, Status
from forebay.lake.ledger_memory import MemoryLedger
from forebay.lake.memory import MemoryRows, MemoryTables
from forebay.lake.ports import Address, Appended, Mark, Marks, TableId, TableUnavailable
from forebay.log.ports import LogDamaged, LogRecord
from forebay.processing.checkpoint import Checkpoint, Position
from forebay.processing.worker import Worker
from support.clocks import ManualClock
from support.processing import (
    EVENT_DOCUMENT,
    EVENTS,
    EVENTS_TABLE,
    FAILED_TABLE,
    PARTITION,
    STRING,
    VISITS,
    VISITS_TABLE,
    Directory,
    ListLog,
    a_batch,
    a_message,
    a_single,
    an_event,
    an_object,
)

VISIT_DOCUMENT = an_object(("_id",), _id=STRING)
TWO = PartitionId(2)


def an_odd_event(number: int) -> dict[str, Any]:
    return {**an_event(number), "unknown": 1}


class BreakableTables(MemoryTables):
    """Tables some of which cannot be written, or not even be read."""

    def __init__(self) -> None:
        super().__init__()
        self.unwritable: set[TableId] = set()
        self.unreadable: set[TableId] = set()

    def marks(self, table: TableId) -> Marks:
        self._refuse(table, self.unreadable)
        return super().marks(table)

    def append(
        self, table: TableId, prepared: MemoryRows, marks: Marks, *, batches: Sequence[Batch] = ()
    ) -> Appended:
        self._refuse(table, self.unwritable | self.unreadable)
        return super().append(table, prepared, marks, batches=batches)

    def addresses(self, table: TableId, partition: PartitionId, since: Mark) -> set[Address]:
        self._refuse(table, self.unreadable)
        return super().addresses(table, partition, since)

    def _refuse(self, table: TableId, among: set[TableId]) -> None:
        if table in among:
            raise TableUnavailable(f"{table.name} is broken")


class Bench:
    """A worker between a log and tables that outlive it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "checkpoint.json"
        self.log = ListLog()
        self.tables = BreakableTables()
        self.ledger = MemoryLedger()
        self.clock = ManualClock()
        self.documents: dict[str, Mapping[str, Any]] = {
            EVENTS: EVENT_DOCUMENT,
            VISITS: VISIT_DOCUMENT,
        }
        self.start()

    def start(self) -> None:
        self.checkpoint = Checkpoint(self.path)
        self.directory = Directory(self.documents)
        self.worker = Worker(
            self.log,
            self.directory,
            self.tables,
            self.checkpoint,
            self.clock,
            ledger=self.ledger,
        )

    def turn(self) -> None:
        self.worker.poll()
        self.worker.flush()

    def retry(self) -> None:
        self.clock.advance(3_600_000)
        self.worker._retry_held()
        self.turn()

    def ids(self, table: TableId) -> list[str]:
        return [row["_id"] for row in self.tables.rows.get(table, [])]

    def done(self, partition: PartitionId = PARTITION) -> int | None:
        position = self.checkpoint.find(partition)
        return position and position.next

    def failed(self) -> list[tuple[int, int]]:
        return [(r["offset"], r["index"]) for r in self.tables.rows.get(FAILED_TABLE, [])]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_flush_brings_rows_failed_records_and_checkpoint(bench: Bench) -> None:
    bench.log.append(a_batch([a_message(an_event(1)), a_message(an_odd_event(2))]))
    bench.log.append(a_single(a_message({"_id": "v"}, VISITS)), TWO)

    bench.turn()

    assert bench.ids(EVENTS_TABLE) == [an_event(1)["_id"]]
    assert bench.ids(VISITS_TABLE) == ["v"]
    assert bench.failed() == [(0, 1)]
    assert (bench.done(), bench.done(TWO)) == (1, 1)


def test_restart_goes_on_where_the_checkpoint_is(bench: Bench) -> None:
    bench.log.append(a_single(a_message(an_event(1))))
    bench.turn()

    bench.log.append(a_single(a_message(an_event(2))))
    bench.start()
    bench.turn()

    assert bench.ids(EVENTS_TABLE) == [an_event(1)["_id"], an_event(2)["_id"]]


def test_lost_checkpoint_doubles_nothing(bench: Bench) -> None:
    bench.log.append(a_batch([a_message(an_event(1)), a_message(an_odd_event(2))]))
    bench.log.append(a_single(b"no json"))
    bench.turn()

    bench.path.unlink()
    bench.start()
    bench.turn()

    assert bench.ids(EVENTS_TABLE) == [an_event(1)["_id"]]
    assert bench.failed() == [(0, 1), (1, 0)]


def test_new_log_in_place_of_a_lost_one_is_read_from_its_start(bench: Bench) -> None:
    bench.log.append(a_batch([a_message(an_event(1)), a_message(an_odd_event(2))]))
    bench.turn()

    bench.log = ListLog("another")
    bench.log.append(a_batch([a_message(an_event(3)), a_message(an_odd_event(4))]))
    bench.start()
    bench.turn()

    assert bench.ids(EVENTS_TABLE) == [an_event(1)["_id"], an_event(3)["_id"]]
    assert bench.failed() == [(0, 1), (0, 1)]


def test_broken_table_does_not_stop_the_others(bench: Bench) -> None:
    bench.tables.unwritable = {EVENTS_TABLE}
    bench.log.append(a_batch([a_message(an_event(1)), a_message({"_id": "v1"}, VISITS)]))
    bench.turn()
    bench.log.append(a_batch([a_message(an_event(2)), a_message({"_id": "v2"}, VISITS)]))
    bench.turn()

    assert bench.ids(VISITS_TABLE) == ["v1", "v2"]
    assert bench.done() is None


@pytest.mark.parametrize("kind", ["unwritable", "unreadable"])
@pytest.mark.parametrize("table", [EVENTS_TABLE, FAILED_TABLE])
def test_repaired_table_catches_up_exactly_once(bench: Bench, kind: str, table: TableId) -> None:
    setattr(bench.tables, kind, {table})
    for number in (1, 2):
        bench.log.append(
            a_batch(
                [
                    a_message(an_event(number)),
                    a_message(an_odd_event(10 + number)),
                    a_message({"_id": f"v{number}"}, VISITS),
                ]
            )
        )
        bench.turn()
    bench.retry()
    assert bench.done() is None

    setattr(bench.tables, kind, set())
    bench.retry()

    assert bench.ids(EVENTS_TABLE) == [an_event(1)["_id"], an_event(2)["_id"]]
    assert bench.ids(VISITS_TABLE) == ["v1", "v2"]
    assert bench.failed() == [(0, 1), (1, 1)]
    assert bench.done() == 2


def test_table_whose_failed_records_cannot_be_kept_waits_with_them(bench: Bench) -> None:
    bench.tables.unwritable = {FAILED_TABLE}
    bench.log.append(
        a_batch(
            [a_message(an_event(1)), a_message(an_odd_event(2)), a_message({"_id": "v"}, VISITS)]
        )
    )

    bench.turn()

    assert bench.ids(EVENTS_TABLE) == []
    assert bench.ids(VISITS_TABLE) == ["v"]


def test_fate_that_changes_between_two_lives_is_decided_once(bench: Bench) -> None:
    bench.log.append(a_batch([a_message(an_event(1)), a_message(an_odd_event(2))]))
    bench.tables.unwritable = {EVENTS_TABLE}
    bench.turn()
    assert bench.failed() == [(0, 1)]

    members = {**EVENT_DOCUMENT["properties"], "unknown": {"type": "integer"}}
    bench.documents[EVENTS] = an_object((), **members)
    bench.tables.unwritable = set()
    bench.start()
    bench.turn()

    assert bench.ids(EVENTS_TABLE) == [an_event(1)["_id"]]
    assert bench.failed() == [(0, 1)]


def test_dataset_deleted_between_two_lives_doubles_nothing(bench: Bench) -> None:
    bench.log.append(a_single(a_message({"_id": "v"}, VISITS)))
    bench.turn()
    bench.path.unlink()

    del bench.documents[VISITS]
    bench.start()
    bench.turn()

    assert bench.failed() == []


def test_row_that_the_table_refuses_is_a_failed_record_of_stage_lake(bench: Bench) -> None:
    bench.documents[VISITS] = an_object(
        (), _id=STRING, n={"type": "integer", "meta:xdmType": "int"}
    )
    bench.start()
    messages = [a_message({"_id": f"v{n}", "n": n}, VISITS) for n in (1, 2**40, 3)]
    bench.log.append(a_batch(messages))

    bench.turn()

    (failed,) = bench.tables.rows[FAILED_TABLE]
    assert bench.ids(VISITS_TABLE) == ["v1", "v3"]
    assert (failed["stage"], failed["index"], failed["datasetId"]) == ("lake", 1, VISITS)
    assert "1099511627776" in failed["message"]
    assert "1099511627776" in failed["record"]


def test_damaged_partition_does_not_stop_the_others(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = bench.log.read

    def read(partition: PartitionId, start: Offset, *, bytes_max: int) -> list[LogRecord]:
        if partition == PARTITION:
            raise LogDamaged("record 0 does not match its checksum")
        return whole(partition, start, bytes_max=bytes_max)

    monkeypatch.setattr(bench.log, "read", read)
    bench.log.append(a_single(a_message(an_event(1))))
    bench.log.append(a_single(a_message({"_id": "v"}, VISITS)), TWO)

    bench.turn()

    assert bench.ids(VISITS_TABLE) == ["v"]
    assert (bench.done() or 0, bench.done(TWO)) == (0, 1)


def test_flush_is_due_after_seconds_bytes_or_a_wish(bench: Bench) -> None:
    bench.log.append(a_single(a_message(an_event(1))))
    bench.worker.poll()

    assert not bench.worker._is_flush_due()
    bench.clock.advance(5_000)
    assert bench.worker._is_flush_due()
    bench.worker.flush()
    assert not bench.worker._is_flush_due()
    bench.worker.flush_soon()
    assert bench.worker._is_flush_due()


def test_bytes_that_wait_make_a_flush_due(bench: Bench) -> None:
    worker = Worker(
        bench.log,
        bench.directory,
        bench.tables,
        bench.checkpoint,
        bench.clock,
        ledger=bench.ledger,
        flush_bytes=1_000,
    )
    bench.log.append(a_single(a_message(an_event(1))))

    worker.poll()

    assert worker._is_flush_due()


def test_stop_flushes_what_waits(bench: Bench) -> None:
    worker = Worker(
        bench.log,
        bench.directory,
        bench.tables,
        bench.checkpoint,
        SystemClock(),
        ledger=bench.ledger,
    )
    bench.log.append(a_single(a_message(an_event(1))))
    thread = threading.Thread(target=worker.run)

    thread.start()
    worker.flush_soon()
    worker.stop()
    thread.join(10)

    assert not thread.is_alive()


def test_idle_log_with_nothing_new_leaves_the_checkpoint_alone(bench: Bench) -> None:
    bench.log.append(a_single(a_message(an_event(1))))
    bench.turn()
    written = bench.path.stat().st_mtime_ns

    bench.turn()

    assert bench.path.stat().st_mtime_ns == written
    assert bench.checkpoint.find(PARTITION) == Position(bench.log.log_id(PARTITION), Offset(1))


def test_records_whose_table_cannot_have_the_columns_are_failed_and_hold_nothing_up(
    bench: Bench,
) -> None:
    bench.log.append(a_batch([a_message({"_id": "v1"}, VISITS), a_message(an_event(1))]))
    bench.turn()

    changed = {**VISIT_DOCUMENT["properties"], "_id": an_object(value=STRING)}
    bench.documents[VISITS] = an_object(**changed)
    bench.start()
    bench.log.append(a_batch([a_message({"_id": {}}, VISITS), a_message(an_event(2))]))
    bench.turn()

    assert bench.ids(VISITS_TABLE) == ["v1"]
    assert bench.failed() == [(1, 0)]
    assert bench.tables.rows[FAILED_TABLE][0]["stage"] == "lake"
    assert bench.ids(EVENTS_TABLE) == [an_event(1)["_id"], an_event(2)["_id"]]
    assert bench.done() == 2


def test_flush_makes_a_batch_of_rows_and_a_batch_of_failed_records(bench: Bench) -> None:
    messages = [a_message(an_event(1)), a_message(an_odd_event(2)), a_message(an_event(3))]
    bench.log.append(a_batch(messages))

    bench.turn()

    failed, good = sorted(
        bench.ledger.list_batches(EVENTS_TABLE.sandbox_id, BatchQuery()), key=lambda b: b.status
    )
    assert (good.dataset_id, good.status, good.output_records) == (EVENTS, Status.SUCCESS, 2)
    assert [file.records for file in good.files] == [2]
    assert (failed.dataset_id, failed.status, failed.failed_records) == (EVENTS, Status.FAILURE, 1)
    assert failed.files == ()
    assert [row["batchId"] for row in bench.tables.rows[FAILED_TABLE]] == [failed.batch_id]


def test_reading_again_after_a_crash_makes_no_second_batch(bench: Bench) -> None:
    bench.log.append(a_batch([a_message(an_event(1)), a_message(an_odd_event(2))]))
    bench.turn()
    before = bench.ledger.list_batches(EVENTS_TABLE.sandbox_id, BatchQuery())
    bench.path.unlink()

    bench.start()
    bench.turn()

    assert bench.ledger.list_batches(EVENTS_TABLE.sandbox_id, BatchQuery()) == before


def test_table_that_cannot_be_written_has_no_batch_until_it_can(bench: Bench) -> None:
    bench.tables.unwritable.add(EVENTS_TABLE)
    bench.log.append(a_single(a_message(an_event(1))))

    bench.turn()
    held = bench.ledger.list_batches(EVENTS_TABLE.sandbox_id, BatchQuery())
    bench.tables.unwritable.clear()
    bench.retry()
    bench.turn()

    assert held == []
    assert len(bench.ledger.list_batches(EVENTS_TABLE.sandbox_id, BatchQuery())) == 1
