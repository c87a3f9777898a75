"""
A checkout of the XDM repository: from its files to the packed library that the platform loads.

What a file is, is said nowhere in it; it follows from where it lies, what it extends, and who
refers to it (decisions, 16). What is wrong with any file is found before anything is packed.
"""

import gzip
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from forebay.kernel import json
from forebay.kernel.limits import JSON_DEPTH_MAX
from forebay.xdm.conversion import convert
from forebay.xdm.keywords import malformed
from forebay.xdm.names import alt_id

Document = dict[str, Any]

FOLDERS = ("components", "schemas", "extensions")
"""Where a checkout keeps its schema files; everything else in it is something else."""
SUFFIX = ".schema.json"

_BEHAVIORS = frozenset(
    f"https://ns.adobe.com/xdm/data/{name}" for name in ("record", "time-series", "adhoc")
)
_INTENDED = "meta:intendedToExtend"
_ID_LENGTH_MAX = 500
_DEPTH_MAX = JSON_DEPTH_MAX * 2
_STATUSES = frozenset({"stable", "experimental", "deprecated"})
_NESTED = ("properties", "definitions", "patternProperties")
_LISTS = ("allOf", "oneOf", "anyOf")
_SINGLE = ("items", "additionalProperties", "not", "contains", "propertyNames")


class Component(msgspec.Struct, frozen=True):
    """One resource of a checkout."""

    kind: str
    status: str
    document: Document
    """In payload form, see `xdm.conversion`."""


class _Table(msgspec.Struct, frozen=True):
    version: str
    resources: list[Component]


def read_components(files: Mapping[str, bytes]) -> tuple[list[Component], list[str]]:
    """
    Return the components of a checkout by their ids, with texts, and what is wrong with its files.

    Only if nothing is wrong, the components are complete. Whether they can be composed is not
    tried here.

    Args:
        files: The content of the schema files, by their paths in the checkout.
    """
    documents: dict[str, Document] = {}
    faults: list[str] = []
    owners: dict[str, str] = {}
    for path, content in sorted(files.items()):
        read = _document(content)
        fault = read if isinstance(read, str) else _fault(read) or _taken(read, path, owners)
        if fault is not None:
            faults.append(f"{path}: {fault}")
        elif isinstance(read, dict):
            documents[path] = read
    if faults:
        return [], faults
    kinds = _kinds(documents)
    components = [
        Component(kinds[path], _status(document), convert(document, has_texts=True))
        for path, document in documents.items()
    ]
    return sorted(components, key=lambda component: str(component.document["$id"])), []


def pack(version: str, components: Iterable[Component]) -> bytes:
    """Return a library as `xdm.standard` reads it; the same components give the same bytes."""
    table = _Table(version, list(components))
    return gzip.compress(json.encode(table), compresslevel=9, mtime=0)


def unpack(packed: bytes) -> list[Component]:
    """
    Return the components of a packed library.

    Raises:
        ValueError: It is none.
    """
    try:
        return msgspec.json.decode(gzip.decompress(packed), type=_Table).resources
    except (OSError, EOFError, zlib.error, msgspec.MsgspecError) as error:
        raise ValueError(str(error)) from None


def _document(content: bytes) -> Document | str:
    """Return the object in a file, or what is wrong with it."""
    try:
        document = json.decode(content)
    except json.NotJson as error:
        return f"not JSON: {error}"
    return document if isinstance(document, dict) else "not a JSON object"


def _taken(document: Document, path: str, owners: dict[str, str]) -> str | None:
    """Return which earlier file has the id of this one; it is noted as this one's otherwise."""
    resource_id = document["$id"]
    for known in (resource_id, alt_id(resource_id)):
        owner = owners.setdefault(known, path)
        if owner != path:
            return f"the $id {resource_id} is also that of {owner}, or too like it"
    return None


def _fault(document: Document) -> str | None:
    resource_id = document.get("$id")
    if not isinstance(resource_id, str):
        return f"$id is {json.shown(resource_id)}; expected a URI"
    is_uri = resource_id.startswith(("https://", "http://")) and resource_id.isprintable()
    if not is_uri or len(resource_id) > _ID_LENGTH_MAX or " " in resource_id or "#" in resource_id:
        return (
            f"$id is {json.shown(resource_id)}; expected an http(s) URI without spaces and "
            f"fragment, of at most {_ID_LENGTH_MAX} characters"
        )
    for key in ("meta:extends", _INTENDED):
        value = document.get(key, [])
        if not isinstance(value, str) and not _is_texts(value):
            return f"{key} is {json.shown(value)}; expected a list of $ids"
    return _fault_in_nodes(document)


def _fault_in_nodes(document: Document) -> str | None:
    level: list[tuple[str, object]] = [("#", document)]
    for _ in range(_DEPTH_MAX):
        for place, node in level:
            if not isinstance(node, Mapping):
                return f"{place} is {json.shown(node)}; expected a schema (an object)"
            # A few files list suggested values without labels.
            fault = malformed({key: value for key, value in node.items() if key != "meta:enum"})
            if fault is not None:
                return f"{place}: {fault}"
        level = [child for place, node in level for child in _children(place, node)]
        if not level:
            return None
    return f"nested more than {_DEPTH_MAX} levels deep"


def _children(place: str, node: object) -> Iterator[tuple[str, object]]:
    if not isinstance(node, Mapping):
        return
    for key in _NESTED:
        for name, child in node.get(key, {}).items():
            yield f"{place}/{key}/{name}", child
    for key in _LISTS:
        for index, child in enumerate(node.get(key, ())):
            yield f"{place}/{key}/{index}", child
    for key in _SINGLE:
        if isinstance(node.get(key), Mapping):
            yield f"{place}/{key}", node[key]


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _status(document: Mapping[str, Any]) -> str:
    status = document.get("meta:status")
    return status if isinstance(status, str) and status in _STATUSES else "stable"


def _kinds(documents: Mapping[str, Document]) -> dict[str, str]:
    extended = {known for document in documents.values() for known in _listed(document, _INTENDED)}
    used = {ref for document in documents.values() for ref in _field_references(document)}
    return {
        path: _kind(path, document, extended=extended, used=used)
        for path, document in documents.items()
    }


def _kind(path: str, document: Document, *, extended: set[str], used: set[str]) -> str:
    """Return what a file is; the first rule that fits decides."""
    folders = set(path.split("/")[:-1])
    resource_id = document["$id"]
    if path.startswith("components/behaviors/"):
        return "behavior"
    if path.startswith("schemas/descriptors/"):
        return "descriptor"
    if _INTENDED in document:
        return "fieldgroup"
    if not _BEHAVIORS.isdisjoint(_listed(document, "meta:extends")):
        is_base = document.get("meta:abstract") is True and resource_id in extended
        return "class" if "classes" in folders or is_base else "other"
    is_type = not folders.isdisjoint({"datatypes", "common"}) or resource_id in used
    return "datatype" if is_type else "other"


def _listed(document: Mapping[str, Any], key: str) -> list[str]:
    value = document.get(key, [])
    return [value] if isinstance(value, str) else value


def _field_references(document: Document) -> Iterator[str]:
    """Yield the ids of the resources that fields of a document are made of."""
    pending: list[tuple[bool, Any]] = [(False, document)]
    while pending:
        is_field, node = pending.pop()
        if is_field and "$ref" in node:
            yield node["$ref"]
        for place, child in _children("", node):
            key = place.split("/")[1]
            pending.append((key not in {"definitions", *_LISTS}, child))
