"""
From the standard notation to the payload form: one library document at a time.

Field names become payload names at every depth, fields with a prefix move into wrapper objects, and
only facts remain: identifiers, types, rules, references. Texts of the library are left behind
unless they are asked for (schema-catalog-profile, 2.4).
"""

from collections.abc import Iterable, Mapping
from typing import Any

from forebay.xdm.names import Path, namespace_of, payload_path

_CONTEXT = "#/definitions/@context"
"""A helper of JSON-LD that never appears in the payload form."""

_RULES = (
    "type",
    "format",
    "enum",
    "const",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "default",
    "meta:xdmType",
)
_TEXTS = ("title", "description")
_ABOUT_RESOURCE = (
    "$id",
    "meta:extends",
    "meta:intendedToExtend",
    "meta:abstract",
    "meta:extensible",
    "meta:class",
)
_SUBSCHEMA_LISTS = ("oneOf", "anyOf")

Document = dict[str, Any]


def convert(document: Mapping[str, Any], *, has_texts: bool = False) -> Document:
    """
    Return the payload form of a library document; the document is not changed.

    ``allOf`` and ``$ref`` stay (they are resolved by composition), each field carries its standard
    name as ``meta:xdmField`` and its suggested values as the list ``meta:enum``.

    Args:
        document: A resource in standard notation.
        has_texts: Whether titles, descriptions and the labels of suggested values stay, too; with
            labels ``meta:enum`` is an object.
    """
    return _Converter(has_texts=has_texts).resource(document)


class _Converter:
    def __init__(self, *, has_texts: bool) -> None:
        self._has_texts = has_texts
        self._kept = (*_RULES, *_TEXTS) if has_texts else _RULES

    def resource(self, document: Mapping[str, Any]) -> Document:
        converted: Document = {key: document[key] for key in _ABOUT_RESOURCE if key in document}
        for key in ("meta:extends", "meta:intendedToExtend"):
            if isinstance(converted.get(key), str):
                converted[key] = [converted[key]]
        converted.update(self._node(document, ()))
        if "definitions" in document:
            converted["definitions"] = {
                name: self._node(definition, ())
                for name, definition in document["definitions"].items()
                if isinstance(definition, Mapping) and name != "@context"
            }
        return converted

    def _node(self, schema: Mapping[str, Any], inside: Path) -> Document:
        node: Document = {}
        if "$ref" in schema:
            node["$ref"] = _reference(schema["$ref"])
        node.update({key: schema[key] for key in self._kept if key in schema})
        if "const" in node and node["const"] is None:
            # Stands for "no value" in two resources; as a rule it would refuse every record.
            del node["const"]
        if schema.get("meta:status") == "deprecated":
            node["meta:status"] = "deprecated"
        if schema.get("meta:enum"):
            labels = schema["meta:enum"]
            is_labelled = self._has_texts and isinstance(labels, Mapping)
            node["meta:enum"] = dict(labels) if is_labelled else list(labels)
        self._members(node, schema, inside)
        items = schema.get("items")
        if isinstance(items, Mapping):
            node["items"] = self._node(items, inside)
        parts = [
            part for part in schema.get("allOf", ()) if not part.get("$ref", "").endswith(_CONTEXT)
        ]
        if parts:
            node["allOf"] = [self._node(part, inside) for part in parts]
        for key in _SUBSCHEMA_LISTS:
            if key in schema:
                node[key] = [self._node(part, inside) for part in schema[key]]
        return node

    def _members(self, node: Document, schema: Mapping[str, Any], inside: Path) -> None:
        """Fill in what concerns the members of an object: properties, required, maps."""
        properties = schema.get("properties")
        if isinstance(properties, Mapping):
            node["properties"] = {}
            for name, field in properties.items():
                if isinstance(field, Mapping):
                    self._place(node, name, field, inside)
        for name in schema.get("required", ()):
            _require(node, payload_path(name, inside=inside))
        free = schema.get("additionalProperties")
        if isinstance(free, Mapping):
            node["additionalProperties"] = self._node(free, inside)
        elif isinstance(free, bool):
            node["additionalProperties"] = free
        for pattern, value in schema.get("patternProperties", {}).items():
            # A pattern with "://" describes names in standard notation, which no message carries;
            # the others of the library match every key.
            if "://" not in pattern and isinstance(value, Mapping):
                node["additionalProperties"] = self._node(value, inside)

    def _place(self, node: Document, name: str, field: Mapping[str, Any], inside: Path) -> None:
        path = payload_path(name, inside=inside)
        converted = self._node(field, namespace_of(name) or inside)
        converted["meta:xdmField"] = name
        holder = _wrapper(node, path[:-1])
        holder.setdefault("properties", {})[path[-1]] = converted


def _require(node: Document, path: Path) -> None:
    holder = _wrapper(node, path[:-1])
    required = holder.setdefault("required", [])
    if path[-1] not in required:
        required.append(path[-1])


def _wrapper(node: Document, path: Iterable[str]) -> Document:
    """Return the wrapper object at a path below a node; it exists afterwards."""
    for name in path:
        properties = node.setdefault("properties", {})
        node = properties.setdefault(
            name,
            {"type": "object", "meta:xdmType": "object", "meta:xedConverted": True},
        )
    return node


def _reference(reference: str) -> str:
    """Return a reference whose pointer names payload members instead of standard ones."""
    base, hash_mark, pointer = reference.partition("#")
    segments = pointer.split("/")
    converted: list[str] = []
    is_name = False
    for segment in segments:
        path = payload_path(segment) if is_name else (segment,)
        converted.append("/properties/".join(path))
        is_name = segment == "properties" and not is_name
    return base + hash_mark + "/".join(converted)
