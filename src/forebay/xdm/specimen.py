"""
The sample record of a schema: every field once, with a value that never changes.

Where `xdm.samples` makes many records that look like data, this is the one that shows what a record
of a schema can hold (schema-catalog-profile, 1.13). It obeys the schema: where no constant does, a
generated value stands, and a field for which none is found is left out.
"""

from collections.abc import Callable, Mapping
from typing import Any

from forebay.xdm.explainer import Rules
from forebay.xdm.samples import sample

_TEXTS = {
    "date-time": "2018-11-12T20:20:39+00:00",
    "date": "2018-11-12",
    "time": "20:20:39+00:00",
    "email": "name@example.com",
    "uri": "https://example.com/path",
    "url": "https://example.com/path",
    "uri-reference": "/uri-reference",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
}
_TEXT = "string"
_INTEGER = 7
_NUMBER = 12.5
_KEY = "key"
_DEPTH_OPTIONAL_MAX = 24
"""Below this depth the record has required members only."""

_Maker = Callable[[Mapping[str, Any], int], Any]

_ABSENT = object()
"""No value was found."""


def specimen(document: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return the sample record of a validation document; always the same one.

    A required member whose rules are too intricate is missing, and then the record is not valid.
    """
    value = _value(document, 0)
    return value if isinstance(value, dict) else {}


def _value(schema: Mapping[str, Any], depth: int) -> Any:  # noqa: ANN401  any JSON value
    made = _made(schema, depth)
    # What an object or a list holds was checked when it was made.
    is_plain = schema.get("type") in {"object", "array", "boolean"} and not _has_rules(schema)
    if made is not _ABSENT and (is_plain or Rules(schema).accept(made)):
        return made
    return sample(_holding(schema), seed=0).get("it", _ABSENT)


def _holding(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {"it": schema}, "required": ["it"]}


def _has_rules(schema: Mapping[str, Any]) -> bool:
    rules = ("oneOf", "anyOf", "allOf", "not", "contains", "const", "enum", "uniqueItems")
    return any(rule in schema for rule in (*rules, "minItems", "minProperties", "maxProperties"))


def _made(schema: Mapping[str, Any], depth: int) -> Any:  # noqa: ANN401  any JSON value
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    for keyword in ("oneOf", "anyOf"):
        if schema.get(keyword):
            base = {key: rule for key, rule in schema.items() if key != keyword}
            return _made({**base, **schema[keyword][0]}, depth)
    make: _Maker = _MAKERS.get(str(schema.get("type")), _text)
    return make(schema, depth)


def _object(schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
    required = schema.get("required", ())
    made: dict[str, Any] = {}
    for name, field in schema.get("properties", {}).items():
        if depth >= _DEPTH_OPTIONAL_MAX and name not in required:
            continue
        value = _value(field, depth + 1)
        if value is not _ABSENT and (name in required or value not in ({}, [])):
            made[name] = value
    free = schema.get("additionalProperties")
    if isinstance(free, Mapping) and "properties" not in schema and depth < _DEPTH_OPTIONAL_MAX:
        value = _value(free, depth + 1)
        if value is not _ABSENT:
            made[_KEY] = value
    return made


def _array(schema: Mapping[str, Any], depth: int) -> list[Any]:
    item = _value(schema.get("items", {"type": "string"}), depth + 1)
    return [] if item is _ABSENT else [item]


def _boolean(_schema: Mapping[str, Any], _depth: int) -> bool:
    return True


def _integer(schema: Mapping[str, Any], _depth: int) -> int:
    return int(_within(schema, _INTEGER))


def _number(schema: Mapping[str, Any], _depth: int) -> float:
    return float(_within(schema, _NUMBER))


def _within(schema: Mapping[str, Any], value: float) -> float:
    """Return a value, or the bound that it lies beyond."""
    low: float = schema.get("minimum", value)
    high: float = schema.get("maximum", float("inf"))
    return min(max(value, low), high)


def _text(schema: Mapping[str, Any], _depth: int) -> str:
    text = _TEXTS.get(str(schema.get("format")), _TEXT)
    return text.ljust(schema.get("minLength", 0), "x")[: schema.get("maxLength")]


_MAKERS: dict[str, _Maker] = {
    "object": _object,
    "array": _array,
    "boolean": _boolean,
    "integer": _integer,
    "number": _number,
}
