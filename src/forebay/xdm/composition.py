"""
Composition of a schema: class, field groups and data types become one tree of fields.

The result is the ``xed-full`` form (schema-catalog-profile, 1.7): no ``allOf``, no ``$ref``, every
field with its ``meta:xdmType``. References are resolved in the document they stand in or in the
library, never over a network. A type that contains itself is cut where it would repeat: there the
object is left open.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol
from urllib.parse import unquote

import msgspec

from forebay.kernel import limits
from forebay.kernel.errors import Disposition, PlatformError
from forebay.xdm.keywords import FIELD_KEYS, malformed
from forebay.xdm.merging import merge
from forebay.xdm.names import Path, namespace_of, payload_path
from forebay.xdm.patterns import Pattern
from forebay.xdm.types import xdm_type


class Library(Protocol):
    """Where references to other resources lead."""

    def find(self, resource_id: str) -> Mapping[str, Any] | None:
        """Return a resource in raw form by its ``$id``, None if there is none such."""


class CompositionError(PlatformError):
    """A schema refers to something that cannot be had, to itself, or is too large."""

    code = "XDM-1001"
    status = 400
    title = "Schema cannot be composed"
    disposition = Disposition.REJECT


Document = dict[str, Any]

_TREE_KEYS = frozenset(
    {"$ref", "allOf", "definitions", "properties", "required", "oneOf", "anyOf", "type"}
)
_TEXTS = ("title", "description", "meta:status", "meta:titleId", "meta:descriptionId")
_CONTEXT = "https://ns.adobe.com/xdm/common/extensible"


def compose(resource: Mapping[str, Any], library: Library) -> Document:
    """
    Return the ``xed-full`` document of a resource; neither it nor the library is changed.

    Works for schemas, classes, field groups and data types, of the tenant and of the library.

    Raises:
        CompositionError: A reference leads nowhere or in a circle, or the tree grows beyond
            `limits.JSON_DEPTH_MAX` levels or `limits.SCHEMA_FIELDS_MAX` fields. The message says
            which reference, and where it stands.
        PatternRefused: A pattern cannot be run in linear time.
    """
    composed: Document = {key: value for key, value in resource.items() if key not in _TREE_KEYS}
    start = _Here(base=resource, name=str(resource.get("$id", resource.get("title", ""))))
    tree = _Composer(library).node(resource, start)
    _finish(tree, (), 0)
    composed["type"] = tree.get("type", "object")
    composed.update((key, value) for key, value in tree.items() if key not in composed)
    composed["meta:xdmType"] = xdm_type(tree) or "object"
    return composed


def extends(resource: Mapping[str, Any], library: Library) -> list[str]:
    """
    Return the ids of everything a resource is made of, transitively, nearest first.

    That is what its ``meta:extends`` holds: class, behaviour, field groups. A reference that leads
    nowhere is listed and not followed.
    """
    found: dict[str, None] = {}
    waiting = list(_parents(resource))
    while waiting:
        identifier = waiting.pop(0)
        if identifier in found:
            continue
        found[identifier] = None
        parent = library.find(identifier)
        if parent is not None:
            waiting[:0] = _parents(parent)
    return list(found)


def _parents(resource: Mapping[str, Any]) -> Iterable[str]:
    for part in resource.get("allOf", ()):
        reference = part.get("$ref") if isinstance(part, Mapping) else None
        if isinstance(reference, str) and reference and "#" not in reference:
            yield reference
    stated = resource.get("meta:extends", ())
    yield from (stated,) if isinstance(stated, str) else stated


class _Here(msgspec.Struct, frozen=True):
    """Where composition stands: in which document, under which references."""

    base: Mapping[str, Any]
    name: str
    """The document's id, for messages."""
    place: str = "#"
    """Path of payload names from the root of the schema, for messages."""
    in_place: tuple[str, ...] = ()
    """References that led here without passing through a field: one twice is a circle."""
    above: frozenset[str] = frozenset()
    """References that led here at all: one twice is recursion, which is cut."""
    depth: int = 0

    def below(self, name: str) -> "_Here":
        """Return the place of a field, an item or a value."""
        return msgspec.structs.replace(
            self,
            place=f"{self.place}/{name}",
            in_place=(),
            above=self.above.union(self.in_place),
            depth=self.depth + 1,
        )


class _Composer:
    def __init__(self, library: Library) -> None:
        self._library = library
        self._fields = 0

    def node(self, schema: Mapping[str, Any], here: _Here) -> Document:
        """Return a fresh tree: references and ``allOf`` merged, children resolved."""
        self._guard(schema, here)
        merged: Document = {}
        reference = schema.get("$ref")
        if isinstance(reference, str):
            merge(merged, self._referenced(reference, here))
        for part in schema.get("allOf", ()):
            resolved = self.node(part, here)
            for text in _TEXTS:
                resolved.pop(text, None)
            merge(merged, resolved)
        merge(merged, self._own(schema, here))
        return merged

    def _guard(self, schema: Mapping[str, Any], here: _Here) -> None:
        if not isinstance(schema, Mapping):
            raise CompositionError(
                f"{here.name} at {here.place}: {schema!r:.60} is not a schema; expected an object"
            )
        fault = malformed(schema)
        if fault is not None:
            raise CompositionError(f"{here.name} at {here.place[:120]}: {fault}")
        if here.depth > limits.JSON_DEPTH_MAX or len(here.in_place) > limits.JSON_DEPTH_MAX:
            raise CompositionError(
                f"{here.name} at {here.place[:120]}: nested more than"
                f" {limits.JSON_DEPTH_MAX} levels deep"
            )

    def _own(self, schema: Mapping[str, Any], here: _Here) -> Document:
        own: Document = {key: value for key, value in schema.items() if key in FIELD_KEYS}
        for pattern in (*schema.get("patternProperties", ()), *_stated(schema, "pattern")):
            Pattern(pattern)  # refuses here, at the resource's owner, what could not be run later
        properties = schema.get("properties")
        if isinstance(properties, Mapping):
            own["properties"] = {
                name: self._field(field, here.below(name)) for name, field in properties.items()
            }
        if schema.get("required"):
            _require(own, schema["required"])
        if "patternProperties" in schema:
            own["patternProperties"] = {
                pattern: self._field(value, here.below(pattern))
                for pattern, value in schema["patternProperties"].items()
            }
        for key in ("items", "additionalProperties", "not", "contains", "propertyNames"):
            value = schema.get(key)
            if isinstance(value, Mapping):
                own[key] = self._field(value, here.below(key))
            elif isinstance(value, bool):
                own[key] = value
        for key in ("oneOf", "anyOf"):
            if schema.get(key):
                own[key] = [self._field(part, here.below(key)) for part in schema[key]]
        return own

    def _field(self, schema: Mapping[str, Any], here: _Here) -> Document:
        self._fields += 1
        if self._fields > limits.SCHEMA_FIELDS_MAX:
            raise CompositionError(
                f"{here.name}: more than {limits.SCHEMA_FIELDS_MAX} fields in one schema"
            )
        node = self.node(schema, here)
        reference = schema.get("$ref")
        if isinstance(reference, str) and not reference.startswith("#"):
            node.setdefault("meta:referencedFrom", reference.partition("#")[0])
        return node

    def _referenced(self, reference: str, here: _Here) -> Document:
        base_id, _, pointer = reference.partition("#")
        if base_id == _CONTEXT:
            return {}
        base = self._base(base_id, here)
        key = f"{base.get('$id', here.name)}#{pointer}"
        if key in here.in_place:
            raise CompositionError(
                f"{here.name} at {here.place}: $ref {reference} leads back to itself",
                ref=reference,
            )
        if key in here.above:
            return {"type": "object", "meta:xdmType": "object"}
        target = _walk(base, pointer)
        if target is None:
            raise CompositionError(
                f"{here.name} at {here.place}: $ref {reference} leads to nothing", ref=reference
            )
        resolved = self.node(
            target,
            msgspec.structs.replace(
                here,
                base=base,
                name=str(base.get("$id", here.name)),
                in_place=(*here.in_place, key),
            ),
        )
        if target is base:
            for text in ("meta:status", "meta:titleId", "meta:descriptionId"):
                resolved.pop(text, None)
        return resolved

    def _base(self, base_id: str, here: _Here) -> Mapping[str, Any]:
        if not base_id or base_id == here.base.get("$id"):
            return here.base
        found = self._library.find(base_id)
        if found is None:
            raise CompositionError(
                f"{here.name} at {here.place}: $ref {base_id} is not a resource of this sandbox"
                " or of the standard library; references are never fetched",
                ref=base_id,
            )
        return found


def _stated(schema: Mapping[str, Any], key: str) -> tuple[str, ...]:
    return (schema[key],) if key in schema else ()


def _walk(document: Mapping[str, Any], pointer: str) -> Mapping[str, Any] | None:
    node: Any = document
    for segment in unquote(pointer).split("/"):
        if not segment:
            continue
        name = segment.replace("~1", "/").replace("~0", "~")
        if not isinstance(node, Mapping) or name not in node:
            return None
        node = node[name]
    return node if isinstance(node, Mapping) else None


def _require(own: Document, names: Iterable[str]) -> None:
    """Note required members; a name in standard notation may lie inside a wrapper object."""
    for name in names:
        holder = own
        *outer, last = payload_path(name)
        for wrapper in outer:
            holder = holder.setdefault("properties", {}).setdefault(
                wrapper, {"type": "object", "meta:xedConverted": True}
            )
        required = holder.setdefault("required", [])
        if last not in required:
            required.append(last)


def _finish(node: Document, inside: Path, depth: int) -> None:
    """Complete a merged tree: types, names that repeat a namespace, required wrappers."""
    if "properties" in node:
        node.setdefault("type", "object")
        _hoist(node, inside)
    elif "items" in node:
        node.setdefault("type", "array")
    for name, field in node.get("properties", {}).items():
        own = namespace_of(str(field.get("meta:xdmField", "")))
        _finish(field, own or inside, depth + 1)
        if field.get("required") and _is_namespace(name, field):
            required = node.setdefault("required", [])
            if name not in required:
                required.append(name)
    for child in _inner(node):
        _finish(child, inside, depth + 1)
    kind = xdm_type(node)
    if kind is not None:
        node["meta:xdmType"] = kind


def _inner(node: Document) -> list[Document]:
    children = [*node.get("patternProperties", {}).values()]
    keys = ("items", "additionalProperties", "not", "contains", "propertyNames")
    children.extend(node[key] for key in keys if isinstance(node.get(key), dict))
    for key in ("oneOf", "anyOf"):
        children.extend(node.get(key, ()))
    return children


def _is_namespace(name: str, field: Mapping[str, Any]) -> bool:
    """
    Say whether an object only groups names: a conversion wrapper or the tenant's own object.

    A required field inside makes it required too. Any other optional object with required members
    stays optional (schema-catalog-profile, 1.7; Adobe's guide to required fields).
    """
    if field.get("meta:xedConverted"):
        return True
    return name.startswith("_") and "meta:xdmField" not in field and "properties" in field


def _hoist(node: Document, inside: Path) -> None:
    """Move fields out of wrappers that repeat the namespace the node lies in (decisions, 15)."""
    holders = [node]
    for name in inside:
        wrapper = holders[-1].get("properties", {}).get(name)
        if not isinstance(wrapper, dict) or not wrapper.get("meta:xedConverted"):
            return
        holders.append(wrapper)
    if len(holders) == 1:
        return
    innermost = holders[-1]
    moved = {
        name: field
        for name, field in innermost.get("properties", {}).items()
        if namespace_of(str(field.get("meta:xdmField", ""))) == inside
    }
    needed = [name for name in innermost.get("required", ()) if name in moved]
    for name in moved:
        del innermost["properties"][name]
    innermost["required"] = [name for name in innermost.get("required", ()) if name not in moved]
    for holder, name in reversed(list(zip(holders, inside, strict=False))):
        if not holder["properties"][name].get("properties"):
            del holder["properties"][name]
            holder["required"] = [other for other in holder.get("required", ()) if other != name]
    for holder in holders:
        if holder.get("required") == []:
            del holder["required"]
    merge(node, {"properties": moved, **({"required": needed} if needed else {})})
