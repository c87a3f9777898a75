from typing import Any

import pytest

from forebay.control.schemas.errors import ListingInvalid
from forebay.control.schemas.filters import matches_all, parse_property_filters

DOCUMENT: dict[str, Any] = {
    "title": "People",
    "meta:class": "https://ns.adobe.com/xdm/context/profile",
    "meta:extends": ["https://ns.adobe.com/xdm/data/record", "b"],
    "count": 12,
    "is": True,
    "empty": [],
    "nothing": None,
    "nested": {"inner": {"leaf": "x"}},
    "dotted.name": "y",
}


@pytest.mark.parametrize(
    ("expressions", "is_match"),
    [
        ([], True),
        (["title==People"], True),
        (["title==Other"], False),
        (["title!=Other"], True),
        (["title!=People"], False),
        (["absent!=x"], True),
        (["meta:extends==b"], True),
        (["meta:extends!=b"], False),
        (["meta:extends!=c"], True),
        (["meta:class==https://ns.adobe.com/xdm/context/profile"], True),
        (["title~^Peo"], True),
        (["title~^peo"], False),
        (["meta:extends~record$"], True),
        (["title"], True),
        (["absent"], False),
        (["!absent"], True),
        (["!title"], False),
        (["empty"], False),
        (["nothing"], False),
        (["count>11"], True),
        (["count>12"], False),
        (["count>=12"], True),
        (["count<12"], False),
        (["count<=12.0"], True),
        (["count<x"], False),
        (["count==12"], True),
        (["is==true"], True),
        (["title>Pa"], True),
        (["nested.inner.leaf==x"], True),
        (["nested.inner.none.leaf==x"], False),
        (["dotted.name==y"], True),
        (["title==People,count==12"], True),
        (["title==People,count==13"], False),
        (["title==People", "count==13"], False),
        (["title==People,"], True),
    ],
)
def test_filter_matches_what_it_says(expressions: list[str], is_match: bool) -> None:
    assert matches_all(DOCUMENT, parse_property_filters(expressions)) is is_match


@pytest.mark.parametrize("expression", ["==x", "=x", "a=b", "!a==b", "a~(", "a~(?=b)", "~x"])
def test_expression_that_is_no_filter_is_refused(expression: str) -> None:
    with pytest.raises(ListingInvalid):
        parse_property_filters([expression])


def test_regular_expression_runs_in_linear_time() -> None:
    hostile = parse_property_filters(["title~^(a+)+$"])

    assert not matches_all({"title": "a" * 50_000 + "!"}, hostile)


def test_regular_expression_has_a_bounded_length() -> None:
    with pytest.raises(ListingInvalid, match="at most"):
        parse_property_filters(["title~" + "a" * 1_001])
