from typing import Any

import pytest

from forebay.kernel import json
from forebay.xdm.composition import compose
from forebay.xdm.specimen import specimen
from forebay.xdm.standard import Kind
from forebay.xdm.strict import validation_document
from forebay.xdm.validator import Validator
from support.xdm import EVENT_IDENTITY, EVENT_SCHEMA, LIBRARY, a_document


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.DESCRIPTOR])
def test_sample_of_every_component_is_valid(kind: Kind) -> None:
    refused: list[str] = []

    for resource in LIBRARY.list(kind):
        document = validation_document(compose(resource, LIBRARY))
        record = json.encode(specimen(document))
        violation = Validator(document).explain(record, violations_max=None)
        refused.extend([str(resource["$id"])] * (violation is not None))

    assert refused == []


def test_sample_shows_every_field_with_a_constant() -> None:
    document = a_document(EVENT_SCHEMA, EVENT_IDENTITY)

    record = specimen(document)

    assert record == specimen(a_document(EVENT_SCHEMA, EVENT_IDENTITY))
    assert set(record) == set(document["properties"])
    assert record["_id"] == "/uri-reference"
    assert record["timestamp"] == "2018-11-12T20:20:39+00:00"
    assert record["environment"]["type"] == "browser"
    assert record["productListItems"][0]["SKU"] == "string"
    assert list(record["identityMap"]) == ["key"]


@pytest.mark.parametrize(
    ("rules", "value"),
    [
        ({"type": "string"}, "string"),
        ({"type": "string", "minLength": 8}, "stringxx"),
        ({"type": "string", "maxLength": 3}, "str"),
        ({"type": "string", "pattern": "^[A-Z]{2}$"}, "DE"),
        ({"type": "string", "enum": ["b", "a"]}, "b"),
        ({"type": "string", "format": "date"}, "2018-11-12"),
        ({"type": "integer", "minimum": 10, "maximum": 12}, 10),
        ({"type": "integer", "maximum": -3}, -3),
        ({"type": "number", "minimum": 90.5}, 90.5),
        ({"const": "x"}, "x"),
        ({"type": "boolean"}, True),
        ({"type": "array", "items": {"type": "integer"}}, [7]),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, {"key": 7}),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, 7),
    ],
)
def test_value_obeys_its_rules(rules: dict[str, Any], value: object) -> None:
    record = specimen({"type": "object", "properties": {"it": rules}, "required": ["it"]})

    assert record == {"it": value}


@pytest.mark.parametrize(
    "rules",
    [
        {"type": "integer", "multipleOf": 5, "minimum": 1},
        {"type": "integer", "exclusiveMinimum": 7, "maximum": 40},
        {"type": "array", "items": {"type": "integer"}, "minItems": 3},
    ],
)
def test_generated_value_stands_where_no_constant_obeys(rules: dict[str, Any]) -> None:
    document = {"type": "object", "properties": {"it": rules}, "required": ["it"]}

    record = specimen(document)

    assert record == specimen(document)
    assert Validator(document).explain(json.encode(record), violations_max=None) is None


def test_field_that_nothing_obeys_is_left_out() -> None:
    rules = {"type": "string", "enum": ["a"], "maxLength": 0}

    record = specimen({"type": "object", "properties": {"it": rules, "other": {"type": "string"}}})

    assert record == {"other": "string"}
