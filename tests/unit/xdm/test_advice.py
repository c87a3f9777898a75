from typing import Any

import pytest

from forebay.kernel import json
from forebay.xdm.advice import right_instead
from support.xdm import a_validator

TEXT = {"type": "string"}


@pytest.mark.parametrize(
    ("field", "value", "right"),
    [
        ({"type": "string"}, 1, "a text in quotes"),
        ({"type": "string", "format": "date"}, "x", "a date like 2026-01-31"),
        (
            {"type": "string", "minLength": 2, "maxLength": 3, "pattern": "^[A-Z]+$"},
            "abcd",
            "a text in quotes, at least 2 characters, at most 3 characters, matching ^[A-Z]+$",
        ),
        ({"type": "string", "enum": ["a", "b"]}, "c", "one of a, b"),
        (
            {"type": "string", "enum": [f"v{n}" for n in range(20)]},
            "c",
            "one of v0, v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11 and 8 more",
        ),
        (
            {"type": "integer", "meta:xdmType": "byte"},
            300,
            "an integer, at least -128 and at most 127",
        ),
        ({"type": "number", "exclusiveMinimum": 0}, 0, "a number, more than 0"),
        ({"type": "boolean"}, "true", "true or false, without quotes"),
        ({"type": "array", "items": TEXT}, {}, "an array, each item a text in quotes"),
        ({"type": "array", "items": TEXT, "uniqueItems": True}, ["a", "a"], "every item once"),
        ({"type": "object", "properties": {"a": TEXT, "b": TEXT}}, [], "an object with a, b"),
        (
            {"type": "object", "additionalProperties": TEXT},
            "x",
            "an object with keys of your own",
        ),
        ({"type": "string"}, None, "leave the member out, or write a text in quotes"),
    ],
)
def test_the_right_value_is_told(field: dict[str, Any], value: Any, right: str) -> None:
    validator = a_validator({"f": field})
    violation = validator.explain(json.encode({"f": value}), violations_max=1)
    assert violation is not None

    assert right_instead(validator.document, violation.leaves()[0]) == right


@pytest.mark.parametrize(
    ("record", "right"),
    [
        ({"lastNam": "x"}, "did you mean lastName?"),
        ({"points": 1}, "the field lies inside _acme: _acme.points"),
        ({"zzz": 1}, "the object may have lastName, _acme, n0, n1, n2, n3, n4, n5 and 4 more"),
        ({"a [b] c": 1}, "the object may have lastName, _acme, n0, n1, n2, n3, n4, n5 and 4 more"),
    ],
)
def test_an_unknown_key_is_led_to_a_known_one(record: Any, right: str) -> None:
    more = {f"n{number}": TEXT for number in range(10)}
    validator = a_validator(
        {
            "lastName": TEXT,
            "_acme": {"type": "object", "properties": {"points": {"type": "integer"}}},
            **more,
        }
    )
    violation = validator.explain(json.encode(record), violations_max=1)
    assert violation is not None

    assert right_instead(validator.document, violation.leaves()[0]) == right


def test_a_missing_member_is_described() -> None:
    inner = {"type": "object", "properties": {"at": {"type": "string", "format": "date-time"}}}
    validator = a_validator({"order": inner | {"required": ["at"]}})
    violation = validator.explain(b'{"order":{}}', violations_max=1)
    assert violation is not None

    assert right_instead(validator.document, violation) == (
        "order.at: a time with its offset from UTC, like 2026-01-31T12:30:00Z"
    )


def test_nothing_is_said_of_what_no_rule_stands_for() -> None:
    validator = a_validator({"a": TEXT})
    violation = validator.explain(b'{"a":"1","a":"2"}', violations_max=1)
    assert violation is not None

    assert right_instead(validator.document, violation) is None
