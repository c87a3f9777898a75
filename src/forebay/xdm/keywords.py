"""The keywords of a schema node that composition keeps, and what their values must look like."""

from collections.abc import Callable, Mapping
from typing import Any

from forebay.xdm.values import is_integer, is_number

LOWER_BOUNDS = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
UPPER_BOUNDS = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")


def _is_count(value: object) -> bool:
    return is_integer(value) and isinstance(value, int) and value >= 0


def _is_strings(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_nodes(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, Mapping) for item in value)


def _is_members(value: object) -> bool:
    return isinstance(value, Mapping) and all(isinstance(item, Mapping) for item in value.values())


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_bound(value: object) -> bool:
    """A boolean is how draft 4 says that the bound itself is excluded."""
    return is_number(value) or isinstance(value, bool)


_TYPES = {"string", "integer", "number", "boolean", "object", "array", "null"}


def _is_type(value: object) -> bool:
    return value in _TYPES if isinstance(value, str) else _is_strings(value)


def _is_node(value: object) -> bool:
    return isinstance(value, Mapping)


def _is_dependencies(value: object) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(item, Mapping) or _is_strings(item) for item in value.values()
    )


_SHAPES: dict[str, tuple[Callable[[object], bool], str]] = {
    "$ref": (_is_text, "a string"),
    "type": (_is_type, "one of " + ", ".join(sorted(_TYPES))),
    "format": (_is_text, "a string"),
    "pattern": (_is_text, "a string"),
    "meta:xdmType": (_is_text, "a string"),
    "meta:xdmField": (_is_text, "a string"),
    "enum": (lambda value: isinstance(value, list) and bool(value), "a list of values"),
    "required": (_is_strings, "a list of names"),
    "properties": (_is_members, "an object of schemas"),
    "patternProperties": (_is_members, "an object of schemas"),
    "definitions": (_is_node, "an object"),
    "dependencies": (_is_dependencies, "an object of name lists or schemas"),
    "items": (_is_node, "a schema"),
    "not": (_is_node, "a schema"),
    "contains": (_is_node, "a schema"),
    "propertyNames": (_is_node, "a schema"),
    "additionalProperties": (
        lambda value: isinstance(value, bool | Mapping),
        "a schema, true or false",
    ),
    "allOf": (_is_nodes, "a list of schemas"),
    "oneOf": (_is_nodes, "a list of schemas"),
    "anyOf": (_is_nodes, "a list of schemas"),
    "meta:enum": (_is_node, "an object of labels by value"),
    "uniqueItems": (lambda value: isinstance(value, bool), "true or false"),
    "multipleOf": (
        lambda value: is_number(value) and isinstance(value, int | float) and value > 0,
        "a number above 0",
    ),
    **dict.fromkeys(("minimum", "maximum"), (is_number, "a number")),
    **dict.fromkeys(("exclusiveMinimum", "exclusiveMaximum"), (_is_bound, "a number")),
    **dict.fromkeys(
        ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"),
        (_is_count, "an integer, 0 or more"),
    ),
}

FIELD_KEYS = (
    frozenset(_SHAPES)
    - {"$ref", "allOf", "definitions", "properties", "patternProperties", "required"}
    - {"items", "not", "contains", "propertyNames", "additionalProperties", "oneOf", "anyOf"}
) | {
    "const",
    "default",
    "examples",
    "title",
    "description",
    "meta:status",
    "meta:titleId",
    "meta:descriptionId",
    "meta:xedConverted",
}
"""Keywords that say something about a field itself and are copied as they are."""


def malformed(schema: Mapping[str, Any]) -> str | None:
    """Return what is wrong with the shape of a node's own keywords, None if nothing is."""
    for key, value in schema.items():
        shape = _SHAPES.get(key)
        if shape is not None and not shape[0](value):
            return f"{key} is {value!r:.60}; expected {shape[1]}"
    return None
