"""
From the registry's documents back to the form of schema files.

Best effort by design: what the short form cannot say makes `None`, and the caller writes the
API's own form instead.
"""

from collections.abc import Callable, Mapping
from typing import Any

from forebay.cli.schema.fields import RULES, TYPES

Document = dict[str, Any]
Name = Callable[[str], str]
"""Turns the ``$id`` of a resource into what a file calls it."""

_TYPE_NAMES = {"int": "integer"}


def short_fields(node: Mapping[str, Any], name_of: Name) -> Document | None:
    """Return the ``fields`` of an object, None if the short form cannot say them."""
    if not set(node) <= {"type", "meta:xdmType", "properties", "required"}:
        return None
    required = node.get("required", [])
    fields: Document = {}
    for name, field in node.get("properties", {}).items():
        spec = _field(field, name_of)
        if spec is None:
            return None
        if name in required:
            spec = {"type": spec} if isinstance(spec, str) else spec
            spec["required"] = True
        fields[name] = spec
    is_whole = set(required) <= set(fields) and required == [n for n in fields if n in required]
    return fields if fields and is_whole else None


def _field(node: Mapping[str, Any], name_of: Name) -> Document | str | None:
    rest = {name: value for name, value in node.items() if name != "meta:xdmType"}
    spec = _reference(rest, name_of) if "$ref" in rest else _typed(rest, node, name_of)
    if spec is None:
        return None
    if rest.pop("meta:status", None) == "deprecated":
        spec["deprecated"] = True
    _take_choices(rest, spec)
    for name in (*RULES, "title", "description"):
        if name in rest:
            spec[name] = rest.pop(name)
    if rest:
        return None
    return spec["type"] if set(spec) == {"type"} else spec


def _reference(rest: Document, name_of: Name) -> Document | None:
    reference = str(rest.pop("$ref"))
    if reference.startswith("#"):
        return None
    rest.pop("type", None)
    return {"dataType": name_of(reference)}


def _typed(rest: Document, node: Mapping[str, Any], name_of: Name) -> Document | None:
    kind = node.get("meta:xdmType", node.get("type"))
    kind = _TYPE_NAMES.get(str(kind), str(kind))
    known = TYPES.get(kind)
    if known is None:
        return None
    for name, value in known.items():
        if rest.get(name) == value:
            del rest[name]
    if rest.pop("type", known["type"]) != known["type"]:
        return None
    spec: Document = {"type": kind}
    if kind == "object":
        inner: Document = {
            name: rest.pop(name) for name in ("properties", "required") if name in rest
        }
        fields = short_fields(inner, name_of)
        return None if fields is None else spec | {"fields": fields}
    if kind in {"array", "map"}:
        outer, member = (
            ("items", "items") if kind == "array" else ("additionalProperties", "values")
        )
        value = rest.pop(outer, None)
        short = _field(value, name_of) if isinstance(value, Mapping) else None
        if short is None:
            return None
        is_plain = kind == "array" and isinstance(short, str) and not short.endswith("[]")
        return {"type": f"{short}[]"} if is_plain else spec | {member: short}
    return spec


def _take_choices(rest: Document, spec: Document) -> None:
    labels, values = rest.get("meta:enum"), rest.get("enum")
    if values is not None and isinstance(labels, dict) and list(labels) == values:
        spec["enum"] = labels
        del rest["enum"], rest["meta:enum"]
    elif values is not None and labels is None:
        spec["enum"] = rest.pop("enum")
    elif isinstance(labels, dict) and values is None:
        spec["suggested"] = rest.pop("meta:enum")
