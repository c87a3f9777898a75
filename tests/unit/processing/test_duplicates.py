"""The one duplicate rule, between a log and tables."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from forebay.kernel import json
from forebay.kernel.ids import DatasetId, Offset, PartitionId
from forebay.lake.batches import Batch, BatchQuery, Status
from forebay.lake.ledger_memory import MemoryLedger
from forebay.lake.memory import MemoryTables
from forebay.lake.ports import TableId
from forebay.log.ports import LogRecord, NotInLog
from forebay.processing.checkpoint import Checkpoint
from forebay.processing.identifiers.entries import Entries
from forebay.processing.identifiers.memory import MemoryIndex
from forebay.processing.identifiers.ports import IdentifiersUnavailable
from forebay.processing.worker import Worker
from support.clocks import ManualClock
from support.processing import (
    EVENT_DOCUMENT,
    EVENTS,
    EVENTS_TABLE,
    FAILED_TABLE,
    PARTITION,
    RECEIVED_MS,
    SANDBOX,
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

TWO = PartitionId(2)
WINDOW_MS = 24 * 3_600_000
OTHERS = DatasetId("0" * 23 + "3")
OTHERS_TABLE = TableId(SANDBOX, OTHERS)
DOCUMENTS = {
    EVENTS: EVENT_DOCUMENT,
    OTHERS: EVENT_DOCUMENT,
    VISITS: an_object(("_id",), _id=STRING),
}


def another(number: int) -> dict[str, Any]:
    return {**an_event(number), "eventType": "other"}


class BreakableIndex(MemoryIndex):
    """An index that is unavailable when it is told to be."""

    is_broken = False

    def claim(self, claims: Entries) -> Any:
        self._refuse()
        return super().claim(claims)

    def release(self, claims: Entries) -> int:
        self._refuse()
        return super().release(claims)

    def commit(self) -> None:
        self._refuse()
        super().commit()

    def _refuse(self) -> None:
        if self.is_broken:
            raise IdentifiersUnavailable("disk is full")


class EndedError(Exception):
    """A life ends here."""


def ending_at(end: str) -> Callable[[str], None]:
    def on_step(step: str) -> None:
        errors = [EndedError(step)] * (step == end)
        for error in errors:
            raise error

    return on_step


class ShortLog(ListLog):
    """A log that has dropped its beginning."""

    first = 0

    def read(self, partition: PartitionId, start: Offset, *, bytes_max: int) -> list[LogRecord]:
        if start < self.first:
            raise NotInLog(f"{start} was dropped")
        return super().read(partition, start, bytes_max=bytes_max)


class Bench:
    """Lives of a worker with an index, between a log and tables that outlive it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "checkpoint.json"
        self.log = ShortLog()
        self.tables = MemoryTables()
        self.ledger = MemoryLedger()
        self.index = BreakableIndex(window_ms=WINDOW_MS)
        self.clock = ManualClock()
        self.documents: dict[str, Any] = dict(DOCUMENTS)
        self.start()

    def start(self, on_step: Callable[[str], None] = lambda _: None) -> None:
        self.index.discard()
        self.checkpoint = Checkpoint(self.path)
        self.directory = Directory(self.documents, unique={EVENTS, OTHERS})
        self.worker = Worker(
            self.log,
            self.directory,
            self.tables,
            self.checkpoint,
            self.clock,
            ledger=self.ledger,
            identifiers=self.index,
            on_step=on_step,
        )

    def send(
        self, *entities: Any, dataset: str = EVENTS, partition: PartitionId = PARTITION
    ) -> None:
        self.log.append(a_batch([a_message(entity, dataset) for entity in entities]), partition)

    def turn(self) -> None:
        self.worker.poll()
        self.worker.flush()

    def retry(self) -> None:
        self.clock.advance(3_600_000)
        self.worker._retry_held()
        self.turn()

    def rows(self, table: TableId = EVENTS_TABLE) -> list[tuple[int, int, int]]:
        return [
            (r["_ingest"]["partition"], r["_ingest"]["offset"], r["_ingest"]["index"])
            for r in self.tables.rows.get(table, [])
        ]

    def failed(self) -> list[tuple[str, int, int]]:
        return [
            (r["stage"], r["offset"], r["index"]) for r in self.tables.rows.get(FAILED_TABLE, [])
        ]

    def batch(self, status: Status = Status.SUCCESS) -> Batch:
        batches = self.ledger.list_batches(SANDBOX, BatchQuery(statuses=(status,)))
        return max(batches, key=lambda batch: batch.snapshot_id or 0)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_same_event_twice_in_a_flush_is_one_row(bench: Bench) -> None:
    bench.send(an_event(1), an_event(2), an_event(1))

    bench.turn()

    assert bench.rows() == [(1, 0, 0), (1, 0, 1)]
    assert bench.failed() == []


def test_same_event_in_a_later_flush_and_in_another_partition_is_no_row(bench: Bench) -> None:
    bench.send(an_event(1))
    bench.turn()
    bench.send(an_event(1), an_event(2))
    bench.send(an_event(1), an_event(2), partition=TWO)
    bench.turn()

    assert bench.rows() == [(1, 0, 0), (1, 1, 1)]


def test_batch_says_how_many_duplicates_it_had(bench: Bench) -> None:
    bench.send(an_event(1), an_event(1), another(1), {**an_event(3), "unknown": 1})

    bench.turn()

    good, failed = bench.batch(), bench.batch(Status.FAILURE)
    assert (good.input_records, good.output_records, good.duplicate_records) == (2, 1, 1)
    assert failed.failed_by_stage == {"duplicate": 1, "validation": 1}
    assert [error.code for error in failed.errors if error.code == "ID_CONFLICT"]


def test_flush_of_duplicates_only_moves_marks_and_checkpoint(bench: Bench) -> None:
    bench.send(an_event(1))
    bench.turn()
    bench.send(an_event(1))
    bench.turn()

    position = bench.checkpoint.find(PARTITION)
    assert bench.rows() == [(1, 0, 0)]
    assert position is not None
    assert (position.next, bench.tables.marks(EVENTS_TABLE)[PARTITION].next) == (2, 2)
    assert (bench.batch().output_records, bench.batch().duplicate_records) == (0, 1)


def test_same_content_written_otherwise_is_a_duplicate(bench: Bench) -> None:
    event = an_event(1)
    spaced = json.encode(a_message(dict(reversed(event.items())))).replace(b'":', b'" : ')
    bench.send(event)
    bench.log.append(a_single(spaced))

    bench.turn()

    assert bench.rows() == [(1, 0, 0)]
    assert bench.failed() == []


def test_other_content_is_a_failed_record_that_names_the_first(bench: Bench) -> None:
    bench.send(an_event(1), an_event(2))
    bench.turn()
    bench.send(an_event(3), another(2))
    bench.turn()

    (failed,) = bench.tables.rows[FAILED_TABLE]
    assert bench.rows() == [(1, 0, 0), (1, 0, 1), (1, 1, 0)]
    assert bench.failed() == [("duplicate", 1, 1)]
    assert failed["message"] == (
        f"ID_CONFLICT: _id {an_event(2)['_id']!r} was received before as {RECEIVED_MS}:0001:0:1, "
        "with other content"
    )


def test_other_bytes_are_a_conflict_once_the_log_has_dropped_the_first(bench: Bench) -> None:
    bench.send(an_event(1))
    bench.turn()
    bench.send(dict(reversed(an_event(1).items())))
    bench.log.first = 1
    bench.turn()

    assert bench.failed() == [("duplicate", 1, 0)]
    assert "no longer in the log" in bench.tables.rows[FAILED_TABLE][0]["message"]


def test_window_ends(bench: Bench) -> None:
    payload = {"messages": [a_message(an_event(1))]}
    for received_ms in (RECEIVED_MS, RECEIVED_MS + WINDOW_MS - 1, RECEIVED_MS + WINDOW_MS):
        bench.log.append(a_batch(payload["messages"], received_ms=received_ms))

    bench.turn()

    assert bench.rows() == [(1, 0, 0), (1, 2, 0)]


def test_datasets_have_ids_of_their_own_and_records_have_none(bench: Bench) -> None:
    bench.send(an_event(1))
    bench.send(an_event(1), dataset=OTHERS)
    bench.send({"_id": "v"}, {"_id": "v"}, dataset=VISITS)

    bench.turn()

    assert bench.rows(OTHERS_TABLE) == [(1, 1, 0)]
    assert bench.rows(VISITS_TABLE) == [(1, 2, 0), (1, 2, 1)]


def test_failed_record_leaves_its_id_to_the_one_that_repairs_it(bench: Bench) -> None:
    bench.send({**an_event(1), "unknown": 1})
    bench.turn()
    bench.send(an_event(1))
    bench.turn()

    assert bench.failed() == [("validation", 0, 0)]
    assert bench.rows() == [(1, 1, 0)]


def test_record_that_fails_on_second_reading_gives_its_id_back(bench: Bench) -> None:
    bench.documents[EVENTS] = an_object(
        ("_id",), **{**EVENT_DOCUMENT["properties"], "unknown": STRING}
    )
    bench.start(ending_at("identifiers committed"))
    bench.send({**an_event(1), "unknown": "u"})
    with pytest.raises(EndedError):
        bench.turn()

    bench.documents[EVENTS] = EVENT_DOCUMENT
    bench.start()
    bench.send(an_event(1))
    bench.turn()

    assert bench.failed() == [("validation", 0, 0)]
    assert bench.rows() == [(1, 1, 0)]


def test_rows_of_a_forgotten_index_claim_their_ids_again(bench: Bench) -> None:
    bench.send(an_event(1))
    bench.turn()
    bench.index = BreakableIndex(window_ms=WINDOW_MS)
    bench.path.unlink()

    bench.start()
    bench.send(an_event(1))
    bench.turn()

    assert bench.rows() == [(1, 0, 0)]


def test_without_identifiers_nothing_is_stored_that_needs_them(bench: Bench) -> None:
    bench.index.is_broken = True
    bench.send(an_event(1), {**an_event(2), "unknown": 1})
    bench.send({"_id": "v"}, dataset=VISITS)
    bench.turn()
    before = bench.rows(), bench.rows(VISITS_TABLE), bench.failed(), bench.checkpoint.positions()

    bench.index.is_broken = False
    bench.retry()

    assert before == ([], [(1, 1, 0)], [], {})
    assert bench.rows() == [(1, 0, 0)]
    assert bench.rows(VISITS_TABLE) == [(1, 1, 0)]
    assert bench.failed() == [("validation", 0, 1)]


def test_lost_checkpoint_changes_no_verdict(bench: Bench) -> None:
    bench.send(an_event(1), another(1), an_event(1))
    bench.send(an_event(1), another(2), partition=TWO)
    bench.turn()
    before = bench.rows(), bench.failed()
    bench.path.unlink()

    bench.start()
    bench.turn()

    assert (bench.rows(), bench.failed()) == before


def test_ids_go_when_no_record_to_come_can_meet_them(bench: Bench) -> None:
    bench.send(an_event(1))
    bench.turn()
    late = RECEIVED_MS + WINDOW_MS + 3 * 3_600_000
    bench.log.append(a_batch([a_message(an_event(2))], received_ms=late))
    bench.turn()

    assert sum(map(len, bench.index._entries.values())) == 1
