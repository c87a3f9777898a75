from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.control.schemas.evolution import breaking_changes

fields = st.recursive(
    st.sampled_from(
        [
            {"type": "string", "meta:xdmType": "string"},
            {"type": "string", "meta:xdmType": "string", "enum": ["a", "b"]},
            {"type": "integer", "meta:xdmType": "int", "minimum": 0, "maximum": 9},
            {"type": "string", "meta:xdmType": "date", "format": "date"},
        ]
    ),
    lambda inner: (
        st.builds(lambda field: {"type": "array", "items": field}, inner)
        | st.builds(
            lambda members: {"type": "object", "properties": members},
            st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
        )
    ),
    max_leaves=6,
)


@given(field=fields, added=fields)
def test_adding_a_field_breaks_nothing(field: dict[str, Any], added: dict[str, Any]) -> None:
    old = {"properties": {"one": field}}

    assert breaking_changes(old, old) == []
    assert breaking_changes(old, {"properties": {"one": field, "two": added}}) == []


@given(field=fields)
def test_removing_a_field_breaks(field: dict[str, Any]) -> None:
    assert breaking_changes({"properties": {"one": field}}, {"properties": {}})


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"type": "string"}, {"type": "number"}),
        ({"type": "string", "meta:xdmType": "string"}, {"type": "string", "meta:xdmType": "date"}),
        ({"type": "string"}, {"type": "string", "format": "email"}),
        ({"type": "string"}, {"type": "string", "pattern": "a"}),
        ({"type": "string"}, {"type": "string", "maxLength": 5}),
        ({"type": "string", "maxLength": 6}, {"type": "string", "maxLength": 5}),
        ({"type": "string", "minLength": 1}, {"type": "string", "minLength": 2}),
        ({"type": "string"}, {"type": "string", "enum": ["a"]}),
        ({"type": "string", "enum": ["a", "b"]}, {"type": "string", "enum": ["a"]}),
        ({"type": "number", "minimum": 0}, {"type": "number", "minimum": 0.5}),
        ({"type": "number"}, {"type": "number", "exclusiveMaximum": True}),
        ({"items": {"type": "string"}}, {"items": {"type": "number"}}),
        ({"items": {"type": "string"}}, {}),
        ({"additionalProperties": {"type": "string"}}, {"additionalProperties": False}),
        ({"properties": {"a": {}}}, {"properties": {}}),
    ],
)
def test_narrowing_a_field_breaks(old: dict[str, Any], new: dict[str, Any]) -> None:
    broken = breaking_changes({"properties": {"f": old}}, {"properties": {"f": new}})

    assert broken
    assert all("/f" in sentence for sentence in broken)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"type": "string", "format": "email"}, {"type": "string"}),
        ({"type": "string", "pattern": "a"}, {"type": "string"}),
        ({"type": "string", "maxLength": 5}, {"type": "string", "maxLength": 6}),
        ({"type": "string", "enum": ["a"]}, {"type": "string", "enum": ["b", "a"]}),
        ({"type": "string", "enum": ["a"]}, {"type": "string"}),
        ({"type": "number", "minimum": 1}, {"type": "number", "minimum": 0}),
        ({"properties": {"a": {}}, "required": ["a"]}, {"properties": {"a": {}}}),
        ({"title": "old"}, {"title": "new"}),
    ],
)
def test_widening_a_field_breaks_nothing(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert breaking_changes({"properties": {"f": old}}, {"properties": {"f": new}}) == []
