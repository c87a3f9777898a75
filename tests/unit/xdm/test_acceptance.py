from typing import Any

import pytest
from hypothesis import given, settings

from forebay.kernel import json
from support.third_opinion import ThirdOpinion
from support.xdm import JSON_VALUES, a_validator

NODES: list[dict[str, Any]] = [
    {"type": "string"},
    {"type": "string", "minLength": 1, "maxLength": 2},
    {"type": "string", "minLength": 2**40},
    {"type": "string", "pattern": "^[A-Z]{2}$"},
    {"type": "string", "pattern": "U|[0-9]", "format": "uri-reference"},
    {"type": "string", "enum": ["US", "female"]},
    {"type": "string", "enum": ["US", "female"], "maxLength": 3},
    {"type": "string", "const": "a b"},
    {"enum": [1, "1", None, 1.5, {"a": 1}, True]},
    {"type": "integer", "enum": [1, 32768]},
    {"type": "integer", "multipleOf": 3},
    {"type": "integer", "exclusiveMinimum": 0, "maximum": 100},
    {"type": "number"},
    {"type": "number", "minimum": -0.5, "exclusiveMaximum": 90},
    {"type": "number", "minimum": 1, "exclusiveMinimum": 0.5},
    {"type": "number", "multipleOf": 0.5},
    {"type": "boolean"},
    {"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 2},
    {"type": "array", "items": {"type": "number"}, "uniqueItems": True},
    {"type": "array", "contains": {"type": "string"}},
    {"type": "object"},
    {"type": "object", "additionalProperties": {"type": "string"}, "maxProperties": 1},
    {"type": "object", "patternProperties": {"^_": {"type": "integer"}}},
    {"type": "object", "patternProperties": {"^_": {}}, "additionalProperties": False},
    {"type": "object", "propertyNames": {"maxLength": 2}},
    {"type": "object", "dependencies": {"id": ["value"]}},
    {"properties": {"id": {"type": "string"}, 'q"': {"type": "string"}}},
    {"properties": {"id": {"type": "string"}, "value": {}}, "minProperties": 1},
    {"properties": {"id": {"type": "string"}}, "additionalProperties": {"type": "integer"}},
    {"type": "array", "items": {"type": "string", "format": "date-time"}},
    {"type": "object", "additionalProperties": {"type": "string", "format": "uri"}},
    {"type": "string", "pattern": "([A-Z]{2}|)"},
    {"type": "string", "pattern": "1|2", "format": "date"},
    {
        "properties": {
            "id": {"type": "string", "format": "email", "maxLength": 6},
            "_id": {"type": "string", "format": "uri-reference"},
            "value": {"type": "array", "items": {"type": "string", "pattern": "^[A-Z]{2}$"}},
        },
        "required": ["_id"],
        "maxProperties": 2,
    },
    {"properties": {"id": {"type": "string"}}, "required": ["value"]},
    {"type": ["string", "integer"]},
    {"oneOf": [{"type": "string"}, {"maxLength": 1}]},
    {"anyOf": [{"type": "object", "properties": {"id": {}}}, {"type": "array"}]},
    {"allOf": [{"minimum": 1}, {"type": "integer"}]},
    {"not": {"type": "string"}},
    {},
]


@pytest.mark.parametrize("node", NODES, ids=lambda node: json.encode(node).decode()[:60])
@given(value=JSON_VALUES)
@settings(max_examples=80, deadline=None)
def test_every_kind_of_rule_is_accepted_soundly(node: dict[str, Any], value: object) -> None:
    validator = a_validator({"a": node})
    entity = json.encode({"a": value})

    violation = validator.explain(entity, violations_max=None)

    assert violation is None or not validator.accepts(entity)
    assert (violation is None) == ThirdOpinion(validator.document).is_valid(entity)


def test_each_of_several_checked_strings_counts() -> None:
    good = {"at": "2024-02-23T22:07:01Z", "mail": "ada@example.com", "ip": "1.2.3.4", "code": "DE"}
    validator = a_validator(
        {
            "at": {"type": "string", "format": "date-time"},
            "mail": {"type": "string", "format": "email"},
            "ip": {"type": "string", "format": "ipv4"},
            "code": {"type": "string", "pattern": "^[A-Z]{2}$"},
        },
        required=["at"],
    )

    assert validator.accepts(json.encode(good))
    assert validator.accepts(json.encode({"at": good["at"]}))
    assert not any(validator.accepts(json.encode({**good, name: "x y"})) for name in good)


def test_names_that_are_no_identifiers_are_fields() -> None:
    validator = a_validator(
        {name: {"type": "string"} for name in ("_id", "content-type", "é", "", "class", 'q"')}
    )
    entity = json.encode({"_id": "1", "content-type": "2", "é": "3", "": "4", "class": "5"})

    assert validator.accepts(entity)
    assert validator.explain(entity, violations_max=None) is None


def test_ordinary_record_with_spaces_and_another_order_is_accepted() -> None:
    validator = a_validator({"a": {"type": "string"}, "b": {"type": "number"}})

    assert validator.accepts(b' { "b" : 1.50e1 ,\n "a" : "x:\\u00e9" } ')
