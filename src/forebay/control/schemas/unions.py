"""
Unions: all schemas of one class that take part in Profile, seen as one schema (1.11).

A union is never kept: it is made from its members whenever somebody asks, so it always tells
what they are now. Its members have to agree on the type of every path that two of them have;
`conflict` finds where they do not, before a change is kept.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from forebay.control.schemas.model import NAMESPACE_URI, StoredResource, is_union_tagged
from forebay.control.scope import Scope
from forebay.xdm.composition import Library, compose, extends
from forebay.xdm.keywords import LOWER_BOUNDS, UPPER_BOUNDS
from forebay.xdm.names import alt_id
from forebay.xdm.types import INTEGER_RANGES, xdm_type
from forebay.xdm.values import is_number

Document = dict[str, Any]

_SUFFIX = "__union"
_IDENTITY_MAP = f"{NAMESPACE_URI}xdm/context/identitymap"
_SEGMENTS = f"{NAMESPACE_URI}xdm/context/profile-segmentation"
_EVENT = f"{NAMESPACE_URI}xdm/context/experienceevent"
_NODES = ("items", "additionalProperties")
_TEXTS = ("title", "description", "meta:xdmField", "meta:referencedFrom")
_INTEGERS = tuple(INTEGER_RANGES)
"""From the narrowest to the widest."""


class Conflict(msgspec.Struct, frozen=True):
    """A path that two schemas declare with types of which no value can have both."""

    path: str
    kinds: tuple[str, str]
    owners: tuple[str, str]

    def __str__(self) -> str:
        return (
            f"{self.path} is of type {self.kinds[0]} in {self.owners[0]} and of type "
            f"{self.kinds[1]} in {self.owners[1]}; both need the same type, or different names"
        )


def is_union_id(resource_id: str) -> bool:
    """Say whether an id, in either of its forms, is a union's."""
    return resource_id.endswith(_SUFFIX)


def union_id(class_id: str) -> str:
    """Return the ``$id`` of the union of a class."""
    return f"{class_id}{_SUFFIX}"


def members_by_class(schemas: Iterable[StoredResource]) -> dict[str, list[StoredResource]]:
    """Return the schemas that carry the union tag, by the ``$id`` of their class."""
    members: dict[str, list[StoredResource]] = {}
    for schema in schemas:
        if is_union_tagged(schema.document):
            members.setdefault(schema.document["meta:class"], []).append(schema)
    return members


def raw_union(
    scope: Scope, base: Mapping[str, Any], members: Sequence[StoredResource], library: Library
) -> Document:
    """Return the union of a class in raw form: references to its members and system fields."""
    refs = [member.resource_id for member in members]
    title = base.get("title", base["$id"])
    union: Document = {
        "$id": union_id(base["$id"]),
        "meta:altId": f"{alt_id(base['$id'])}{_SUFFIX}",
        "meta:resourceType": "unions",
        "version": "1.0",
        "title": f"Union object for {title}",
        "type": "object",
        "description": f"All schemas of the class {title} that take part in Profile",
        "allOf": [
            {"$ref": ref, "type": "object", "meta:xdmType": "object"}
            for ref in (*refs, _IDENTITY_MAP, _SEGMENTS)
        ],
        "properties": {
            "timeSeriesEvents": {
                "title": "Time-series Events",
                "type": "array",
                "items": {"$ref": _EVENT},
                "meta:xdmType": "array",
            }
        },
        "meta:class": base["$id"],
        "meta:abstract": False,
        "meta:extensible": False,
        "meta:immutableTags": ["union"],
        "refs": [*refs, _IDENTITY_MAP, _SEGMENTS, _EVENT],
        "imsOrg": scope.org_id,
        "meta:xdmType": "object",
        "meta:containerId": "tenant",
        "meta:sandboxId": scope.sandbox_id,
        "meta:sandboxType": scope.sandbox_type,
        "meta:tenantNamespace": f"_{scope.tenant_id}",
    }
    union["meta:extends"] = extends(union, library)
    return union


def composed_union(
    raw: Mapping[str, Any], members: Sequence[StoredResource], library: Library
) -> Document:
    """
    Return the union with the fields of all its members in one tree.

    What only some members demand of a field, the union does not: a value that one member
    allows is one that the union can hold.
    """
    merged: Document = {}
    for member in members:
        composed = compose(member.document, library)
        merged = _widened(merged, composed) if merged else _tree(composed)
    system = compose({**raw, "allOf": raw["allOf"][len(members) :]}, library)
    kept = {key: value for key, value in raw.items() if key not in {"allOf", "properties"}}
    fields = {**merged.get("properties", {})}
    for name, field in system["properties"].items():
        fields.setdefault(name, field)
    required = {"required": merged["required"]} if merged.get("required") else {}
    return kept | {"properties": fields} | required


def conflict(
    parts: Iterable[tuple[str, Mapping[str, Any]]], *, settled: Container[str] = ()
) -> Conflict | None:
    """
    Return the first path at which two composed documents contradict each other.

    Args:
        parts: How messages name a document, and the document.
        settled: Names of documents between which contradictions are none of ours.
    """
    known: dict[str, tuple[str, str]] = {}
    for owner, composed in parts:
        for path, kind in _kinds("", composed):
            other, first_owner = known.setdefault(path, (kind, owner))
            is_settled = owner in settled and first_owner in settled
            if not _agree(other, kind) and not is_settled:
                return Conflict(path, (other, kind), (first_owner, owner))
    return None


def kinds(composed: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    """Return the paths of a composed document with their types."""
    return frozenset(_kinds("", composed))


def _kinds(path: str, node: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    kind = xdm_type(node)
    if path and kind is not None:
        yield path, kind
    for name, field in node.get("properties", {}).items():
        yield from _kinds(f"{path}/{name}", field)
    for keyword in _NODES:
        inner = node.get(keyword)
        if isinstance(inner, Mapping):
            yield from _kinds(f"{path}/*", inner)


def _agree(one: str, other: str) -> bool:
    return one == other or (one in _INTEGERS and other in _INTEGERS)


def _tree(composed: Document) -> Document:
    return {key: composed[key] for key in ("type", "properties", "required") if key in composed}


def _widened(one: Mapping[str, Any], other: Mapping[str, Any]) -> Document:
    """Return a node that allows what either of two nodes allows."""
    result: Document = {key: one[key] for key in one if key in other and one[key] == other[key]}
    result |= {text: one.get(text, other.get(text)) for text in _TEXTS if text in {*one, *other}}
    for keyword in ("properties", "patternProperties"):
        if one.get(keyword) or other.get(keyword):
            result[keyword] = _fields(one.get(keyword, {}), other.get(keyword, {}))
    for keyword in _NODES:
        if isinstance(one.get(keyword), Mapping) and isinstance(other.get(keyword), Mapping):
            result[keyword] = _widened(one[keyword], other[keyword])
    if True in (one.get("additionalProperties"), other.get("additionalProperties")):
        result["additionalProperties"] = True
    result.pop("required", None)
    return result | _widened_rules(one, other)


def _widened_rules(one: Mapping[str, Any], other: Mapping[str, Any]) -> Document:
    rules: Document = {}
    for keywords, loosest in ((LOWER_BOUNDS, min), (UPPER_BOUNDS, max)):
        for key in keywords:
            if _are_numbers(one, other, key):
                rules[key] = loosest([one[key], other[key]])
    if "enum" in one and "enum" in other:
        rules["enum"] = list(dict.fromkeys([*one["enum"], *other["enum"]]))
    if "meta:enum" in one or "meta:enum" in other:
        rules["meta:enum"] = {**other.get("meta:enum", {}), **one.get("meta:enum", {})}
    demanded = frozenset(other.get("required", ()))
    required = [name for name in one.get("required", ()) if name in demanded]
    if required:
        rules["required"] = required
    kinds_found = xdm_type(one), xdm_type(other)
    if all(kind in _INTEGERS for kind in kinds_found):
        rules["meta:xdmType"] = max(kinds_found, key=lambda kind: _INTEGERS.index(str(kind)))
    return rules


def _are_numbers(one: Mapping[str, Any], other: Mapping[str, Any], key: str) -> bool:
    """Say whether both have a bound; draft 4 writes booleans for bounds that are excluded."""
    return is_number(one.get(key)) and is_number(other.get(key))


def _fields(one: Mapping[str, Any], other: Mapping[str, Any]) -> Document:
    shared = {name: _widened(field, other[name]) for name, field in one.items() if name in other}
    return {**one, **other, **shared}
