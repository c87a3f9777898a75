import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from support.queries import QUERY, Asking, running_queries

ENDLESS = "SELECT sleep_ms(600000)"


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    with running_queries(tmp_path_factory.mktemp("data")) as asking:
        yield asking


def test_a_dataset_is_asked_by_its_query_name_with_dots(asking: Asking) -> None:
    sql = f"SELECT _id, _ingest.sourceName FROM {asking.table_name} ORDER BY 1"

    assert asking.rows(sql) == [["e0", "Shop"], ["e1", "Shop"], ["e2", "Shop"]]


def test_a_dataset_is_asked_by_its_id(asking: Asking) -> None:
    assert asking.rows(f'SELECT count(*) FROM "{asking.dataset_id}"') == [[3]]


def test_failed_records_are_a_table(asking: Asking) -> None:
    assert asking.rows("SELECT count(stage) FROM failed_records") == [[0]]


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        ("csv", "text/csv; charset=utf-8"),
        ("arrow", "application/vnd.apache.arrow.stream"),
        ("parquet", "application/vnd.apache.parquet"),
        ("json", "application/json"),
    ],
)
def test_every_format_says_its_type_and_whether_there_is_more(
    asking: Asking, form: str, kind: str
) -> None:
    answer = asking.ask(f"SELECT _id FROM {asking.table_name}", format=form, limit=2)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == kind
    assert answer.headers["x-forebay-rows"] == "2"
    assert answer.headers["x-forebay-truncated"] == "true"


def test_files_can_be_read_as_they_come(asking: Asking) -> None:
    sql = f"SELECT _id, timestamp FROM {asking.table_name} ORDER BY 1"

    arrow = pa.ipc.open_stream(asking.ask(sql, format="arrow").content).read_all()
    parquet = pq.read_table(io.BytesIO(asking.ask(sql, format="parquet").content))

    assert arrow.column("_id").to_pylist() == ["e0", "e1", "e2"]
    assert parquet.equals(arrow)


def test_an_unknown_table_is_told_with_the_nearest_names(asking: Asking) -> None:
    answer = asking.ask(f"SELECT *\nFROM {asking.table_name}s")

    assert answer.status_code == 400
    assert asking.table_name in answer.json()["report"]["nearest"]
    assert (answer.json()["report"]["line"], answer.json()["report"]["column"]) == (2, 6)
    assert answer.json()["type"].endswith("LAKE-1400-400")


def test_other_organizations_and_sandboxes_see_nothing(asking: Asking) -> None:
    other = asking.platform.access.create_organization("Other")

    by_name = asking.ask(f"SELECT * FROM {asking.table_name}", of=other)
    by_id = asking.ask(f'SELECT * FROM "{asking.dataset_id}"', of=other)
    shown = asking.ask("SHOW TABLES", of=other)

    assert (by_name.status_code, by_id.status_code) == (400, 400)
    assert by_name.json()["report"]["nearest"] == []
    assert shown.json()["rows"] == [["failed_records"]]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "sql"),
        ({"sql": 1}, "sql"),
        ({"sql": "SELECT 1", "more": 1}, "more"),
        ({"sql": "SELECT 1", "format": "xml"}, "json, csv, arrow, parquet"),
        ({"sql": "SELECT 1", "limit": -1}, "from 0 to 1000000"),
        ({"sql": "SELECT 1", "timeoutSeconds": 0}, "above 0, up to 60"),
        ({"sql": "SELECT 1", "timeoutSeconds": 61}, "above 0, up to 60"),
        ({"sql": "SELECT " + "1" * 100_000}, "more than 100000 bytes"),
    ],
)
def test_a_body_that_cannot_be_understood_is_explained(
    asking: Asking, body: dict[str, object], said: str
) -> None:
    with asking.platform.client() as http:
        answer = http.post(QUERY, json=body)

    assert answer.status_code == 400
    assert "QUERY-1400" in answer.json()["type"]
    assert said in answer.json()["detail"]


@pytest.mark.parametrize(
    "sql",
    ["FROM read_csv('/etc/passwd')", "COPY (SELECT 1) TO 'x'", "ATTACH 'x'", "INSTALL httpfs"],
)
def test_nothing_but_the_tables_is_reached(asking: Asking, sql: str) -> None:
    assert asking.ask(sql).status_code == 400


def test_a_query_that_takes_too_long_is_told(asking: Asking) -> None:
    answer = asking.ask(ENDLESS, timeoutSeconds=0.3)

    assert answer.status_code == 400
    assert "took too long" in answer.json()["detail"]


def leave_early(asking: Asking) -> None:
    with asking.platform.client() as http, pytest.raises(httpx2.ReadTimeout):
        http.post(QUERY, json={"sql": ENDLESS, "timeoutSeconds": 60}, timeout=0.5)


def test_queries_of_clients_that_went_away_leave_their_place(asking: Asking) -> None:
    with ThreadPoolExecutor(4) as pool:
        for left in [pool.submit(leave_early, asking) for _ in range(4)]:
            left.result()

    # All places were taken for a minute; only because their queries ended is this answered.
    assert asking.rows("SELECT 1") == [[1]]


def test_more_queries_than_may_wait_are_sent_away(asking: Asking) -> None:
    with ThreadPoolExecutor(24) as pool:
        asked = [
            pool.submit(asking.ask, "SELECT sleep_ms(400)", timeoutSeconds=20) for _ in range(24)
        ]
        statuses = [answer.result().status_code for answer in asked]

    assert set(statuses) == {200, 503}
    assert statuses.count(200) >= 18
