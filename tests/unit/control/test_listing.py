import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.control.filters import Kind
from forebay.control.listing import Model, Page, Query, list_page, split_query_string
from forebay.control.listing_errors import ListingError
from support.outcomes import outcome_of

MODEL = Model(
    {
        "id": Kind.TEXT,
        "name": Kind.TEXT,
        "updatedAt": Kind.TIME,
        "size": Kind.NUMBER,
        "auth.name": Kind.TEXT,
    },
    open_prefixes=("attributes.",),
)
ITEMS: list[dict[str, Any]] = [
    {"id": "1", "name": "b", "updatedAt": 10, "size": 3},
    {"id": "2", "name": "a", "updatedAt": 30, "attributes": {"x": "y"}},
    {"id": "3", "name": "b", "updatedAt": 20, "auth": {"name": "z"}},
]


def test_newest_comes_first_by_default() -> None:
    assert ids(list_page(ITEMS, Query(), MODEL)) == ["2", "3", "1"]


@pytest.mark.parametrize(
    ("order_by", "expected"),
    [
        ("updatedAt", ["1", "3", "2"]),
        ("+updatedAt", ["1", "3", "2"]),
        (" updatedAt", ["1", "3", "2"]),
        ("-updatedAt", ["2", "3", "1"]),
        ("name,-updatedAt", ["2", "3", "1"]),
        ("-name,updatedAt", ["1", "3", "2"]),
        ("size,id", ["2", "3", "1"]),
        ("auth.name", ["1", "2", "3"]),
    ],
)
def test_order_is_by_the_members_asked_for(order_by: str, expected: list[str]) -> None:
    assert ids(list_page(ITEMS, Query(order_by=order_by), MODEL)) == expected


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (Query(limit="5", is_count=True), "FLOW-1401"),
        (Query(order_by="*name"), "FLOW-1432"),
        (Query(order_by=""), "FLOW-1432"),
        (Query(order_by="name,"), "FLOW-1432"),
        (Query(order_by="nothing"), "FLOW-1433"),
        (Query(order_by="name:desc"), "FLOW-1433"),
        (Query(order_by=",".join(["name"] * 11)), "FLOW-1453"),
        (Query(properties=("nothing==1",)), "FLOW-1449"),
        (Query(limit="0"), "FLOW-1453"),
        (Query(limit="-1"), "FLOW-1453"),
        (Query(limit="many"), "FLOW-1453"),
        (Query(limit="٣"), "FLOW-1453"),
        (Query(limit="9" * 5000), "FLOW-1453"),
        (Query(continuation="abc"), "FLOW-1453"),
        (Query(continuation="é"), "FLOW-1453"),
        (Query(continuation="bnVsbA"), "FLOW-1453"),
        (Query(properties=("id==1",) * 101), "FLOW-1453"),
        (Query(properties=("id==" + "1" * 20_000,)), "FLOW-1453"),
    ],
)
def test_query_that_breaks_a_rule_is_refused(query: Query, code: str) -> None:
    with pytest.raises(ListingError) as raised:
        list_page(ITEMS, query, MODEL)

    assert raised.value.code == code


def test_filters_must_all_be_fulfilled() -> None:
    page = list_page(ITEMS, Query(properties=("name==b", "updatedAt>10")), MODEL)

    assert ids(page) == ["3"]


def test_member_under_an_open_prefix_can_be_named_without_being_listed() -> None:
    assert ids(list_page(ITEMS, Query(properties=("attributes.x==y",)), MODEL)) == ["2"]


def test_count_counts_what_matches_and_gives_no_items() -> None:
    assert list_page(ITEMS, Query(properties=("name==b",), is_count=True), MODEL) == Page(
        [], 2, None
    )


def test_pages_cover_the_list_once_and_in_order() -> None:
    first = list_page(ITEMS, Query(limit="2", order_by="name"), MODEL)
    second = list_page(ITEMS, Query(continuation=first.continuation), MODEL)

    assert ids(first) + ids(second) == ["2", "1", "3"]
    assert second.continuation is None
    assert first.continuation is not None
    assert re.fullmatch(r"[A-Za-z0-9_-]+", first.continuation)


def test_page_is_right_when_an_item_of_the_page_before_is_gone() -> None:
    first = list_page(ITEMS, Query(limit="1"), MODEL)

    second = list_page(ITEMS[:1] + ITEMS[2:], Query(continuation=first.continuation), MODEL)

    assert ids(first) == ["2"]
    assert ids(second) == ["3"]


def test_token_wins_over_parameters_that_contradict_it() -> None:
    first = list_page(ITEMS, Query(limit="1"), MODEL)
    again = Query(
        continuation=first.continuation, limit="3", order_by="name", properties=("id==1",)
    )

    assert ids(list_page(ITEMS, again, MODEL)) == ["3"]


def test_limit_above_the_maximum_is_the_maximum() -> None:
    many = [{"id": str(number), "updatedAt": number} for number in range(150)]

    page = list_page(many, Query(limit="5000"), MODEL)

    assert len(page.items) == 100
    assert page.continuation is not None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ("state==enabled", ("state==enabled",)),
        ("property=state==enabled&property=id!=1", ("state==enabled", "id!=1")),
        ('name=="a&b"&id==1', ('name=="a&b"', "id==1")),
        ("&&id==1&", ("id==1",)),
    ],
)
def test_query_string_of_a_search_is_split_into_filters(
    text: str, expected: tuple[str, ...]
) -> None:
    assert split_query_string(text) == expected


scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=3)


@given(
    st.lists(st.fixed_dictionaries({"name": scalars, "updatedAt": scalars}), max_size=12),
    st.integers(1, 5),
    st.sampled_from(["name", "-name", "-updatedAt,name", "name,-updatedAt"]),
)
def test_any_list_is_covered_by_its_pages(
    values: list[dict[str, Any]], limit: int, order_by: str
) -> None:
    items = [{**value, "id": str(number)} for number, value in enumerate(values)]
    whole = ids(list_page(items, Query(order_by=order_by), MODEL))

    query, collected = Query(order_by=order_by, limit=str(limit)), []
    for _ in range(len(items) + 1):
        page = list_page(items, query, MODEL)
        collected += ids(page)
        query = msgspec.structs.replace(query, continuation=page.continuation or "")
        assert len(page.items) <= limit

    assert collected[: len(whole)] == whole


@given(
    st.builds(
        Query,
        properties=st.lists(st.text(max_size=20), max_size=2).map(tuple),
        order_by=st.none() | st.text(max_size=10),
        limit=st.none() | st.text(max_size=5),
        is_count=st.booleans(),
        continuation=st.none() | st.text(max_size=40),
    )
)
def test_any_query_is_answered_or_is_the_callers_mistake(query: Query) -> None:
    outcome = outcome_of(lambda: list_page(ITEMS, query, MODEL).count)

    assert outcome in (*range(len(ITEMS) + 1), 400)


def ids(page: Page) -> list[str]:
    return [item["id"] for item in page.items]
