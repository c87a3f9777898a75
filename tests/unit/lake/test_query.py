from pathlib import Path

import pyarrow as pa
import pytest

from forebay.lake.iceberg import IcebergTables
from forebay.lake.ports import TableId, table_fields
from forebay.lake.query import QueryRefused, query
from support.lake import ONE, OTHER_TABLE, PERSON, TABLE, fields, mark, rows_of

NAMES = {"Web visitors": TABLE}


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    tables = IcebergTables(tmp_path / "lake")
    columns = table_fields(PERSON)
    tables.ensure(TABLE, columns)
    people = [{"_id": "a", "age": 40, "home": {"city": "Oslo"}}, {"_id": "b", "age": 50}]
    tables.append(TABLE, tables.prepare(columns, rows_of(people)), {ONE: mark(1)})
    tables.close()
    return tmp_path / "lake"


def ask(lake: Path, sql: str, tables: dict[str, TableId] | None = None) -> list[tuple[object, ...]]:
    with query(lake, NAMES if tables is None else tables, sql, seconds_max=5) as result:
        return list(result.rows())


@pytest.mark.parametrize("name", ['"Web visitors"', '"web visitors"', f'"{TABLE.name}"'])
def test_dataset_is_a_view_by_its_name_and_by_its_id(lake: Path, name: str) -> None:
    assert ask(lake, f"SELECT _id, home.city FROM {name} ORDER BY 1") == [
        ("a", "Oslo"),
        ("b", None),
    ]


def test_result_names_its_columns_and_makes_an_arrow_table(lake: Path) -> None:
    with query(lake, NAMES, 'SELECT _id, age FROM "Web visitors" ORDER BY 1') as result:
        table = result.arrow()

    assert result.columns == ("_id", "age")
    assert table.to_pydict() == {"_id": ["a", "b"], "age": [40, 50]}


def test_tables_can_be_shown_and_described(lake: Path) -> None:
    shown = {name for (name,) in ask(lake, "SHOW TABLES")}
    described = ask(lake, 'DESCRIBE "Web visitors"')

    assert shown == {"Web visitors", TABLE.name, "failed_records"}
    assert ("_id", "VARCHAR") in [row[:2] for row in described]


def test_failed_records_are_an_empty_table_before_the_first(lake: Path) -> None:
    assert ask(lake, "SELECT message, record FROM failed_records") == []


def test_column_that_came_later_is_null_in_older_rows(lake: Path) -> None:
    tables = IcebergTables(lake)
    wider = table_fields(
        fields(**{f.name: f.type for f in PERSON.fields}, nick="string", more=fields(x="int"))
    )
    tables.ensure(TABLE, wider)
    tables.append(
        TABLE, tables.prepare(wider, rows_of([{"_id": "c", "nick": "cee"}])), {ONE: mark(2)}
    )

    rows = ask(lake, f'SELECT _id, nick, more.x FROM "{TABLE.name}" ORDER BY 1')

    assert rows == [("a", None, None), ("b", None, None), ("c", "cee", None)]


def test_columns_are_there_before_any_row_has_them(lake: Path) -> None:
    tables = IcebergTables(lake)
    wider = table_fields(fields(**{f.name: f.type for f in PERSON.fields}, nick="string"))
    tables.ensure(TABLE, wider)

    assert ask(lake, f'SELECT count(nick) FROM "{TABLE.name}"') == [(0,)]


def test_names_that_differ_only_in_case_are_told_apart_by_id(lake: Path) -> None:
    tables = IcebergTables(lake)
    tables.ensure(OTHER_TABLE, table_fields(PERSON))
    names = {"Visits": TABLE, "visits": OTHER_TABLE}

    assert ask(lake, f'SELECT count(*) FROM "{OTHER_TABLE.name}"', names) == [(0,)]
    with pytest.raises(QueryRefused, match="does not exist"):
        ask(lake, "SELECT * FROM visits", names)


def test_lake_that_is_not_there_yet_has_no_tables(tmp_path: Path) -> None:
    with pytest.raises(QueryRefused, match="does not exist"):
        ask(tmp_path / "lake", 'SELECT * FROM "Web visitors"')

    assert not (tmp_path / "lake").exists()


@pytest.mark.parametrize(
    "sql",
    [
        "",
        "SELECT 1; SELECT 2",
        "COPY (SELECT 1) TO 'x'",
        "SET threads = 1",
        "DROP VIEW failed_records",
        "CREATE TABLE t (a INT)",
        "INSTALL httpfs",
        "ATTACH 'x.db'",
        "EXPORT DATABASE 'x'",
        "PRAGMA version",
        "SELEC 1",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM glob('/*')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM the_folder",
        "SELECT * FROM read_json('http://127.0.0.1:9/')",
    ],
)
def test_anything_but_reading_the_tables_is_refused(lake: Path, sql: str) -> None:
    the_folder = pa.table({"a": [1]})

    with pytest.raises(QueryRefused):
        ask(lake, sql)

    assert the_folder.num_rows == 1


def test_query_that_takes_too_long_is_broken_off(lake: Path) -> None:
    endless = "SELECT count(*) FROM range(1000000000) a, range(1000000000) b"

    with query(lake, NAMES, endless, seconds_max=0.2) as result:
        rows = result.rows()
        with pytest.raises(QueryRefused, match="took too long"):
            next(rows)


def test_reading_goes_on_while_rows_are_added(lake: Path) -> None:
    tables = IcebergTables(lake)
    columns = table_fields(PERSON)
    with query(lake, NAMES, 'SELECT _id FROM "Web visitors"') as result:
        rows = result.rows()
        tables.append(TABLE, tables.prepare(columns, rows_of([{"_id": "c"}])), {ONE: mark(2)})

        assert sorted(rows) == [("a",), ("b",)]

    assert ask(lake, f'SELECT count(*) FROM "{TABLE.name}"') == [(3,)]
