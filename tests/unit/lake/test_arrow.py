"""What goes in as JSON comes out of the lake as the same values."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forebay.kernel import json
from forebay.lake import arrow
from forebay.lake.arrow import prepare
from forebay.lake.iceberg import IcebergTables
from forebay.lake.ports import Rows, TableId, table_fields
from forebay.lake.query import query
from forebay.lake.types import has_ambiguous_names
from forebay.xdm.fields import ArrayOf, Field, FieldType, MapOf, Object, Scalar, ScalarKind
from support.lake import ONE, PERSON, an_origin, fields, mark, rows_of

Json = Any

TEXT = st.text(max_size=8)
NAMES = (st.text("abcXYZ019_-@", min_size=1, max_size=6) | st.text(min_size=1, max_size=6)).filter(
    lambda name: name != "_ingest" and "\0" not in name
)
LEAVES: dict[ScalarKind, st.SearchStrategy[Json]] = {
    ScalarKind.STRING: TEXT,
    ScalarKind.BOOLEAN: st.booleans(),
    ScalarKind.BYTE: st.integers(-128, 127),
    ScalarKind.SHORT: st.integers(-(2**15), 2**15),
    ScalarKind.INT: st.integers(-(2**31), 2**31 - 1),
    ScalarKind.LONG: st.integers(-(2**63), 2**63 - 1),
    ScalarKind.NUMBER: st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(-(2**53), 2**53),
    ScalarKind.DATE: st.dates().map(date.isoformat),
    ScalarKind.DATE_TIME: st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat),
    ScalarKind.JSON: st.recursive(
        st.booleans() | st.integers(-(2**70), 2**70) | TEXT,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
        max_leaves=4,
    ),
}


def scalars() -> st.SearchStrategy[FieldType]:
    return st.sampled_from(ScalarKind).map(Scalar)


def objects(inner: st.SearchStrategy[FieldType], min_size: int = 0) -> st.SearchStrategy[Object]:
    return st.lists(
        st.builds(Field, name=NAMES, type=inner),
        min_size=min_size,
        max_size=4,
        unique_by=lambda field: field.name,
    ).map(lambda found: Object(tuple(found)))


KINDS = st.recursive(
    scalars(),
    lambda inner: inner.map(ArrayOf) | inner.map(MapOf) | objects(inner),
    max_leaves=6,
)


def values(kind: FieldType) -> st.SearchStrategy[Json]:
    match kind:
        case Scalar():
            return LEAVES[kind.kind]
        case ArrayOf():
            return st.lists(values(kind.item), max_size=3)
        case MapOf():
            return st.dictionaries(TEXT, values(kind.value), max_size=3)
        case Object():
            members = {field.name: values(field.type) for field in kind.fields}
            return st.fixed_dictionaries({}, optional=members)


def plain(value: Json) -> Json:
    return value


READ_AS: dict[ScalarKind, Callable[[Json], Json]] = {
    ScalarKind.DATE: date.fromisoformat,
    ScalarKind.DATE_TIME: datetime.fromisoformat,
}


def expected(kind: FieldType, value: Json) -> Json:
    """Return what a column holds for a JSON value: a missing member is null."""
    if value is None:
        return None
    match kind:
        case Scalar():
            return READ_AS.get(kind.kind, plain)(value)
        case ArrayOf():
            return [expected(kind.item, item) for item in value]
        case MapOf():
            return {name: expected(kind.value, item) for name, item in value.items()}
        case Object(fields=()):
            return {"_empty": None}
        case Object():
            return {f.name: expected(f.type, value.get(f.name)) for f in kind.fields}


def found(kind: FieldType, value: Json) -> Json:
    """Return a column's value in the form of `expected`."""
    if value is None:
        return None
    match kind:
        case Scalar(kind=ScalarKind.JSON):
            return json.decode(value)
        case Scalar() | Object(fields=()):
            return value
        case ArrayOf():
            return [found(kind.item, item) for item in value]
        case MapOf():
            return {name: found(kind.value, item) for name, item in dict(value).items()}
        case Object():
            return {f.name: found(f.type, value[f.name]) for f in kind.fields}


RECORDS = objects(KINDS, min_size=1).flatmap(
    lambda schema: st.tuples(st.just(schema), st.lists(values(schema), min_size=1, max_size=4))
)


@given(RECORDS)
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_both_ways_keep_every_value(
    tmp_path_factory: pytest.TempPathFactory, case: tuple[Object, list[Json]]
) -> None:
    schema, records = case
    wanted = [expected(schema, record) for record in records]
    entities = [json.encode(record) for record in records]

    prepared = prepare(schema, rows_of(entities), spool=tmp_path_factory.getbasetemp())
    strict, refusals = arrow._strictly(schema, entities)

    assert (list(prepared.refusals), refusals) == ([], [])
    assert [found(schema, row) for row in prepared.table.to_pylist()] == wanted
    assert [found(schema, row) for row in strict.to_pylist()] == wanted


def blurred(kind: FieldType, value: Json) -> Json:
    """
    Return a value without the difference between no list (or map) and an empty one.

    PyIceberg's reader makes empty lists of missing ones if their items are structs; the files
    are right, as DuckDB shows.
    """
    match kind:
        case ArrayOf():
            return [blurred(kind.item, item) for item in value or []]
        case MapOf():
            return {name: blurred(kind.value, item) for name, item in (value or {}).items()}
        case Object(fields=(_, *_)) if value is not None:
            return {f.name: blurred(f.type, value[f.name]) for f in kind.fields}
        case _:
            return value


_number = count()

READABLE = RECORDS.filter(lambda case: not has_ambiguous_names(case[0]) and is_plain(case[0]))


def is_plain(kind: FieldType) -> bool:
    """Say whether all names are such as schemas may have."""
    match kind:
        case Scalar():
            return True
        case ArrayOf():
            return is_plain(kind.item)
        case MapOf():
            return is_plain(kind.value)
        case Object():
            return all(
                re.fullmatch(r"[A-Za-z0-9_@-]+", field.name) and is_plain(field.type)
                for field in kind.fields
            )


@given(READABLE)
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_is_written_is_read_back_by_iceberg_and_duckdb(
    lake: IcebergTables, case: tuple[Object, list[Json]]
) -> None:
    schema, records = case
    wanted = [expected(schema, record) for record in records]
    table = TableId("sandbox", f"t{next(_number)}")
    columns = table_fields(schema)

    lake.ensure(table, columns)
    lake.append(table, lake.prepare(columns, rows_of(records)), {ONE: mark(1)})

    stored = lake._load(table).scan().to_arrow().to_pylist()
    assert [blurred(schema, found(schema, row)) for row in stored] == [
        blurred(schema, row) for row in wanted
    ]
    with query(lake._path, {"t": table}, "SELECT * EXCLUDE (_ingest) FROM t") as result:
        rows = [dict(zip(result.columns, row, strict=True)) for row in result.rows()]
    assert [found(schema, row) for row in rows] == wanted


def test_duckdb_reads_what_was_written(lake: IcebergTables) -> None:
    record = {
        "_id": 'a"\\\u0000\u2028😀',
        "age": -(2**31),
        "visits": 2**63 - 1,
        "score": 0.30000000000000004,
        "isMember": False,
        "born": "0001-01-01",
        "seen": "1969-12-31T23:59:59.999999+00:00",
        "extra": {"b": [1, 2.5, None], "a": 2**70},
        "emails": [{"address": ""}, {}],
        "identityMap": {"": [], "ECID": [{"id": "1"}]},
        "home": {"place": {}},
    }
    table = TableId("sandbox", "people")
    columns = table_fields(PERSON)
    lake.ensure(table, columns)
    lake.append(table, lake.prepare(columns, rows_of([record])), {ONE: mark(1)})

    with query(lake._path, {"People": table}, "SELECT * EXCLUDE (_ingest) FROM people") as result:
        rows = [dict(zip(result.columns, row, strict=True)) for row in result.rows()]

    assert [found(PERSON, row) for row in rows] == [expected(PERSON, record)]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> IcebergTables:
    return IcebergTables(tmp_path_factory.mktemp("lake"))


def test_record_over_several_lines_is_one_row(tmp_path: Path) -> None:
    entity = b'{\r\n  "_id": "a\\nb",\n\t"score": 1E2\n}'

    prepared = prepare(PERSON, rows_of([b'{"_id": "x"}', entity]), spool=tmp_path)

    rows = prepared.table.to_pylist()
    assert [row["_id"] for row in rows] == ["x", "a\nb"]
    assert rows[1]["score"] == 100.0


def test_members_that_differ_in_case_are_kept_apart(tmp_path: Path) -> None:
    columns = fields(id="string", ID="string")

    prepared = prepare(columns, rows_of([{"id": "a", "ID": "b"}]), spool=tmp_path)

    assert prepared.table.to_pylist() == [{"id": "a", "ID": "b"}]


def test_times_are_cut_to_microseconds_and_kept_in_utc(tmp_path: Path) -> None:
    entities = [
        {"seen": "2024-02-29T01:02:03.1234569+05:30"},
        {"seen": "1969-12-31T23:59:59.9999999Z"},
        {"seen": "2024-02-29T24:00:00Z"},
    ]
    encoded = [json.encode(entity) for entity in entities]

    fast = prepare(PERSON, rows_of(encoded), spool=tmp_path).table.column("seen").to_pylist()
    strict = arrow._strictly(PERSON, encoded)[0].column("seen").to_pylist()

    wanted = [
        datetime(2024, 2, 28, 19, 32, 3, 123456, UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999999, UTC),
        datetime(2024, 3, 1, tzinfo=UTC),
    ]
    assert fast == wanted
    assert strict == wanted


def test_poison_among_ten_thousand_is_the_only_one_refused(tmp_path: Path) -> None:
    entities = [b'{"_id": "%d"}' % number for number in range(10_000)]
    entities[5_000] = b'{"_id": "x", "_id": "y"}'

    prepared = prepare(table_fields(PERSON), rows_of(entities), spool=tmp_path)

    assert [refusal.row for refusal in prepared.refusals] == [5_000]
    assert prepared.row_count == 9_999
    ids = prepared.table.column("_id").to_pylist()
    indexes = [row["index"] for row in prepared.table.column("_ingest").to_pylist()]
    assert ids == [str(index) for index in indexes]


def test_rows_of_several_chunks_keep_their_order_and_origin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrow, "CHUNK_ROWS_MAX", 7)
    rows = Rows()
    for number in range(50):
        rows.entities.append(b'{"_id": "%d"}' % number)
        rows.indexes.append(number % 5)
        rows.origins.append(an_origin(number // 5, is_batch=number >= 25))
    rows.origins = [rows.origins[number // 5 * 5] for number in range(50)]

    table = prepare(table_fields(PERSON), rows, spool=tmp_path).table

    ingest = table.column("_ingest").to_pylist()
    assert table.column("_id").to_pylist() == [str(number) for number in range(50)]
    assert [row["offset"] for row in ingest] == [number // 5 for number in range(50)]
    assert ingest[0]["xactionId"] == "1795000000123:0001:0"
    assert ingest[49]["xactionId"] == "1795000000123:0001:9:4"
    assert ingest[0]["receivedAt"] == datetime.fromtimestamp(1_795_000_000.123, UTC)


def test_no_rows_make_an_empty_table(tmp_path: Path) -> None:
    prepared = prepare(table_fields(PERSON), Rows(), spool=tmp_path)

    assert prepared.row_count == 0


def test_spool_is_empty_afterwards(tmp_path: Path) -> None:
    prepare(PERSON, rows_of([{"_id": "a"}]), spool=tmp_path)

    assert list(tmp_path.iterdir()) == []


PLACE = Object(
    (Field("POIID", Scalar(ScalarKind.STRING)), Field("poiID", Scalar(ScalarKind.INT))),
)
VISIT = Object(
    (
        Field("_id", Scalar(ScalarKind.STRING)),
        Field("where", Object((Field("place", PLACE), Field("n", Scalar(ScalarKind.INT))))),
        Field("places", ArrayOf(PLACE)),
        Field("named", MapOf(PLACE)),
    )
)


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"where": {"n": 1}},
        {"where": {"place": {"POIID": "a", "poiID": 1}}},
        {"places": [{"POIID": 'a"b'}, {"poiID": 2}]},
        {"places": []},
        {"named": {"x": {"poiID": 3}, "y": {}}},
    ],
)
def test_members_that_differ_in_case_keep_their_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, members: Json
) -> None:
    records = [{"_id": "1"}, {"_id": "2"} | members, {"_id": "3"}]
    monkeypatch.setattr(arrow, "_strictly", None)  # the fast way is to be enough

    prepared = prepare(VISIT, rows_of(records), spool=tmp_path)

    assert prepared.refusals == ()
    rows = [found(VISIT, row) for row in prepared.table.to_pylist()]
    assert rows == [expected(VISIT, record) for record in records]


def test_a_value_that_does_not_fit_among_them_is_refused_alone(tmp_path: Path) -> None:
    records = [{"_id": "1"}, {"_id": "2", "places": [{"poiID": 2**40}]}]

    prepared = prepare(VISIT, rows_of(records), spool=tmp_path)

    assert [refusal.row for refusal in prepared.refusals] == [1]
    assert prepared.row_count == 1
