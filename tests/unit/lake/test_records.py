from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.kernel import json
from forebay.lake.arrow import conform, prepare
from forebay.lake.iceberg import IcebergTables
from forebay.lake.ports import TableUnavailable, table_fields
from forebay.lake.records import SnapshotGone, open_rows, records_of
from forebay.lake.types import iceberg_schema
from forebay.xdm.fields import ArrayOf, MapOf, Object
from forebay.xdm.samples import sample
from forebay.xdm.standard import Kind
from forebay.xdm.validator import Validator
from support.lake import PERSON, TABLE, fields, rows_of
from support.xdm import (
    EVENT_IDENTITY,
    EVENT_SCHEMA,
    LIBRARY,
    NS,
    PROFILE_IDENTITY,
    PROFILE_SCHEMA,
    a_document,
)

EVENT_CLASS = f"{NS}xdm/context/experienceevent"


def through_the_lake(kinds: Object, entities: list[bytes], spool: Path) -> list[dict[str, Any]]:
    """Return records as they come back from columns like those of a table."""
    prepared = prepare(kinds, rows_of(entities), spool=spool)
    assert not prepared.refusals
    stored = conform(prepared.table, iceberg_schema(kinds).as_struct())
    return records_of(kinds, stored)


@pytest.fixture(scope="module")
def spool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("spool")


@pytest.fixture
def tables(tmp_path: Path) -> Iterator[IcebergTables]:
    opened = IcebergTables(tmp_path / "lake")
    yield opened
    opened.close()


def store(tables: IcebergTables, kinds: Object, entities: list[Any]) -> None:
    tables.ensure(TABLE, table_fields(kinds))
    tables.append(TABLE, tables.prepare(table_fields(kinds), rows_of(entities)), {})


def some_schemas() -> dict[str, dict[str, Any]]:
    """Return the validation documents of the walk-throughs, and of many event field groups."""
    groups = [
        group["$id"]
        for group in LIBRARY.list(Kind.FIELD_GROUP)
        if EVENT_CLASS in group.get("meta:intendedToExtend", ())
    ]
    wide = {
        "$id": f"{NS}acme/schemas/wide",
        "title": "Wide",
        "type": "object",
        "allOf": [{"$ref": each} for each in (EVENT_CLASS, *groups[::4])],
    }
    return {
        "event": a_document(EVENT_SCHEMA, EVENT_IDENTITY),
        "profile": a_document(PROFILE_SCHEMA, PROFILE_IDENTITY),
        "wide": a_document(wide),
    }


@pytest.mark.parametrize(("name", "document"), some_schemas().items())
def test_generated_records_come_back_equal_and_valid(
    name: str, document: dict[str, Any], spool: Path
) -> None:
    validator = Validator(document)
    entities = [json.encode(sample(document, seed=seed)) for seed in range(150)]

    found = through_the_lake(validator.fields, entities, spool)

    assert found == [json.decode(entity) for entity in entities], name
    assert all(validator.validate(json.encode(record)) is None for record in found)


@pytest.mark.parametrize(
    ("record", "back"),
    [
        ({}, {}),
        ({"home": {}}, {"home": {}}),
        ({"home": {"place": {}}}, {"home": {"place": {}}}),
        ({"emails": []}, {"emails": []}),
        ({"emails": [{}, {"address": "a"}]}, {"emails": [{}, {"address": "a"}]}),
        ({"identityMap": {}}, {"identityMap": {}}),
        ({"identityMap": {"E": [], "F": [{"id": "x"}]}}, None),
        ({"score": 7.0}, {"score": 7}),
        ({"score": 0.1}, {"score": 0.1}),
        ({"score": 1e300}, {"score": 1e300}),
        ({"visits": 2**63 - 1, "age": -(2**31)}, None),
        ({"isMember": False}, None),
        ({"born": "0001-01-01"}, None),
        ({"born": "9999-12-31"}, None),
        ({"seen": "2026-01-31T12:30:00+02:00"}, {"seen": "2026-01-31T10:30:00Z"}),
        ({"seen": "0999-06-01T00:00:00.5Z"}, {"seen": "0999-06-01T00:00:00.500000Z"}),
        ({"seen": "1969-12-31T23:59:59.123456789Z"}, {"seen": "1969-12-31T23:59:59.123456Z"}),
        ({"extra": {"any": [1, None, {"x": 2**70}], "t": "é\u2028"}}, None),
        ({"extra": "text"}, None),
        ({"extra": 12}, None),
        ({"_id": "", "home": {"city": "a\u0000b"}}, None),
    ],
)
def test_every_kind_of_value_comes_back(
    record: dict[str, Any], back: dict[str, Any] | None, spool: Path
) -> None:
    (found,) = through_the_lake(PERSON, [json.encode(record)], spool)

    assert found == (record if back is None else back)


_TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5)
_RECORDS = st.fixed_dictionaries(
    {},
    optional={
        "_id": _TEXTS,
        "age": st.integers(-(2**31), 2**31 - 1),
        "visits": st.integers(-(2**63), 2**63 - 1),
        "score": st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False),
        "isMember": st.booleans(),
        "emails": st.lists(st.fixed_dictionaries({}, optional={"address": _TEXTS}), max_size=3),
        "identityMap": st.dictionaries(
            _TEXTS, st.lists(st.fixed_dictionaries({"id": _TEXTS}), max_size=2), max_size=3
        ),
        "home": st.fixed_dictionaries({}, optional={"city": _TEXTS, "place": st.just({})}),
    },
)


@given(st.lists(_RECORDS, min_size=1, max_size=6))
def test_neighbours_do_not_mix(spool: Path, records: list[dict[str, Any]]) -> None:
    found = through_the_lake(PERSON, [json.encode(record) for record in records], spool)

    assert found == records


def test_members_that_differ_only_in_case_come_back(spool: Path) -> None:
    kinds = fields(place=fields(POIID="string", poiID="string"))
    record = {"place": {"POIID": "a", "poiID": "b"}}

    assert through_the_lake(kinds, [json.encode(record)], spool) == [record]


def test_parts_of_longer_columns_come_back(spool: Path) -> None:
    kinds = fields(tags=ArrayOf(fields(n="int")), notes=MapOf(ArrayOf(fields(n="int"))))
    records = [
        {"tags": [{"n": n}] * (n % 3), "notes": {f"k{n}": [{"n": n}] * (n % 4)}} for n in range(20)
    ]
    prepared = prepare(kinds, rows_of(records), spool=spool)

    found = records_of(kinds, prepared.table.slice(7, 9))

    assert found == records[7:16]


def test_columns_that_no_field_tells_of_are_read_by_their_type(spool: Path) -> None:
    record = {"_id": "a", "age": 3, "score": 2.0, "born": "2026-01-31", "emails": [{}]}
    record |= {"seen": "2026-01-31T10:30:00Z", "identityMap": {"E": [{"id": "x"}]}}
    prepared = prepare(PERSON, rows_of([record]), spool=spool)

    assert records_of(fields(), prepared.table) == [record]


def test_a_table_is_read_from_any_row_on_in_the_same_order(
    tables: IcebergTables, tmp_path: Path
) -> None:
    for part in range(3):
        store(tables, fields(_id="string"), [{"_id": f"{part}-{n}"} for n in range(10)])
    rows = open_rows(tmp_path / "lake", TABLE, fields(_id="string"))
    every = [stored.record["_id"] for batch in rows.batches() for stored in batch]

    for start in (0, 1, 9, 10, 25, 29, 30):
        found = [
            stored.record["_id"]
            for batch in rows.batches(start=start, batch_rows=4)
            for stored in batch
        ]
        assert found == every[start:]
    assert rows.row_count == len(set(every)) == 30


def test_records_come_with_their_receipts_and_without_our_column(
    tables: IcebergTables, tmp_path: Path
) -> None:
    store(tables, fields(_id="string"), [{"_id": "a"}, {"_id": "b"}])

    rows = open_rows(tmp_path / "lake", TABLE, fields(_id="string"))

    ((first, second),) = rows.batches()
    assert first == ({"_id": "a"}, "1795000000123:0001:0:0")
    assert second == ({"_id": "b"}, "1795000000123:0001:0:1")


def test_an_older_snapshot_can_be_read(tables: IcebergTables, tmp_path: Path) -> None:
    lake, kinds = tmp_path / "lake", fields(_id="string")
    store(tables, kinds, [{"_id": "a"}])
    before = open_rows(lake, TABLE, kinds).snapshot_id
    store(tables, fields(_id="string", more="int"), [{"_id": "b", "more": 1}])

    old = open_rows(lake, TABLE, kinds, snapshot_id=before)

    assert [stored.record for batch in old.batches() for stored in batch] == [{"_id": "a"}]
    assert open_rows(lake, TABLE, kinds).row_count == 2
    with pytest.raises(SnapshotGone):
        open_rows(lake, TABLE, kinds, snapshot_id=1)


def test_rows_from_before_a_column_lack_the_member(tables: IcebergTables, tmp_path: Path) -> None:
    kinds = fields(_id="string", more=fields(n="int"))
    store(tables, fields(_id="string"), [{"_id": "a"}])
    store(tables, kinds, [{"_id": "b", "more": {"n": 1}}])

    rows = open_rows(tmp_path / "lake", TABLE, kinds)

    found = [stored.record for batch in rows.batches() for stored in batch]
    assert sorted(found, key=str) == [{"_id": "a"}, {"_id": "b", "more": {"n": 1}}]


def test_a_table_that_was_never_written_has_no_rows(tables: IcebergTables, tmp_path: Path) -> None:
    kinds = fields(_id="string")
    tables.ensure(TABLE, table_fields(kinds))

    for lake in (tmp_path / "lake", tmp_path / "nothing"):
        rows = open_rows(lake, TABLE, kinds)
        assert (rows.row_count, rows.snapshot_id, list(rows.batches())) == (0, None, [])
        with pytest.raises(SnapshotGone):
            open_rows(lake, TABLE, kinds, snapshot_id=7)


def test_a_file_that_is_gone_makes_the_table_unavailable(
    tables: IcebergTables, tmp_path: Path
) -> None:
    store(tables, fields(_id="string"), [{"_id": "a"}])
    rows = open_rows(tmp_path / "lake", TABLE, fields(_id="string"))
    for file in (tmp_path / "lake").rglob("*.parquet"):
        file.unlink()

    with pytest.raises(TableUnavailable):
        list(rows.batches())


def test_empty_columns_need_no_type() -> None:
    assert records_of(fields(), pa.table({"a": pa.nulls(2)})) == [{}, {}]
