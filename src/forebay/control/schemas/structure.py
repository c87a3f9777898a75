"""
Is this document JSON Schema that the composition engine can read?

Everything a tenant sends passes here first, so that nothing behind has to expect a number
where a map of fields belongs. What the fields mean is not judged here.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from forebay.control.schemas.errors import ResourceInvalid
from forebay.control.schemas.regular import PatternInvalid, compile_pattern
from forebay.kernel import json

DEPTH_MAX = 96
"""Nesting of arrays and objects in a resource: some forty levels of fields."""
NODES_MAX = 10_000
"""Subschemas in one resource."""
TEXT_LENGTH_MAX = 4_000
"""Characters of a title or a description."""

_SHOWN_MAX = 80
_TYPES = ("string", "number", "integer", "boolean", "object", "array")


def check_depth(value: object, *, depth_max: int = DEPTH_MAX) -> None:
    """
    Refuse a value whose arrays and objects are nested more deeply than the registry keeps.

    Raises:
        ResourceInvalid: It is too deep.
    """
    level = [value]
    for _ in range(depth_max + 1):
        level = [child for node in level for child in _children(node)]
        if not level:
            return
    raise ResourceInvalid(f"The body is nested more than {depth_max} levels deep")


def check_structure(document: dict[str, Any]) -> None:
    """
    Refuse a resource in which a keyword of JSON Schema holds something it cannot hold.

    Raises:
        ResourceInvalid: The message names the place, the value, and what belongs there.
    """
    pending: list[tuple[str, object]] = [("#", document)]
    for count, (pointer, node) in enumerate(_drain(pending)):
        if count >= NODES_MAX:
            raise ResourceInvalid(f"The resource has more than {NODES_MAX} subschemas")
        if not isinstance(node, dict):
            raise _wrong(pointer, node, "a schema (an object)")
        for keyword, value in node.items():
            check = _CHECKS.get(keyword)
            if check is not None:
                check(f"{pointer}/{keyword}", value)
        _check_labels(pointer, node)
        pending.extend(subschemas(node, pointer))


def _check_labels(pointer: str, node: Mapping[str, Any]) -> None:
    """Refuse labels of values that an enum does not allow (1.12)."""
    if "enum" not in node:
        return
    allowed = {value if isinstance(value, str) else json.shown(value) for value in node["enum"]}
    extra = [value for value in node.get("meta:enum", {}) if value not in allowed]
    if extra:
        raise ResourceInvalid(
            f"{pointer}/meta:enum has the values {json.shown(extra)}, which enum does not allow; "
            "add them to enum, or leave enum out if any value may be sent",
            pointer=f"{pointer}/meta:enum",
        )


def subschemas(node: Mapping[str, Any], pointer: str = "#") -> Iterator[tuple[str, Any]]:
    """Yield the schemas that stand in a schema, each with its pointer."""
    for keyword in ("properties", "definitions", "patternProperties"):
        for name, child in node.get(keyword, {}).items():
            yield f"{pointer}/{keyword}/{name}", child
    for keyword in ("allOf", "anyOf", "oneOf"):
        for index, child in enumerate(node.get(keyword, ())):
            yield f"{pointer}/{keyword}/{index}", child
    if "items" in node:
        yield f"{pointer}/items", node["items"]
    if isinstance(node.get("additionalProperties"), dict):
        yield f"{pointer}/additionalProperties", node["additionalProperties"]


def _drain(pending: list[tuple[str, object]]) -> Iterator[tuple[str, object]]:
    while pending:
        yield pending.pop()


def _children(node: object) -> Iterator[object]:
    if isinstance(node, dict):
        yield from node.values()
    elif isinstance(node, list):
        yield from node


def _wrong(pointer: str, value: object, expected: str) -> ResourceInvalid:
    shown = json.encode(value).decode()
    if len(shown) > _SHOWN_MAX:
        shown = f"{shown[: _SHOWN_MAX - 1]}…"
    return ResourceInvalid(f"{pointer} is {shown}; expected {expected}", pointer=pointer)


def _text(pointer: str, value: object) -> None:
    if not isinstance(value, str) or len(value) > TEXT_LENGTH_MAX:
        raise _wrong(pointer, value, f"a text of at most {TEXT_LENGTH_MAX} characters")


def _type(pointer: str, value: object) -> None:
    if not isinstance(value, str) or value not in _TYPES:
        raise _wrong(pointer, value, f"one of {', '.join(_TYPES)}")


def _schemas_by_name(pointer: str, value: object) -> None:
    if not isinstance(value, dict):
        raise _wrong(pointer, value, "an object of schemas by name")


def _schemas_by_pattern(pointer: str, value: object) -> None:
    _schemas_by_name(pointer, value)
    if isinstance(value, dict):
        for pattern in value:
            _pattern(pointer, pattern)


def _schemas(pointer: str, value: object) -> None:
    if not isinstance(value, list) or not value:
        raise _wrong(pointer, value, "a list of schemas with at least one member")


def _boolean_or_schema(pointer: str, value: object) -> None:
    if not isinstance(value, bool | dict):
        raise _wrong(pointer, value, "true, false or a schema")


def _texts(pointer: str, value: object) -> None:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _wrong(pointer, value, "a list of texts")


def _scalars(pointer: str, value: object) -> None:
    is_right = isinstance(value, list) and all(
        isinstance(item, str | int | float | bool) for item in value
    )
    if not is_right or not value:
        raise _wrong(pointer, value, "a list of texts, numbers or booleans")


def _texts_by_name(pointer: str, value: object) -> None:
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise _wrong(pointer, value, "an object of texts")


def _number(pointer: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong(pointer, value, "a number")


def _positive_number(pointer: str, value: object) -> None:
    _number(pointer, value)
    if isinstance(value, int | float) and value <= 0:
        raise _wrong(pointer, value, "a number above 0")


def _exclusive_bound(pointer: str, value: object) -> None:
    if not isinstance(value, bool):  # draft 4 writes a boolean, draft 6 the bound itself
        _number(pointer, value)


def _length(pointer: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise _wrong(pointer, value, "a whole number from 0")


def _boolean(pointer: str, value: object) -> None:
    if not isinstance(value, bool):
        raise _wrong(pointer, value, "true or false")


def _pattern(pointer: str, value: object) -> None:
    if not isinstance(value, str):
        raise _wrong(pointer, value, "a regular expression")
    try:
        compile_pattern(value)
    except PatternInvalid as error:
        raise _wrong(pointer, value, f"a regular expression ({error})") from None


_CHECKS: dict[str, Callable[[str, object], None]] = {
    "$ref": _text,
    "title": _text,
    "description": _text,
    "type": _type,
    "format": _text,
    "pattern": _pattern,
    "properties": _schemas_by_name,
    "definitions": _schemas_by_name,
    "patternProperties": _schemas_by_pattern,
    "additionalProperties": _boolean_or_schema,
    "allOf": _schemas,
    "anyOf": _schemas,
    "oneOf": _schemas,
    "required": _texts,
    "enum": _scalars,
    "minimum": _number,
    "maximum": _number,
    "exclusiveMinimum": _exclusive_bound,
    "exclusiveMaximum": _exclusive_bound,
    "multipleOf": _positive_number,
    "minLength": _length,
    "maxLength": _length,
    "minItems": _length,
    "maxItems": _length,
    "minProperties": _length,
    "maxProperties": _length,
    "uniqueItems": _boolean,
    "meta:enum": _texts_by_name,
    "meta:xdmType": _text,
    "meta:xdmField": _text,
    "meta:status": _text,
    "meta:referencedFrom": _text,
    "meta:intendedToExtend": _texts,
    "meta:immutableTags": _texts,
    "meta:extends": _texts,
}
