"""
The validation document: what the records of a schema must obey, and nothing else.

Made from the composed schema and its descriptors. Published schemas do not forbid unknown members;
the validator does, at every object that declares some (decisions, 9). The same schema always gives
the same bytes, so their digest names the version a record was validated under.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from forebay.kernel import json
from forebay.xdm.types import INTEGER_RANGES, xdm_type

Document = dict[str, Any]

_PLAIN = (
    "type",
    "meta:xdmType",
    "format",
    "enum",
    "const",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "exclusiveMinimum",
    "maximum",
    "exclusiveMaximum",
    "multipleOf",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "required",
    "dependencies",
)


def validation_document(
    composed: Mapping[str, Any], descriptors: Sequence[Mapping[str, Any]] = ()
) -> Document:
    """
    Return the rules for records of a composed schema, as JSON Schema (draft 6).

    A primary identity descriptor makes every level of its path required and its value not empty
    (flow-and-collection, 16.6). A descriptor whose path the schema does not have has no effect;
    `find_field` says beforehand whether it does.

    A few facts that are no rules stay, for the columns of the lake: ``meta:xdmField`` where the
    name does not tell it, ``meta:status`` of deprecated fields, ``meta:identity``.
    """
    document = _strict(composed, is_closed=True)
    document.setdefault("type", "object")
    for descriptor in descriptors:
        _note_identity(document, descriptor)
        if _is_primary_identity(descriptor):
            _demand(document, _segments(descriptor))
    return document


def digest(document: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a validation document, in hexadecimal."""
    return hashlib.sha256(json.encode(document)).hexdigest()


def find_field(composed: Mapping[str, Any], source_property: str) -> Mapping[str, Any] | None:
    """Return the field at a descriptor's slash path of payload names, None if there is none."""
    node = composed
    for name in _split(source_property):
        properties = node.get("properties", {})
        if name not in properties:
            return None
        node = properties[name]
    return node


def _strict(node: Mapping[str, Any], *, is_closed: bool) -> Document:
    strict: Document = {key: node[key] for key in _PLAIN if key in node}
    if strict.get("format") == "url":
        strict["format"] = "uri"
    _exclude(strict, "minimum", "exclusiveMinimum")
    _exclude(strict, "maximum", "exclusiveMaximum")
    kind = xdm_type(node)
    if kind is not None:
        strict["meta:xdmType"] = kind
    if node.get("type") == "integer":
        _bound(strict, *INTEGER_RANGES.get(str(kind), INTEGER_RANGES["int"]))
    if not strict.get("required", True):
        del strict["required"]
    _members(strict, node, is_closed=is_closed)
    for key in ("items", "not", "contains", "propertyNames"):
        if isinstance(node.get(key), Mapping):
            strict[key] = _strict(node[key], is_closed=key == "items")
    for key in ("oneOf", "anyOf", "allOf"):
        if node.get(key):
            is_alone = key != "allOf" and "properties" not in node
            strict[key] = [_strict(part, is_closed=is_alone) for part in node[key]]
    return strict


def _members(strict: Document, node: Mapping[str, Any], *, is_closed: bool) -> None:
    properties = node.get("properties")
    if properties:
        strict["properties"] = {
            name: {**_strict(field, is_closed=True), **_facts(name, field)}
            for name, field in properties.items()
        }
    if node.get("patternProperties"):
        strict["patternProperties"] = {
            pattern: _strict(value, is_closed=True)
            for pattern, value in node["patternProperties"].items()
        }
    free = node.get("additionalProperties")
    if isinstance(free, Mapping):
        strict["additionalProperties"] = _strict(free, is_closed=True)
    elif free is False or (properties and is_closed and not _branches_declare_members(node)):
        strict["additionalProperties"] = False


def _facts(name: str, field: Mapping[str, Any]) -> Document:
    """Return what readers of the lake may want to know of a field and its rules do not say."""
    facts: Document = {}
    standard = field.get("meta:xdmField")
    if isinstance(standard, str) and standard != f"xdm:{name}":
        facts["meta:xdmField"] = standard
    if field.get("meta:status") == "deprecated":
        facts["meta:status"] = "deprecated"
    return facts


def _branches_declare_members(node: Mapping[str, Any]) -> bool:
    return any(
        "properties" in part for key in ("oneOf", "anyOf", "allOf") for part in node.get(key, ())
    )


def _exclude(strict: Document, inclusive: str, exclusive: str) -> None:
    """Turn draft 4's boolean exclusion into a bound of its own."""
    flag = strict.get(exclusive)
    if not isinstance(flag, bool):
        return
    del strict[exclusive]
    if flag and inclusive in strict:
        strict[exclusive] = strict.pop(inclusive)


def _bound(strict: Document, low: int, high: int) -> None:
    """Narrow an integer to what its type can hold, whatever wider bounds the schema states."""
    strict["minimum"] = max(strict.get("minimum", low), low)
    strict["maximum"] = min(strict.get("maximum", high), high)


def _note_identity(document: Document, descriptor: Mapping[str, Any]) -> None:
    """Say at a field that it is an identity, and in which namespace."""
    path = _segments(descriptor)
    if descriptor.get("@type") != "xdm:descriptorIdentity" or not path:
        return
    node = find_field(document, "/".join(path))
    if isinstance(node, dict):
        primary = ", primary" if _is_primary_identity(descriptor) else ""
        node["meta:identity"] = f"{_member(descriptor, 'namespace')}{primary}"


def _is_primary_identity(descriptor: Mapping[str, Any]) -> bool:
    return (
        descriptor.get("@type") == "xdm:descriptorIdentity"
        and _member(descriptor, "isPrimary") is True
    )


def _member(descriptor: Mapping[str, Any], name: str) -> object:
    """Return a member of a descriptor, with or without its prefix."""
    return descriptor.get("xdm:" + name, descriptor.get(name))


def _segments(descriptor: Mapping[str, Any]) -> list[str]:
    source = _member(descriptor, "sourceProperty")
    return _split(source) if isinstance(source, str) else []


def _split(source_property: str) -> list[str]:
    return [segment for segment in source_property.split("/") if segment]


def _demand(document: Document, path: Sequence[str]) -> None:
    if not path or find_field(document, "/".join(path)) is None:
        return
    node = document
    for name in path:
        required = node.setdefault("required", [])
        if name not in required:
            node["required"] = [*required, name]
        node = node["properties"][name]
    if node.get("type") == "string":
        node["minLength"] = max(node.get("minLength", 1), 1)
