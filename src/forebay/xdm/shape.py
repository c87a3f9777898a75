"""From a validation document to the fields the lake makes columns of."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from forebay.xdm.fields import ArrayOf, Field, FieldType, MapOf, Object, Scalar, ScalarKind

_KINDS = {kind.value: kind for kind in ScalarKind if kind is not ScalarKind.JSON}
_OPEN = Scalar(ScalarKind.JSON)

LEVELS_MAX = 60
"""
How deep a column may be nested: Arrow and Parquet stop reading a little beyond.

What lies deeper is kept as JSON text, like all that has no shape a column could have.
"""

_LEVELS_OF_MANY = 2
"""A list or a map is two levels of a Parquet column: itself and what repeats in it."""

_NARROW = frozenset({ScalarKind.BYTE.value, ScalarKind.SHORT.value})
"""Types that a column of the lake does not tell from ``int``."""


def fields_of(document: Mapping[str, Any]) -> Object:
    """
    Return the fields of a record, in the order of the document.

    What has no one shape (alternatives, free-form objects, arrays of anything, members beside
    declared ones) is a JSON scalar; a map has values of one type. A record itself always has
    columns: members that only its alternatives declare are among them.
    """
    required = frozenset(document.get("required", ()))
    found = {name: _field(name, node) for name, node in _properties(document)}
    for keyword in ("allOf", "anyOf", "oneOf"):
        for branch in document.get(keyword, ()):
            for name, node in _properties(branch):
                field = found.setdefault(name, _field(name, node))
                if field.type != _type(node) and name not in document.get("properties", {}):
                    found[name] = msgspec.structs.replace(field, type=_OPEN)
    return Object(
        tuple(
            msgspec.structs.replace(field, is_required=name in required)
            for name, field in found.items()
        )
    )


def _field(
    name: str, node: Mapping[str, Any], room: int = LEVELS_MAX, *, is_required: bool = False
) -> Field:
    return Field(
        name=name, type=_type(node, room), is_required=is_required, doc=facts_of(name, node)
    )


def facts_of(name: str, node: Mapping[str, Any]) -> str:
    """
    Return what a field's name and type do not tell: facts, one after the other.

    For example ``short``, ``format email``, ``identity Email, primary``, ``repo:createDate``.
    """
    facts: list[str] = []
    stated = node.get("meta:xdmType")
    if stated in _NARROW:
        facts.append(str(stated))
    form = node.get("format")
    if form is not None and form != stated:
        facts.append(f"format {form}")
    identity = node.get("meta:identity")
    if identity is not None:
        facts.append(f"identity {identity}")
    standard = node.get("meta:xdmField")
    if standard is not None and standard != f"xdm:{name}":
        facts.append(str(standard))
    if node.get("meta:status") == "deprecated":
        facts.append("deprecated")
    return "; ".join(facts)


def _properties(node: Mapping[str, Any]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    properties: Mapping[str, Mapping[str, Any]] = node.get("properties", {})
    return properties.items()


def _type(node: Mapping[str, Any], room: int = LEVELS_MAX) -> FieldType:
    match node.get("type"):
        case "object":
            return _object(node, room)
        case "array":
            items = node.get("items")
            if not isinstance(items, Mapping) or room < _LEVELS_OF_MANY:
                return _OPEN
            return ArrayOf(_type(items, room - _LEVELS_OF_MANY))
        case str(plain):
            kind = str(node.get("meta:xdmType", plain))
            return Scalar(_KINDS.get(kind, _KINDS.get(plain, ScalarKind.JSON)))
        case _:
            return _OPEN


def _object(node: Mapping[str, Any], room: int) -> FieldType:
    free = node.get("additionalProperties")
    if node.get("patternProperties"):
        return _OPEN
    if node.get("properties"):
        if free is not False or not room:
            return _OPEN
        required = frozenset(node.get("required", ()))
        return Object(
            tuple(
                _field(name, member, room - 1, is_required=name in required)
                for name, member in _properties(node)
            )
        )
    if not isinstance(free, Mapping) or room < _LEVELS_OF_MANY:
        return _OPEN
    return MapOf(_type(free, room - _LEVELS_OF_MANY))
