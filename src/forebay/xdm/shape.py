"""From a validation document to the fields the lake makes columns of."""

from collections.abc import Mapping
from typing import Any

from forebay.xdm.fields import ArrayOf, Field, FieldType, MapOf, Object, Scalar, ScalarKind

_KINDS = {kind.value: kind for kind in ScalarKind if kind is not ScalarKind.JSON}
_OPEN = Scalar(ScalarKind.JSON)


def fields_of(document: Mapping[str, Any]) -> Object:
    """
    Return the fields of a record, in the order of the document.

    What has no one shape (alternatives, free-form objects, arrays of anything, members beside
    declared ones) is a JSON scalar; a map has values of one type.
    """
    required = frozenset(document.get("required", ()))
    return Object(
        tuple(
            Field(name=name, type=_type(node), is_required=name in required)
            for name, node in document.get("properties", {}).items()
        )
    )


def _type(node: Mapping[str, Any]) -> FieldType:
    match node.get("type"):
        case "object":
            return _object(node)
        case "array":
            items = node.get("items")
            return ArrayOf(_type(items)) if isinstance(items, Mapping) else _OPEN
        case str(plain):
            kind = str(node.get("meta:xdmType", plain))
            return Scalar(_KINDS.get(kind, _KINDS.get(plain, ScalarKind.JSON)))
        case _:
            return _OPEN


def _object(node: Mapping[str, Any]) -> FieldType:
    free = node.get("additionalProperties")
    if node.get("patternProperties"):
        return _OPEN
    if node.get("properties"):
        return fields_of(node) if free is False else _OPEN
    return MapOf(_type(free)) if isinstance(free, Mapping) else _OPEN
