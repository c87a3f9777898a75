"""
Merging of schema nodes: what ``allOf`` says separately becomes one node.

Both nodes apply, so rules add up: ranges narrow, required members unite, members merge deeply.
"""

from collections.abc import Callable
from typing import Any

Document = dict[str, Any]

_ALONE = frozenset(
    {"pattern", "format", "multipleOf", "const", "not", "oneOf", "anyOf", "contains"}
)
"""Rules that cannot be united into one: a second one moves into an ``allOf``."""


def merge(target: Document, part: Document) -> None:
    """
    Make `target` say what `part` says too; `part` is used up and must not be used again.

    Where the two declare different types, no value could obey both: the first declaration stands.
    """
    if target.get("type", part.get("type")) != part.get("type", target.get("type")):
        return
    for key, value in part.items():
        present = target.get(key, value)
        if key in _ALONE and present != value:
            target.setdefault("allOf", []).append({key: value})
        elif key not in target or present == value:
            target[key] = present
        else:
            target[key] = _UNIONS.get(key, _later)(present, value)


def _later(_: Any, value: Any) -> Any:  # noqa: ANN401  any JSON value
    return value


def _members(present: Document, value: Document) -> Document:
    for name, field in value.items():
        if name in present:
            merge(present[name], field)
        else:
            present[name] = field
    return present


def _node(present: Any, value: Any) -> Any:  # noqa: ANN401  a node or a boolean
    if isinstance(present, dict) and isinstance(value, dict):
        merge(present, value)
        return present
    return present if isinstance(present, dict) else value


def _names(present: list[str], value: list[str]) -> list[str]:
    return [*present, *(name for name in value if name not in present)]


def _choices(present: list[Any], value: list[Any]) -> list[Any]:
    return [choice for choice in present if choice in value] or value


_UNIONS: dict[str, Callable[[Any, Any], Any]] = {
    "properties": _members,
    "patternProperties": _members,
    "items": _node,
    "additionalProperties": _node,
    "propertyNames": _node,
    "required": _names,
    "allOf": lambda present, value: [*present, *value],
    "enum": _choices,
    "meta:enum": lambda present, value: {**present, **value},
    "dependencies": lambda present, value: {**present, **value},
    "uniqueItems": lambda present, value: present or value,
    "minimum": max,
    "exclusiveMinimum": max,
    "minLength": max,
    "minItems": max,
    "minProperties": max,
    "maximum": min,
    "exclusiveMaximum": min,
    "maxLength": min,
    "maxItems": min,
    "maxProperties": min,
}
