from typing import Any

import pytest

from forebay.control.schemas.errors import ResourceInvalid
from forebay.control.schemas.structure import DEPTH_MAX, check_depth, check_structure


@pytest.mark.parametrize(
    "field",
    [
        {"type": "string", "pattern": "^a$", "minLength": 0, "format": "email", "default": None},
        {"type": "integer", "minimum": -1, "exclusiveMaximum": True, "enum": [1, 2]},
        {"type": "number", "exclusiveMinimum": 0.5, "multipleOf": 0.1},
        {"type": "array", "items": {"type": "boolean"}, "uniqueItems": True},
        {"type": "object", "additionalProperties": {"type": "string"}},
        {"type": "object", "additionalProperties": False, "properties": {}},
        {"meta:enum": {"a": "A"}, "examples": [1, {}], "anything": {"else": [None]}},
        {"oneOf": [{"type": "string"}, {"type": "number"}]},
    ],
)
def test_json_schema_passes(field: dict[str, Any]) -> None:
    check_structure({"properties": {"field": field}, "required": ["field"]})


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("$ref", 5),
        ("type", ["string"]),
        ("type", "text"),
        ("title", {}),
        ("description", "x" * 4_001),
        ("properties", []),
        ("properties", {"a": 5}),
        ("definitions", {"a": []}),
        ("patternProperties", {"(": {}}),
        ("additionalProperties", "no"),
        ("additionalProperties", {"type": 5}),
        ("allOf", {}),
        ("allOf", []),
        ("anyOf", ["x"]),
        ("items", []),
        ("required", "field"),
        ("required", [5]),
        ("enum", [{}]),
        ("enum", "a"),
        ("minimum", "1"),
        ("maximum", True),
        ("exclusiveMinimum", "1"),
        ("multipleOf", 0),
        ("minLength", -1),
        ("maxItems", 1.5),
        ("uniqueItems", "yes"),
        ("pattern", 5),
        ("pattern", "a" * 1_001),
        ("meta:enum", ["a"]),
        ("meta:xdmType", []),
        ("meta:intendedToExtend", "https://ns.adobe.com/xdm/context/profile"),
        ("meta:immutableTags", {}),
    ],
)
def test_keyword_with_a_value_it_cannot_hold_is_named(keyword: str, value: object) -> None:
    with pytest.raises(ResourceInvalid, match=f"#/properties/field/{keyword.replace('$', '.')}"):
        check_structure({"properties": {"field": {keyword: value}}})


def test_labels_of_values_that_an_enum_does_not_allow_are_refused() -> None:
    allowed = {"type": "integer", "enum": [1, 2], "meta:enum": {"1": "One"}}
    check_structure({"properties": {"field": allowed}})

    with pytest.raises(ResourceInvalid, match=r'field/meta:enum has the values \["3"\]'):
        check_structure({"properties": {"field": allowed | {"meta:enum": {"3": "Three"}}}})


def test_wrong_value_is_named_as_json() -> None:
    with pytest.raises(ResourceInvalid, match=r"#/required is true; expected a list of texts"):
        check_structure({"required": True})


def test_long_wrong_value_is_shown_in_part() -> None:
    with pytest.raises(ResourceInvalid) as caught:
        check_structure({"properties": ["x" * 500]})

    assert len(caught.value.message) < 200


def test_depth_is_bounded() -> None:
    value: object = 1
    for _ in range(DEPTH_MAX):
        value = [value]
    check_depth(value)

    with pytest.raises(ResourceInvalid, match="levels deep"):
        check_depth([value])
