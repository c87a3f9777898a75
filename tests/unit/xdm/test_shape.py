from typing import Any

import pytest

from forebay.xdm.fields import ArrayOf, Field, FieldType, MapOf, Object, Scalar, ScalarKind
from forebay.xdm.shape import fields_of
from support.xdm import a_validator

STRING = Scalar(ScalarKind.STRING)
JSON = Scalar(ScalarKind.JSON)


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        ({"type": "string"}, STRING),
        ({"type": "string", "enum": ["a"]}, STRING),
        ({"type": "string", "oneOf": [{"format": "ipv4"}, {"format": "ipv6"}]}, STRING),
        ({"type": "string", "format": "date"}, Scalar(ScalarKind.DATE)),
        ({"type": "string", "format": "date-time"}, Scalar(ScalarKind.DATE_TIME)),
        ({"type": "string", "format": "time"}, STRING),
        ({"type": "boolean"}, Scalar(ScalarKind.BOOLEAN)),
        ({"type": "number"}, Scalar(ScalarKind.NUMBER)),
        ({"type": "integer"}, Scalar(ScalarKind.INT)),
        ({"type": "integer", "minimum": 1, "maximum": 31}, Scalar(ScalarKind.BYTE)),
        ({"type": "integer", "meta:xdmType": "long"}, Scalar(ScalarKind.LONG)),
        ({"type": "array", "items": {"type": "string"}}, ArrayOf(STRING)),
        ({"type": "array"}, JSON),
        ({"type": "object", "additionalProperties": {"type": "string"}}, MapOf(STRING)),
        ({"type": "object"}, JSON),
        ({"type": "object", "properties": {}}, JSON),
        (
            {"type": "object", "properties": {"b": {"type": "string"}}},
            Object((Field(name="b", type=STRING),)),
        ),
        ({"properties": {"b": {}}, "additionalProperties": {"type": "string"}}, JSON),
        ({"type": "object", "patternProperties": {"a": {"type": "string"}}}, JSON),
        ({"oneOf": [{"type": "string"}, {"type": "object"}]}, JSON),
        ({}, JSON),
    ],
)
def test_node_has_the_lakes_type(node: dict[str, Any], expected: FieldType) -> None:
    fields = a_validator({"a": node}).fields

    assert fields.by_name()["a"].type == expected


def test_fields_keep_the_order_of_the_document_and_say_what_is_required() -> None:
    fields = fields_of({"properties": {"b": {}, "a": {}}, "required": ["a"]})

    assert [(field.name, field.is_required) for field in fields.fields] == [
        ("b", False),
        ("a", True),
    ]


def test_members_that_only_alternatives_declare_are_columns() -> None:
    text, number = {"type": "string"}, {"type": "number"}

    fields = fields_of(
        {
            "properties": {"a": text},
            "oneOf": [
                {"properties": {"a": number, "b": text, "c": text}},
                {"properties": {"b": number, "c": text}},
            ],
        }
    )

    assert {field.name: field.type for field in fields.fields} == {
        "a": STRING,
        "b": JSON,
        "c": STRING,
    }


@pytest.mark.parametrize(
    ("node", "facts"),
    [
        ({"type": "string", "meta:xdmType": "string"}, ""),
        ({"type": "string", "format": "date-time", "meta:xdmType": "date-time"}, ""),
        ({"type": "string", "format": "email", "meta:xdmType": "string"}, "format email"),
        ({"type": "integer", "meta:xdmType": "short"}, "short"),
        ({"type": "integer", "meta:xdmType": "int"}, ""),
        ({"type": "string", "meta:xdmField": "xdm:a"}, ""),
        (
            {
                "type": "string",
                "format": "uri",
                "meta:xdmField": "repo:a",
                "meta:identity": "CRM, primary",
                "meta:status": "deprecated",
            },
            "format uri; identity CRM, primary; repo:a; deprecated",
        ),
    ],
)
def test_field_tells_the_facts_that_its_name_and_type_do_not(
    node: dict[str, Any], facts: str
) -> None:
    (field,) = fields_of({"properties": {"a": node}}).fields

    assert field.doc == facts
