"""The laws of `lake.batches.BatchLedger`, for every adapter."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from forebay.lake.batches import Batch, BatchFile, BatchLedger, BatchQuery, Order, Status
from forebay.lake.ledger import SqliteLedger
from forebay.lake.ledger_memory import MemoryLedger

SANDBOX, OTHER = "sandbox", "other"


@pytest.fixture(params=["sqlite", "memory"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BatchLedger]:
    adapters: dict[str, Callable[[], BatchLedger]] = {
        "sqlite": lambda: SqliteLedger(tmp_path / "lake"),
        "memory": MemoryLedger,
    }
    ledger = adapters[request.param]()
    yield ledger
    ledger.close()


def a_batch(name: str, *, started_ms: int = 1, **given: object) -> Batch:
    members = {"sandbox_id": SANDBOX, "dataset_id": "d1", "completed_ms": started_ms + 1, **given}
    return Batch(batch_id=name, started_ms=started_ms, **members)


def names(batches: list[Batch]) -> list[str]:
    return [batch.batch_id for batch in batches]


def test_batch_is_found_as_it_was_recorded(ledger: BatchLedger) -> None:
    batch = a_batch("a", files=(BatchFile("x/y.parquet", 3, 400),), flow_ids=("f",))

    ledger.record([batch])

    assert ledger.find(SANDBOX, "a") == batch
    assert ledger.has("a")


def test_batch_of_another_sandbox_is_not_found(ledger: BatchLedger) -> None:
    ledger.record([a_batch("a", sandbox_id=OTHER)])

    assert ledger.find(SANDBOX, "a") is None
    assert ledger.list_batches(SANDBOX, BatchQuery()) == []
    assert ledger.last(SANDBOX, "d1") is None


def test_batch_is_recorded_once(ledger: BatchLedger) -> None:
    ledger.record([a_batch("a", input_records=1)])

    ledger.record([a_batch("a", input_records=2), a_batch("b")])

    found = ledger.list_batches(SANDBOX, BatchQuery())
    assert [(batch.batch_id, batch.input_records) for batch in found] == [("a", 1), ("b", 0)]


def test_nothing_to_record_is_no_error(ledger: BatchLedger) -> None:
    ledger.record([])

    assert ledger.list_batches(SANDBOX, BatchQuery()) == []


def test_listing_is_filtered(ledger: BatchLedger) -> None:
    ledger.record(
        [
            a_batch("a", started_ms=10),
            a_batch("b", started_ms=20, status=Status.FAILURE),
            a_batch("c", started_ms=30, dataset_id="d2"),
        ]
    )

    def listed(**wanted: object) -> list[str]:
        return names(ledger.list_batches(SANDBOX, BatchQuery(**wanted)))

    assert listed() == ["a", "b", "c"]
    assert listed(statuses=(Status.FAILURE,)) == ["b"]
    assert listed(dataset_ids=("d1",)) == ["a", "b"]
    assert listed(batch_ids=("c", "a")) == ["a", "c"]
    assert listed(started_after_ms=10, started_before_ms=30) == ["b"]
    assert listed(completed_after_ms=11) == ["b", "c"]
    assert listed(completed_before_ms=21) == ["a"]


def test_listing_is_ordered_and_paged(ledger: BatchLedger) -> None:
    ledger.record(
        [a_batch(name, input_records=size) for name, size in zip("abc", (2, 3, 2), strict=True)]
    )

    by_size = BatchQuery(order=((Order.INPUT, True),), limit=2)
    by_id = BatchQuery(order=((Order.ID, True),), start=1)

    assert names(ledger.list_batches(SANDBOX, by_size)) == ["b", "a"]
    assert names(ledger.list_batches(SANDBOX, by_id)) == ["b", "a"]


def test_last_batches_of_a_dataset_are_the_newest_of_each_fate(ledger: BatchLedger) -> None:
    ledger.record(
        [
            a_batch("a", started_ms=10),
            a_batch("b", started_ms=20),
            a_batch("c", started_ms=30, status=Status.FAILURE),
        ]
    )

    last = ledger.last(SANDBOX, "d1")

    assert last is not None
    assert last.last.batch_id == "c"
    assert last.successful is not None
    assert last.successful.batch_id == "b"
    assert last.failed is not None
    assert last.failed.batch_id == "c"
    assert ledger.last(SANDBOX, "d2") is None


def test_sqlite_ledger_survives_its_process(tmp_path: Path) -> None:
    first = SqliteLedger(tmp_path)
    first.record([a_batch("a")])
    first.close()

    second = SqliteLedger(tmp_path)

    assert second.has("a")
    second.close()
