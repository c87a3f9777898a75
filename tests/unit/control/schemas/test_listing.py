from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.control.schemas.errors import ListingInvalid
from forebay.control.schemas.listing import Entry, Query, page, parse_query

entries = st.lists(
    st.builds(
        Entry,
        st.fixed_dictionaries(
            {},
            optional={
                "key": st.integers(-3, 3) | st.sampled_from(["a", "b", "", "Ä"]) | st.booleans(),
                "other": st.integers(0, 3),
            },
        ),
        st.just(0),
        st.integers(0, 4),
    ),
    max_size=12,
)


def numbered(found: list[Entry]) -> list[Entry]:
    return [
        Entry({**entry.document, "number": number}, entry.created_ms, entry.updated_ms)
        for number, entry in enumerate(found)
    ]


@given(
    found=entries.map(numbered),
    order=st.sampled_from(["updated", "-updated", "other", "-other", "other,-number", "-created"]),
    limit=st.integers(1, 5),
)
def test_following_next_lists_everything_once(found: list[Entry], order: str, limit: int) -> None:
    query = parse_query([("orderby", order), ("limit", str(limit))])

    whole = page(found, Query(order=query.order, limit=500)).entries
    seen: list[Entry] = []
    start: list[tuple[str, str]] = []
    for _ in range(len(found) + 1):
        part = page(found, parse_query([("orderby", order), ("limit", str(limit)), *start]))
        seen.extend(part.entries)
        start = [("start", str(part.next))]
        if part.next is None:
            break

    assert seen == whole
    assert len(seen) == len(found)


@given(found=entries, key=st.sampled_from(["key", "-key", "other,key"]))
def test_values_of_all_types_have_an_order(found: list[Entry], key: str) -> None:
    listed = page(found, parse_query([("orderby", key)])).entries

    assert len(listed) == len(found)


def entry(title: str, updated_ms: int = 1) -> Entry:
    return Entry({"title": title}, updated_ms, updated_ms)


def titles(found: list[Entry], *parameters: tuple[str, str]) -> list[Any]:
    return [item.document["title"] for item in page(found, parse_query(parameters)).entries]


def test_default_order_is_the_last_change() -> None:
    found = [entry("c", 3), entry("a", 1), entry("b", 2)]

    assert titles(found) == ["a", "b", "c"]
    assert parse_query([]).orderby == "updated"


def test_limit_is_a_hint_that_keeps_equal_keys_together() -> None:
    found = [entry("a", 1), entry("b", 1), entry("c", 2)]

    assert titles(found, ("limit", "1")) == ["a", "b"]
    assert page(found, parse_query([("limit", "1")])).next == 1


def test_limit_zero_is_an_empty_page() -> None:
    result = page([entry("a")], parse_query([("limit", "0")]))

    assert (result.entries, result.next) == ([], None)


def test_start_is_strictly_after_its_value() -> None:
    found = [entry("a"), entry("b"), entry("c")]

    assert titles(found, ("orderby", "title"), ("start", "a")) == ["b", "c"]
    assert titles(found, ("orderby", "-title"), ("start", "c")) == ["b", "a"]


def test_parameter_names_are_read_without_regard_to_case() -> None:
    assert parse_query([("orderBy", "-title"), ("LIMIT", "3")]) == Query(order=("-title",), limit=3)


@pytest.mark.parametrize("limit", ["501", "-1", "x", "", "1.5", "٣", "9" * 30])
def test_limit_out_of_range_is_refused(limit: str) -> None:
    with pytest.raises(ListingInvalid):
        parse_query([("limit", limit)])
