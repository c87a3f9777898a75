import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.xdm.patterns import Pattern, PatternRefused, ordinary_pattern


def test_pattern_is_searched_for_not_matched_whole() -> None:
    assert Pattern("b").is_found_in("abc")
    assert not Pattern("^b").is_found_in("abc")
    assert not Pattern("^a$").is_found_in("a\n")


_PIECES = ["a", "b?", "[0-9]*", "(", ")", "|", "^", "$", "\\b", "\\B", ".", "{2}", "(?m)", "(?i)"]


@given(pieces=st.lists(st.sampled_from(_PIECES), max_size=5), value=st.text("aB1 \né", max_size=4))
def test_pattern_that_is_always_found_is_found_in_anything(pieces: list[str], value: str) -> None:
    try:
        pattern = Pattern("".join(pieces))
    except PatternRefused:
        pattern = Pattern("")

    assert pattern.is_found_in(value) or not pattern.is_always_found


def test_only_patterns_without_assertions_are_always_found() -> None:
    assert Pattern("([A-Z]{2}-[A-Z0-9]{1,3}|)").is_always_found
    assert not Pattern("^(a|)$").is_always_found
    assert not Pattern("a").is_always_found


def test_letters_beyond_ascii_are_one_character() -> None:
    assert Pattern("^.$").is_found_in("é")
    assert not Pattern("^..$").is_found_in("é")


@pytest.mark.parametrize("text", ["(?=a)", r"(a)\1", "[", "(?<!a)b", "(a{1000}){1000}"])
def test_pattern_beyond_linear_time_is_refused(text: str) -> None:
    with pytest.raises(PatternRefused, match="cannot be used"):
        Pattern(text)


@pytest.mark.parametrize(
    "text",
    ["^[A-Z]{3}$", "^[A-Z]{2}$", "^[0-9]+$", "^[_A-Za-z0-9]+$", "^([a-z])$", "^a-[0-9]{1,2}$"],
)
@given(data=st.data())
def test_ordinary_pattern_says_what_re2_says(text: str, data: st.DataObject) -> None:
    value = data.draw(st.text("AZaz09_- \n$é", max_size=4))
    ordinary = ordinary_pattern(text) or r"\A" + text[1:-1] + r"\Z"

    assert (re.search(ordinary, value) is not None) == Pattern(text).is_found_in(value)


@pytest.mark.parametrize(
    "text", ["^(a+)+$", "a", "^a", "a$", "^[0-9]+-[0-9]+$", "^.*$", "^\\w+$", "^[^a]+$", "^a|b$"]
)
def test_pattern_that_is_not_plain_stays_with_re2(text: str) -> None:
    assert ordinary_pattern(text) is None
