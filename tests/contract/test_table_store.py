"""The laws of `lake.ports.TableStore`, for every adapter."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from forebay.kernel import json
from forebay.lake.batches import Batch, completed
from forebay.lake.failed_records import FIELDS
from forebay.lake.iceberg import IcebergTables
from forebay.lake.memory import MemoryTables
from forebay.lake.ports import (
    FAILED_RECORDS,
    Address,
    FieldsConflict,
    MarkBehind,
    Rows,
    TableId,
    TableStore,
    table_fields,
)
from forebay.xdm.fields import ArrayOf
from support.lake import ONE, OTHER_TABLE, PERSON, TABLE, TWO, fields, mark, rows_of

FAILED = TableId(TABLE.sandbox_id, FAILED_RECORDS)

Content = Callable[[TableId], list[dict[str, Any]]]


@pytest.fixture(params=["iceberg", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TableStore]:
    adapters: dict[str, Callable[[], TableStore]] = {
        "iceberg": lambda: IcebergTables(tmp_path / "lake"),
        "memory": MemoryTables,
    }
    store = adapters[request.param]()
    yield store
    store.close()


@pytest.fixture
def content(store: TableStore) -> Content:
    readers: dict[type, Content] = {
        IcebergTables: lambda table: store._load(table).scan().to_arrow().to_pylist(),
        MemoryTables: lambda table: store.rows[table],
    }
    return readers[type(store)]


def append(store: TableStore, table: TableId, rows: Rows, **marks: Any) -> None:
    columns = table_fields(PERSON)
    store.ensure(table, columns)
    store.append(table, store.prepare(columns, rows), {ONE: mark(**marks)})


def test_missing_table_has_no_marks(store: TableStore) -> None:
    assert store.marks(TABLE) == {}


def test_new_table_has_no_marks(store: TableStore) -> None:
    store.ensure(TABLE, PERSON)

    assert store.marks(TABLE) == {}


def test_append_stores_rows_and_marks(store: TableStore, content: Content) -> None:
    append(store, TABLE, rows_of([{"_id": "a", "age": 7}]), following=1)

    row = content(TABLE)[0]
    assert (row["_id"], row["age"], row["visits"]) == ("a", 7, None)
    assert row["_ingest"]["xactionId"] == "1795000000123:0001:0:0"
    assert store.marks(TABLE) == {ONE: mark(1)}


def test_marks_of_other_partitions_are_carried_on(store: TableStore) -> None:
    append(store, TABLE, rows_of([{"_id": "a"}]), following=3)

    prepared = store.prepare(table_fields(PERSON), rows_of([{"_id": "b"}]))
    store.append(TABLE, prepared, {TWO: mark(9, "2e")})

    assert store.marks(TABLE) == {ONE: mark(3), TWO: mark(9, "2e")}


def test_mark_that_goes_back_is_refused_and_nothing_is_stored(
    store: TableStore, content: Content
) -> None:
    append(store, TABLE, rows_of([{"_id": "a"}]), following=3)

    with pytest.raises(MarkBehind, match="3"):
        append(store, TABLE, rows_of([{"_id": "b"}]), following=2)

    assert [row["_id"] for row in content(TABLE)] == ["a"]


def test_mark_of_a_new_log_may_start_again(store: TableStore) -> None:
    append(store, TABLE, rows_of([{"_id": "a"}]), following=3)

    append(store, TABLE, rows_of([{"_id": "b"}]), following=1, log_id="new")

    assert store.marks(TABLE) == {ONE: mark(1, "new")}


def test_append_without_rows_moves_the_marks(store: TableStore) -> None:
    append(store, TABLE, rows_of([{"_id": "a"}]), following=1)

    append(store, TABLE, Rows(), following=5)

    assert store.marks(TABLE) == {ONE: mark(5)}


def test_tables_do_not_share_marks(store: TableStore) -> None:
    append(store, TABLE, rows_of([{"_id": "a"}]), following=1)

    assert store.marks(OTHER_TABLE) == {}


def test_row_that_does_not_fit_is_refused_and_its_neighbours_stay(
    store: TableStore, content: Content
) -> None:
    rows = rows_of([{"_id": "a"}, {"_id": "b", "age": 2**40}, {"_id": "c"}])
    prepared = store.prepare(table_fields(PERSON), rows)
    store.ensure(TABLE, table_fields(PERSON))
    store.append(TABLE, prepared, {ONE: mark(1)})

    assert [refusal.row for refusal in prepared.refusals] == [1]
    assert "age" in prepared.refusals[0].reason
    assert "1099511627776" in prepared.refusals[0].reason
    stored = content(TABLE)
    assert [row["_id"] for row in stored] == ["a", "c"]
    assert [row["_ingest"]["index"] for row in stored] == [0, 2]


def test_rows_can_be_left_out_after_they_are_prepared(store: TableStore, content: Content) -> None:
    people = [
        {"_id": str(n), "emails": [{"address": f"{n}"}], "identityMap": {"ECID": [{"id": f"{n}"}]}}
        for n in range(6)
    ]
    people[1]["age"] = 2**40
    prepared = store.prepare(table_fields(PERSON), rows_of(people))
    store.ensure(TABLE, table_fields(PERSON))

    left = prepared.without({0, 3, 4})
    store.append(TABLE, left, {ONE: mark(1)})

    stored = content(TABLE)
    assert (left.row_count, prepared.row_count) == (2, 5)
    assert [refusal.row for refusal in left.refusals] == [1]
    assert [(row["_id"], row["_ingest"]["index"]) for row in stored] == [("2", 2), ("5", 5)]
    assert [row["emails"][0]["address"] for row in stored] == ["2", "5"]


@pytest.mark.parametrize(
    "entity",
    [
        b'{"_id": "a", "_id": "b"}',
        b'{"_id": "a", "\\u005fid": "b"}',
        b'{"identityMap": {"ECID": [], "ECID": []}}',
        b'{"score": 9007199254740993}',
        b'{"visits": 9223372036854775808}',
        b'{"born": "2023-02-29"}',
        b'{"born": "0000-01-01"}',
        b'{"seen": "2024-02-29T23:59:60Z"}',
        b'{"seen": "9999-12-31T23:59:59-01:00"}',
        b'{"seen": "0001-01-01T00:00:00+01:00"}',
    ],
)
def test_value_that_a_column_cannot_hold_is_refused(store: TableStore, entity: bytes) -> None:
    prepared = store.prepare(PERSON, rows_of([entity, {"_id": "good"}]))

    assert [refusal.row for refusal in prepared.refusals] == [0]
    assert prepared.row_count == 1


def test_new_column_is_null_in_older_rows(store: TableStore, content: Content) -> None:
    before = fields(_id="string", home=fields(city="string"))
    after = fields(_id="string", home=fields(city="string", street="string"), nick="string")
    store.ensure(TABLE, before)
    store.append(TABLE, store.prepare(before, rows_of([{"_id": "a", "home": {}}])), {ONE: mark(1)})

    store.ensure(TABLE, after)
    entity = {"_id": "b", "nick": "bee", "home": {"street": "Elm"}}
    store.append(TABLE, store.prepare(after, rows_of([entity])), {ONE: mark(2)})

    rows = {row["_id"]: row for row in content(TABLE)}
    assert rows["a"].get("nick") is None
    assert rows["b"]["nick"] == "bee"
    assert rows["b"]["home"] == {"city": None, "street": "Elm"}


def test_rows_with_fewer_columns_than_the_table_are_taken(
    store: TableStore, content: Content
) -> None:
    store.ensure(TABLE, fields(_id="string", age="int"))

    narrow = fields(_id="string")
    store.append(TABLE, store.prepare(narrow, rows_of([{"_id": "a"}])), {ONE: mark(1)})

    assert [row["_id"] for row in content(TABLE)] == ["a"]


def test_column_of_another_type_is_a_conflict(store: TableStore) -> None:
    columns = fields(tags=ArrayOf(fields(name="string")))
    store.ensure(TABLE, columns)
    store.append(TABLE, store.prepare(columns, rows_of([{"tags": []}])), {ONE: mark(1)})

    with pytest.raises(FieldsConflict):
        store.ensure(TABLE, fields(tags="string"))


def test_column_of_an_empty_table_may_change_its_type(store: TableStore, content: Content) -> None:
    before, after = fields(_id="string", tags="int"), fields(_id="string", tags=fields(a="string"))
    store.ensure(TABLE, before)
    store.append(TABLE, store.prepare(before, rows_of([])), {ONE: mark(1)})

    store.ensure(TABLE, after)
    rows = rows_of([{"_id": "a", "tags": {"a": "x"}}])
    store.append(TABLE, store.prepare(after, rows), {ONE: mark(2)})

    assert [row["tags"] for row in content(TABLE)] == [{"a": "x"}]
    assert store.marks(TABLE) == {ONE: mark(2)}


def test_failed_records_are_found_by_address(store: TableStore) -> None:
    store.ensure(FAILED, FIELDS)
    records = [
        {"logId": log_id, "partition": 1, "offset": offset, "index": index}
        for log_id, offset, index in [("1f", 4, 0), ("1f", 5, 2), ("1f", 9, 0), ("old", 9, 1)]
    ]
    rows = Rows()
    rows.entities = [json.encode(record) for record in records]
    store.append(FAILED, store.prepare(FIELDS, rows), {ONE: mark(10)})

    found = store.addresses(FAILED, ONE, mark(5))

    assert found == {Address(ONE, 5, 2), Address(ONE, 9, 0)}


def test_missing_table_has_no_addresses(store: TableStore) -> None:
    assert store.addresses(FAILED, ONE, mark(0)) == set()


def test_batch_of_an_append_is_found_with_its_files(store: TableStore) -> None:
    columns = table_fields(PERSON)
    batch = Batch(
        batch_id="a",
        sandbox_id=TABLE.sandbox_id,
        dataset_id=TABLE.name,
        started_ms=1,
        completed_ms=2,
        input_records=1,
    )
    store.ensure(TABLE, columns)

    prepared = store.prepare(columns, rows_of([{"_id": "a"}]))
    appended = store.append(TABLE, prepared, {ONE: mark(1)}, batches=[batch])
    append(store, TABLE, rows_of([{"_id": "b"}]), following=2)

    assert store.batches(lambda _: False) == [
        completed(batch, appended.snapshot_id, appended.files)
    ]
    assert [file.records for file in appended.files] == [1]
    assert store.batches(lambda batch_id: batch_id == "a") == []
