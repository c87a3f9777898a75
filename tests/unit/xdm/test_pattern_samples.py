import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.xdm.pattern_samples import matching_text
from forebay.xdm.patterns import Pattern
from forebay.xdm.samples import sample
from forebay.xdm.standard import Kind, StandardLibrary

KNOWN = [
    "^L-[0-9]{4}$",
    "^[A-Z]{2}$",
    "^(a|b(c|d)+)?x{2,}$",
    r"^\d{4}-\d\d\.\w+$",
    "^[^a-z]{3,5}$",
    "^[-+]?[a-]$",
    r"^(?:https?|ftp)://[\w.-]+/.*$",
    "[0-1][0-9]-[0-9][0-9]",
    "^$",
    "a{0}b{1,3}?",
]


@pytest.mark.parametrize("pattern", KNOWN)
@pytest.mark.parametrize("seed", range(10))
def test_a_text_is_made_for_the_patterns_that_schemas_have(pattern: str, seed: int) -> None:
    text = matching_text(pattern, random.Random(seed))

    assert text is not None
    assert Pattern(pattern).is_found_in(text)


@pytest.mark.parametrize(
    "pattern", [r"\bword\b", "(?i)a", "(?P<n>a)", "(", "[", "a)", "*a", r"\pL", "a{1", "[a-"]
)
def test_of_other_syntax_no_text_is_made(pattern: str) -> None:
    assert matching_text(pattern, random.Random(1)) is None


@given(pattern=st.text(r"[]()-^|*+?{}\dwab19,.$", max_size=30))
def test_whatever_the_pattern_is_making_a_text_ends(pattern: str) -> None:
    text = matching_text(pattern, random.Random(1))

    assert text is None or isinstance(text, str)


def test_repetitions_of_repetitions_are_given_up() -> None:
    assert matching_text("((((a{999}){999}){999}){999}){999}", random.Random(1)) is None


def test_every_pattern_of_the_standard_library_has_a_text() -> None:
    patterns = {
        str(node["pattern"])
        for kind in (Kind.DATA_TYPE, Kind.FIELD_GROUP)
        for document in StandardLibrary().list(kind)
        for node in nodes(document)
        if "pattern" in node
    }

    lacking = [p for p in patterns if not found(p)]

    assert len(patterns) > 10
    assert lacking == []


def found(pattern: str) -> bool:
    texts = (matching_text(pattern, random.Random(seed)) for seed in range(20))
    return any(text is not None and Pattern(pattern).is_found_in(text) for text in texts)


def nodes(value: object) -> list[dict[str, object]]:
    if isinstance(value, dict):
        return [value, *(node for member in value.values() for node in nodes(member))]
    return [n for item in value for n in nodes(item)] if isinstance(value, list) else []


def test_a_required_member_with_a_pattern_is_in_every_sample() -> None:
    field = {"type": "string", "pattern": "^L-[0-9]{4}$"}
    document = {"type": "object", "properties": {"id": field}, "required": ["id"]}

    assert all(
        Pattern("^L-[0-9]{4}$").is_found_in(sample(document, seed=n)["id"]) for n in range(9)
    )
