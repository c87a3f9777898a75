"""The programs of docs/how-to/read-the-lake.md, run as they stand there."""

import re
from pathlib import Path
from typing import Any

import pytest

from forebay.lake.iceberg import IcebergTables
from forebay.lake.ports import table_fields
from support.lake import ONE, PERSON, TABLE, mark, rows_of

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "read-the-lake.md"
PEOPLE = [{"_id": "a", "age": 40, "home": {"city": "Oslo"}}, {"_id": "b", "age": 50}]


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    tables = IcebergTables(tmp_path / "forebay-data" / "lake")
    columns = table_fields(PERSON)
    tables.ensure(TABLE, columns)
    tables.append(TABLE, tables.prepare(columns, rows_of(PEOPLE)), {ONE: mark(2)})
    tables.close()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("POLARS_ICEBERG_PLANNER", "pyiceberg")  # as the page says
    names: dict[str, Any] = {}
    for program in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL):
        exec(program, names)
    names["catalog"].close()
    return names


def test_pyiceberg_reads_the_rows(found: dict[str, Any]) -> None:
    assert sorted(found["rows"].column("_id").to_pylist()) == ["a", "b"]


def test_polars_reads_the_rows_and_nested_fields(found: dict[str, Any]) -> None:
    assert found["sources"].rows() == [("Shop", 2)]


def test_duckdb_reads_the_rows_and_the_files(
    found: dict[str, Any], capfd: pytest.CaptureFixture[str]
) -> None:
    duckdb, files, records = found["duckdb"], found["files"], found["records"]

    from_files = duckdb.sql(f"SELECT _id, home.city FROM read_parquet({files}) ORDER BY 1")

    assert from_files.fetchall() == [("a", "Oslo"), ("b", None)]
    assert records.num_rows == 2
    assert capfd.readouterr().err == ""
