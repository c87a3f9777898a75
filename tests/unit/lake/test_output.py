import csv
import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from forebay.kernel import json
from forebay.lake.output import Written, write
from forebay.lake.statement import Statement

SQL = (
    "SELECT * FROM (VALUES (1, '=1+1', {'city': 'Oslo'}, [1.5, 'nan'::DOUBLE]),"
    " (2, NULL, NULL, NULL)) v(n, name, home, list)"
)


def written(form: str, sql: str = SQL, *, limit: int = 10) -> Written:
    with Statement(sql).run([]) as result:
        return write(result, form, limit=limit, bytes_max=100_000)


def as_table(form: str, content: bytes) -> Any:
    readers: dict[str, Any] = {
        "arrow": lambda: pa.ipc.open_stream(content).read_all(),
        "parquet": lambda: pq.read_table(io.BytesIO(content)),
    }
    return readers[form]()


def test_json_has_typed_columns_and_rows_in_their_order() -> None:
    found = json.decode(written("json").content)

    assert [column["name"] for column in found["columns"]] == ["n", "name", "home", "list"]
    assert found["columns"][0]["type"] == "INTEGER"
    assert found["rows"] == [[1, "=1+1", {"city": "Oslo"}, [1.5, "nan"]], [2, None, None, None]]
    assert (found["rowCount"], found["isTruncated"]) == (2, False)


def test_json_holds_what_it_has_no_type_for_as_text() -> None:
    sql = (
        "SELECT DATE '2026-01-02', TIMESTAMPTZ '2026-01-02 03:04:05Z', 1.10::DECIMAL(9,2), "
        "'\\xAA'::BLOB, 170141183460469231731687303715884105727::HUGEINT, "
        "'inf'::DOUBLE, MAP {'a': 1}, INTERVAL 1 DAY"
    )

    (row,) = json.decode(written("json", sql).content)["rows"]

    assert row[:4] == ["2026-01-02", "2026-01-02T03:04:05+00:00", "1.10", "aa"]
    assert row[5:7] == ["inf", {"a": 1}]


def test_csv_holds_formulas_as_text_also_in_its_head() -> None:
    content = written("csv", "SELECT '=1+1' AS \"=a\", '@x' AS b, -1 AS c").content

    assert list(csv.reader(io.StringIO(content.decode()))) == [
        ["'=a", "b", "c"],
        ["'=1+1", "'@x", "-1"],
    ]


@pytest.mark.parametrize("form", ["arrow", "parquet"])
def test_a_table_keeps_types_and_nested_values(form: str) -> None:
    table = as_table(form, written(form).content)

    assert table.column_names == ["n", "name", "home", "list"]
    assert table.column("home").to_pylist() == [{"city": "Oslo"}, None]


@pytest.mark.parametrize("form", ["json", "csv", "arrow", "parquet"])
@pytest.mark.parametrize(("limit", "is_truncated"), [(0, True), (1, True), (2, False)])
def test_a_limit_is_told_from_an_end(form: str, limit: int, *, is_truncated: bool) -> None:
    found = written(form, limit=limit)

    assert (found.row_count, found.is_truncated) == (limit, is_truncated)
