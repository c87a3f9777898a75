from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.control import filters
from forebay.control.filters import Filter, Kind
from forebay.control.listing_errors import ListingError
from support.outcomes import outcome_of

ITEM: dict[str, Any] = {
    "id": "a1",
    "name": "Sample, with a comma",
    "state": "enabled",
    "createdAt": 1000,
    "isRaw": False,
    "connectionSpec": {"id": "bc7b"},
    "sourceConnectionIds": ["s1", "s2"],
    "transformations": [{"params": {"mappingId": "m1"}}],
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name==x", Filter(("name",), "==", ("x",))),
        ("name=x", Filter(("name",), "==", ("x",))),
        ('name=="a b"', Filter(("name",), "==", ("a b",))),
        ('name=="a,b",c', Filter(("name",), "==", ("a,b", "c"))),
        ('name==""', Filter(("name",), "==", ("",))),
        ("connectionSpec.id!=x", Filter(("connectionSpec", "id"), "!=", ("x",))),
        ("createdAt>=5", Filter(("createdAt",), ">=", ("5",))),
        ("createdAt< 5 ", Filter(("createdAt",), "<", ("5",))),
        ("flowIds[]==1,2", Filter(("flowIds[]",), "==", ("1", "2"))),
    ],
)
def test_filter_is_read(text: str, expected: Filter) -> None:
    assert filters.parse(text) == expected


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("name~x", "FLOW-1440", "Operator '~' not implemented."),
        ("name!>x", "FLOW-1450", "Invalid operator !> in filter params."),
        ("name===x", "FLOW-1450", "Invalid operator === in filter params."),
        ("createdAt==", "FLOW-1453", "Invalid query value createdAt== provided in query param."),
        ("name", "FLOW-1453", "Invalid query value name provided in query param."),
        ("==x", "FLOW-1453", "Invalid query value ==x provided in query param."),
        ("", "FLOW-1453", "Invalid query value  provided in query param."),
        ("name==a,", "FLOW-1453", "Invalid query value name==a, provided in query param."),
        ('name=="a', "FLOW-1453", 'Invalid query value name=="a provided in query param.'),
        ('name=="a"b', "FLOW-1453", 'Invalid query value name=="a"b provided in query param.'),
    ],
)
def test_filter_that_cannot_be_read_is_refused(text: str, code: str, message: str) -> None:
    with pytest.raises(ListingError) as raised:
        filters.parse(text)

    assert (raised.value.code, raised.value.message) == (code, message)


@pytest.mark.parametrize(
    ("text", "kind", "code"),
    [
        ("nothing==x", None, "FLOW-1449"),
        ("id>=x", Kind.TEXT, "FLOW-1448"),
        ("isRaw>true", Kind.FLAG, "FLOW-1448"),
        ("createdAt<=1,2", Kind.TIME, "FLOW-1443"),
        ("createdAt==1,2", Kind.TIME, "FLOW-1452"),
        ("createdAt==today", Kind.TIME, "FLOW-1452"),
        ("count>many", Kind.NUMBER, "FLOW-1452"),
    ],
)
def test_filter_that_does_not_suit_its_member_is_refused(
    text: str, kind: Kind | None, code: str
) -> None:
    with pytest.raises(ListingError) as raised:
        filters.checked_kind(filters.parse(text), kind)

    assert raised.value.code == code


@pytest.mark.parametrize(
    ("text", "kind", "is_match"),
    [
        ("id==a1", Kind.TEXT, True),
        ("id==A1", Kind.TEXT, False),
        ("id==x,a1", Kind.TEXT, True),
        ("id!=a1", Kind.TEXT, False),
        ("id!=x,y", Kind.TEXT, True),
        ('name=="Sample, with a comma"', Kind.TEXT, True),
        ("state==Enabled", Kind.STATE, True),
        ("isRaw==False", Kind.FLAG, True),
        ("createdAt==1000", Kind.TIME, True),
        ("createdAt>=1000", Kind.TIME, True),
        ("createdAt>1000", Kind.TIME, False),
        ("createdAt<=1000.5", Kind.NUMBER, True),
        ("createdAt<1000", Kind.TIME, False),
        ("connectionSpec.id==bc7b", Kind.TEXT, True),
        ("sourceConnectionIds[]==s2,s9", Kind.TEXT, True),
        ("transformations[].params.mappingId==m1", Kind.TEXT, True),
        ("description==x", Kind.TEXT, False),
        ("description!=x", Kind.TEXT, True),
        ("id.deeper==x", Kind.TEXT, False),
        ("id>5", Kind.NUMBER, False),
    ],
)
def test_filter_picks_what_fulfils_it(text: str, kind: Kind, *, is_match: bool) -> None:
    assert filters.matches(filters.parse(text), kind, ITEM) is is_match


@given(st.text(alphabet='abé.[]=!<>~,"& \n5', max_size=40), st.sampled_from(Kind))
def test_any_text_is_a_filter_or_the_callers_mistake(text: str, kind: Kind) -> None:
    def judge() -> bool:
        condition = filters.parse(text)
        return filters.matches(condition, filters.checked_kind(condition, kind), ITEM)

    assert outcome_of(judge) in (True, False, 400)
