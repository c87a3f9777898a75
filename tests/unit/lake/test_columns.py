"""Tables that grow while rows are in them: what the schemas of a dataset's life do to it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from forebay.kernel import json
from forebay.kernel.limits import JSON_DEPTH_MAX
from forebay.lake import maintenance
from forebay.lake.iceberg import IcebergTables
from forebay.lake.ports import FieldsConflict, table_fields
from forebay.lake.query import query
from forebay.lake.records import open_rows
from forebay.xdm.composition import compose
from forebay.xdm.fields import ArrayOf, Field, FieldType, MapOf, Object
from forebay.xdm.shape import fields_of
from forebay.xdm.strict import validation_document
from support.lake import ONE, TABLE, fields, mark, rows_of, scalar
from support.xdm import EVENT_IDENTITY, EVENT_SCHEMA, LIBRARY, a_validator, an_identity

Record = dict[str, Any]


class Life:
    """One table through several versions of its schema."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "lake"
        self.tables = IcebergTables(self.path)
        self.appends = 0

    def add(self, record: Object, *rows: Record) -> int:
        """Append rows as the worker does; return the snapshot."""
        columns = table_fields(record)
        self.tables.ensure(TABLE, columns)
        prepared = self.tables.prepare(columns, rows_of(rows, offset=self.appends))
        assert prepared.refusals == ()
        self.appends += 1
        self.tables.append(TABLE, prepared, {ONE: mark(self.appends)})
        return int(self.tables._load(TABLE).metadata.current_snapshot_id or 0)

    def records(self, record: Object, snapshot_id: int | None = None) -> list[Record]:
        stored = open_rows(self.path, TABLE, record, snapshot_id=snapshot_id)
        found = [row.record for batch in stored.batches() for row in batch]
        return sorted(found, key=lambda row: str(row["_id"]))

    def iceberg(self, snapshot_id: int | None = None) -> list[Record]:
        """Return the rows as PyIceberg reads them, without their origin."""
        scanned = self.tables._load(TABLE).scan(snapshot_id=snapshot_id).to_arrow()
        rows: list[Record] = scanned.drop_columns("_ingest").to_pylist()
        return sorted(rows, key=lambda row: str(row["_id"]))

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        return list(query(self.path, {"t": TABLE}, statement).rows())

    def data_files(self) -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in self.path.rglob("*.parquet")}


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    made = Life(tmp_path)
    yield made
    made.tables.close()


X = fields(x="int")
GROWN = fields(x="int", y="string")
WIDER = fields(x="long", y="string")

GROWTHS: dict[str, tuple[FieldType, FieldType, Any, Any]] = {
    "a struct": (X, GROWN, {"x": 1}, {"x": 2, "y": "z"}),
    "the element of a list": (ArrayOf(X), ArrayOf(GROWN), [{"x": 1}], [{"y": "z"}, {"x": 3}]),
    "the value of a map": (MapOf(X), MapOf(GROWN), {"k": {"x": 1}}, {"k": {"y": "z"}, "l": {}}),
    "lists in a map": (MapOf(ArrayOf(X)), MapOf(ArrayOf(GROWN)), {"k": [{"x": 1}]}, {"k": [{}]}),
    "a struct in a struct in a list": (
        ArrayOf(fields(a=X)),
        ArrayOf(fields(a=GROWN, b=MapOf(scalar("string")))),
        [{"a": {"x": 1}}],
        [{"a": {"y": "z"}, "b": {"k": "v"}}],
    ),
    "an object that had no members": (fields(), X, {}, {"x": 1}),
    "an int that becomes a long": (scalar("int"), scalar("long"), 7, 2**40),
    "an int in a list": (ArrayOf(X), ArrayOf(WIDER), [{"x": 1}], [{"x": 2**40, "y": ""}]),
    "a byte that becomes an int": (scalar("byte"), scalar("int"), 7, 2**30),
    "a map of ints": (MapOf(scalar("int")), MapOf(scalar("long")), {"a": 1}, {"a": 2**40}),
}


@pytest.mark.parametrize(("before", "after", "old", "new"), GROWTHS.values(), ids=GROWTHS)
def test_what_grows_keeps_its_old_rows_files_and_snapshots(
    life: Life, before: FieldType, after: FieldType, old: Any, new: Any
) -> None:
    narrow, wide = fields(_id="string", m=before), fields(_id="string", m=after, late="string")
    first = life.add(narrow, {"_id": "1", "m": old})
    files, then = life.data_files(), life.iceberg()

    life.add(wide, {"_id": "2", "m": new, "late": "l"}, {"_id": "3"})

    assert life.records(wide) == [
        {"_id": "1", "m": old},
        {"_id": "2", "m": new, "late": "l"},
        {"_id": "3"},
    ]
    assert files.items() <= life.data_files().items()
    assert life.iceberg(first) == then
    assert life.records(narrow, first) == [{"_id": "1", "m": old}]
    assert [row["_id"] for row in life.iceberg()] == ["1", "2", "3"]
    assert life.sql("SELECT _id, late FROM t ORDER BY 1") == [("1", None), ("2", "l"), ("3", None)]


def test_duckdb_and_iceberg_read_members_that_came_later(life: Life) -> None:
    life.add(fields(_id="string", home=X), {"_id": "1", "home": {"x": 1}})
    life.add(fields(_id="string", home=GROWN), {"_id": "2", "home": {"y": "z"}})

    rows = life.sql("SELECT _id, home.x, home.y FROM t ORDER BY 1")

    assert rows == [("1", 1, None), ("2", None, "z")]
    assert [row["home"] for row in life.iceberg()] == [{"x": 1, "y": None}, {"x": None, "y": "z"}]


def test_records_under_an_older_schema_still_fit_a_table_that_has_grown(life: Life) -> None:
    narrow = fields(_id="string", n="int")
    life.add(narrow, {"_id": "1", "n": 1})
    life.add(fields(_id="string", n="long", nick="string"), {"_id": "2", "n": 2**40})

    life.add(narrow, {"_id": "3", "n": 3})

    assert [(row["_id"], row["n"], row["nick"]) for row in life.iceberg()] == [
        ("1", 1, None),
        ("2", 2**40, None),
        ("3", 3, None),
    ]


@pytest.mark.parametrize(
    ("before", "after", "value", "said"),
    [
        (scalar("string"), X, "a", "#/m is a string and cannot become a struct"),
        (X, scalar("string"), {}, "#/m is a struct and cannot become a string"),
        (ArrayOf(X), X, [], "#/m is a list and cannot become a struct"),
        (scalar("int"), scalar("number"), 1, "#/m is an int and cannot become a double"),
        (ArrayOf(X), ArrayOf(fields(x="string")), [], "#/m/*/x is an int and cannot become a str"),
        (MapOf(X), MapOf(ArrayOf(X)), {}, "#/m/* is a struct and cannot become a list"),
        (scalar("date"), scalar("date-time"), "2026-01-01", "#/m is a date and cannot become a ti"),
    ],
)
def test_what_cannot_grow_is_named_and_the_table_stays(
    life: Life, before: FieldType, after: FieldType, value: Any, said: str
) -> None:
    life.add(fields(_id="string", m=before), {"_id": "1", "m": value})
    then = life.iceberg()

    with pytest.raises(FieldsConflict, match=said.replace("*", r"\*")):
        life.tables.ensure(TABLE, table_fields(fields(_id="string", m=after, late="string")))

    assert life.iceberg() == then
    assert "late" not in life.tables._load(TABLE).schema().column_names


@pytest.mark.parametrize(
    "members", [fields(**{"a.b": "int", "a": fields(b="int")}), fields(**{"a\0": "int"})]
)
def test_names_that_no_two_columns_can_have_are_a_conflict(life: Life, members: Object) -> None:
    with pytest.raises(FieldsConflict, match="names that no columns can have"):
        life.tables.ensure(TABLE, members)


def test_names_with_dots_dashes_blanks_and_other_case_keep_their_values(life: Life) -> None:
    names = ["a.b", "a-b", "a b", "é/ü", 'q"', "A", "a", "class", "select", "_x", "0", ""]
    record = fields(_id="string", m=fields(**dict.fromkeys(names, "int")), **dict.fromkeys("nN", X))
    row = {
        "_id": "1",
        "m": {name: number for number, name in enumerate(names)},
        "n": {"x": 1},
        "N": {"x": 2},
    }

    life.add(record, row)
    life.add(Object((*record.fields, Field(name="later.on", type=X))), {"_id": "2"})

    assert life.records(record)[0] == row


def test_columns_tell_the_facts_that_names_and_types_do_not(life: Life) -> None:
    schema = {
        "allOf": [EVENT_SCHEMA],
        "properties": {
            "mail": {"type": "string", "format": "email", "meta:status": "deprecated"},
            "code": {"type": "integer", "minimum": 0, "maximum": 9},
        },
    }
    composed = compose(schema, LIBRARY)
    plain = fields_of(validation_document(composed))
    marked = fields_of(validation_document(composed, [an_identity(EVENT_IDENTITY)]))
    life.tables.ensure(TABLE, plain)

    def doc(name: str) -> str | None:
        return life.tables._load(TABLE).schema().find_field(name).doc

    identity = EVENT_IDENTITY.strip("/").replace("/", ".")
    assert doc("_id") == "format uri-reference; @id"
    assert doc("timestamp") is None
    assert doc("mail") == "format email; deprecated"
    assert doc("code") == "byte"
    unmarked = doc(identity)

    life.tables.ensure(TABLE, marked)
    assert "identity Email, primary" in str(doc(identity))

    life.tables.ensure(TABLE, plain)
    assert doc(identity) in {unmarked, ""}


def test_every_column_may_be_null_also_required_ones(life: Life) -> None:
    required = Object((Field(name="_id", type=scalar("string"), is_required=True),))

    life.tables.ensure(TABLE, required)

    assert not life.tables._load(TABLE).schema().find_field("_id").required


def test_schemas_that_no_snapshot_has_are_forgotten_with_the_snapshots(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "SNAPSHOTS_MAX", 4)
    monkeypatch.setattr(maintenance, "SNAPSHOTS_KEPT", 2)
    for number in range(7):
        members = {f"m{n}": "int" for n in range(number)}
        life.add(fields(_id="string", **members), {"_id": str(number)})

    metadata = life.tables._load(TABLE).metadata

    assert len(metadata.schemas) <= len(metadata.snapshots) + 1
    assert [life.iceberg(s.snapshot_id)[0]["_id"] for s in metadata.snapshots]
    assert [row["_id"] for row in life.iceberg()] == list("0123456")


def test_table_with_ten_thousand_columns_takes_rows_and_grows(life: Life) -> None:
    groups = {f"g{n}": fields(**{f"m{k}": "string" for k in range(100)}) for n in range(100)}
    record = fields(_id="string", **groups)
    row = {"_id": "1", "g0": {"m0": "first"}, "g99": {"m99": "last"}}

    life.add(record, row)
    life.add(Object((*record.fields, Field(name="late", type=X))), {"_id": "2", "late": {"x": 1}})

    assert life.records(record)[0] == row
    (file, *_) = life.path.rglob("*.parquet")
    assert pq.read_metadata(file).num_columns > 10_000
    assert json.encode(life.records(record)[1]) == b'{"_id":"2","late":{"x":1}}'


def _in_an_object(node: Record, value: Any) -> tuple[Record, Any]:
    return {"type": "object", "properties": {"a": node}}, {"a": value}


def _in_a_list(node: Record, value: Any) -> tuple[Record, Any]:
    return {"type": "array", "items": node}, [value]


def _in_a_map(node: Record, value: Any) -> tuple[Record, Any]:
    return {"type": "object", "additionalProperties": node}, {"k": value}


@pytest.mark.parametrize("around", [[_in_an_object], [_in_a_list], [_in_a_map, _in_a_list]])
def test_what_is_nested_as_deep_as_json_may_be_comes_back(life: Life, around: list[Any]) -> None:
    node, value = {"type": "string"}, "leaf"
    for level in range(JSON_DEPTH_MAX - 1):
        node, value = around[level % len(around)](node, value)
    record = a_validator({"_id": {"type": "string"}, "m": node}).fields

    life.add(record, {"_id": "1", "m": value})

    assert life.records(record) == [{"_id": "1", "m": value}]
    assert len(life.iceberg()) == 1
