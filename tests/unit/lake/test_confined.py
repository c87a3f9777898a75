import asyncio
from collections.abc import Sequence

import pytest

from forebay.kernel import json
from forebay.lake.confined import Answer, answer
from forebay.lake.query_process import Order
from forebay.lake.statement import QueryRefused, View

PEOPLE = View("people", "SELECT 1 AS age, '=1+1' AS name, {'city': 'Oslo'} AS home", [])
TOO_MUCH = "more memory than it may use"
TOO_LONG = "took too long"
ENDED = f"{TOO_LONG}|{TOO_MUCH}"


def people(names: Sequence[str]) -> list[View]:
    return [view for view in [PEOPLE] if view.name in names]


def ask(sql: str, **more: object) -> Answer:
    members = {"form": "json", "limit": 5, "bytes_max": 100_000, "seconds_max": 10.0} | more
    order = Order(sql=sql, names=["people"], **members)  # type: ignore[arg-type]  # by name
    return asyncio.run(answer(order, people))


def rows(sql: str) -> list[list[object]]:
    found: list[list[object]] = json.decode(ask(sql).content)["rows"]
    return found


def test_a_query_is_answered_by_a_process_of_its_own() -> None:
    assert rows("SELECT age, home.city FROM people") == [[1, "Oslo"]]


def test_rows_beyond_the_limit_are_left_out_and_said_to_be_there() -> None:
    few = ask("SELECT * FROM generate_series(1, 100000000000)", limit=3)

    assert (few.row_count, few.is_truncated) == (3, True)


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        (
            "WITH RECURSIVE r AS (SELECT 1 n UNION ALL SELECT n + 1 FROM r) SELECT max(n) FROM r",
            ENDED,
        ),
        ("SELECT sum(a.range * b.range) FROM range(1000000) a, range(1000000) b", TOO_LONG),
        ("SELECT sleep_ms(600000)", TOO_LONG),
        ("SELECT pg_sleep(600)", TOO_LONG),
        ("SELECT levenshtein(repeat('a', 100000), repeat('b', 100000))", TOO_LONG),
        ("SELECT lpad('x', 2000000000, 'y')", TOO_LONG),
    ],
)
def test_a_query_without_end_is_broken_off(sql: str, said: str) -> None:
    with pytest.raises(QueryRefused, match=said):
        ask(sql, seconds_max=0.5)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT length(list(r)::VARCHAR) FROM range(1000000000) x(r)",
        "SELECT hash(r)::VARCHAR || hash(r + 1)::VARCHAR FROM range(300000000) x(r) ORDER BY 1",
        "SELECT sum(r) OVER (ORDER BY hash(r)) FROM range(100000000) x(r)",
        "SELECT string_agg(r::VARCHAR, '') FROM range(300000000) x(r)",
        "SELECT repeat('x', 4000000000)",
        "SELECT length(repeat(repeat('x', 100000000), 10))",
        "SELECT format('{:>1000000000}', 'x')",
    ],
)
def test_a_query_that_wants_all_memory_is_refused(sql: str) -> None:
    with pytest.raises(QueryRefused, match=TOO_MUCH):
        ask(sql, seconds_max=30.0)


def test_a_pattern_cannot_take_long() -> None:
    assert rows("SELECT regexp_matches(repeat('a', 1000000), '(a+)+$b')") == [[False]]


@pytest.mark.parametrize("form", ["json", "csv", "arrow", "parquet"])
def test_a_result_that_is_too_large_is_refused(form: str) -> None:
    with pytest.raises(QueryRefused, match="more than 100000 bytes"):
        ask("SELECT repeat('x', 1000) FROM range(1000)", form=form, limit=10_000)


def test_an_unknown_table_is_answered_with_the_nearest_and_its_place() -> None:
    with pytest.raises(QueryRefused, match="nearest: people") as refused:
        ask("SELECT *\nFROM peple")

    assert refused.value.report == {"nearest": ["people"], "line": 2, "column": 6}


def test_an_error_says_where_it_is() -> None:
    with pytest.raises(QueryRefused, match=r"(?s)agee.*line 1, column 13"):
        ask("SELECT 'ø', agee FROM people")


def test_a_query_that_nobody_waits_for_ends() -> None:
    async def leave() -> float:
        order = Order(
            sql="SELECT sleep_ms(600000)",
            names=[],
            form="json",
            limit=1,
            bytes_max=1,
            seconds_max=60.0,
        )
        loop = asyncio.get_running_loop()
        began = asyncio.Event()

        def views(_names: Sequence[str]) -> list[View]:
            loop.call_soon_threadsafe(began.set)
            return []

        asked = asyncio.ensure_future(answer(order, views))
        await began.wait()
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        return loop.time()

    # It returns only after the process has ended.
    assert asyncio.run(leave())
