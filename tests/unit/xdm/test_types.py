from typing import Any

import pytest

from forebay.xdm.types import xdm_type


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        ({"type": "string"}, "string"),
        ({"type": "string", "format": "uri"}, "string"),
        ({"type": "string", "format": "date"}, "date"),
        ({"type": "string", "format": "date-time"}, "date-time"),
        ({"type": "number"}, "number"),
        ({"type": "boolean"}, "boolean"),
        ({"type": "integer"}, "int"),
        ({"type": "integer", "minimum": 1, "maximum": 31}, "byte"),
        ({"type": "integer", "minimum": -128, "maximum": 128}, "byte"),
        ({"type": "integer", "minimum": 1, "maximum": 32767}, "short"),
        ({"type": "integer", "minimum": -2147483648, "maximum": 2147483648}, "int"),
        ({"type": "integer", "minimum": 0, "maximum": 9007199254740991}, "long"),
        ({"type": "integer", "minimum": 0}, "int"),
        ({"type": "integer", "maximum": 9007199254740991}, "long"),
        ({"type": "array"}, "array"),
        ({"type": "object", "properties": {}}, "object"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "map"),
        ({"type": "integer", "meta:xdmType": "long"}, "long"),
        ({}, None),
        ({"type": ["string", "null"]}, None),
    ],
)
def test_type_follows_from_the_rules(node: dict[str, Any], expected: str | None) -> None:
    assert xdm_type(node) == expected
