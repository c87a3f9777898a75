"""
From what a client sends to a registry resource: checked, completed, not yet kept.

The read-only attributes (1.7) are derived here and nowhere else, on creation and on every
change alike, so that a resource always tells the truth about what it refers to.
"""

import copy
import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from forebay.control.schemas.errors import FieldGroupIncompatible, ResourceInvalid
from forebay.control.schemas.library import type_of
from forebay.control.schemas.model import (
    ADHOC,
    READ_ONLY_MEMBERS,
    TIME_SERIES,
    ResourceType,
    tenant_namespace,
)
from forebay.control.schemas.namespace import check_names, check_namespace
from forebay.control.schemas.structure import check_depth, check_structure, subschemas
from forebay.control.scope import Actor, Scope
from forebay.kernel import json
from forebay.xdm.composition import Library, extends
from forebay.xdm.names import alt_id
from forebay.xdm.types import xdm_type

TITLE_LENGTH_MAX = 255
RAW_EVENT_REQUIRED = ("@id", "xdm:timestamp")
"""What the raw form of an event schema requires, in standard notation (1.7)."""

_ADHOC_FIELDS = "_adhoc"
_DATASET_NAMESPACE_DIGITS = 32

_XDM_TYPES = {
    "string": ("string", "date", "date-time"),
    "number": ("number",),
    "integer": ("int", "long", "short", "byte"),
    "boolean": ("boolean",),
    "object": ("object", "map"),
    "array": ("array",),
}

Document = dict[str, Any]


def build(
    scope: Scope, resource_type: ResourceType, resource_id: str, body: object, library: Library
) -> Document:
    """
    Return the resource that a request body describes, with its derived attributes.

    Version and audit members are not set yet, and nothing is composed yet.

    Raises:
        RegistryError: The body is not a resource of this type, or breaks a naming rule.
    """
    document = _content(body)
    document["$id"] = resource_id
    document["meta:altId"] = alt_id(resource_id)
    document["meta:resourceType"] = resource_type.value
    _CHECKS[resource_type](scope, document, library)
    _add_types(document)
    is_schema = resource_type is ResourceType.SCHEMA
    document |= {
        "meta:abstract": not is_schema,
        "meta:extensible": not is_schema,
        "meta:extends": extends(document, library),
        "refs": list(dict.fromkeys(_refs(document))),
        "imsOrg": scope.org_id,
        "meta:containerId": "tenant",
        "meta:sandboxId": scope.sandbox_id,
        "meta:sandboxType": scope.sandbox_type,
        "meta:tenantNamespace": tenant_namespace(scope),
    }
    return document


def stamp(
    document: Document,
    *,
    actor: Actor,
    now_ms: int,
    library_version: str,
    former: Mapping[str, Any] | None = None,
) -> None:
    """Write ``meta:registryMetadata``: who made the resource and who changed it last."""
    before = (former or {}).get("meta:registryMetadata", {})
    content = {key: value for key, value in document.items() if key != "meta:registryMetadata"}
    document["meta:registryMetadata"] = {
        "repo:createdDate": before.get("repo:createdDate", now_ms),
        "repo:lastModifiedDate": now_ms,
        "xdm:createdClientId": before.get("xdm:createdClientId", actor.client_id),
        "xdm:lastModifiedClientId": actor.client_id,
        "xdm:createdUserId": before.get("xdm:createdUserId", actor.user_id),
        "xdm:lastModifiedUserId": actor.user_id,
        "eTag": hashlib.sha256(json.encode(content)).hexdigest(),
        "meta:globalLibVersion": library_version,
        "meta:usageCount": 0,
    }


def with_usage(document: Document, uses: int) -> Document:
    """Return a kept resource with the number of resources and datasets that use it."""
    metadata = document["meta:registryMetadata"] | {"meta:usageCount": uses}
    return document | {"meta:registryMetadata": metadata}


def is_same(stored: Mapping[str, Any], built: Mapping[str, Any]) -> bool:
    """Say whether a resource that was built anew says just what the kept one says."""
    unbuilt = ("version", "meta:registryMetadata")
    return {name: stored[name] for name in stored if name not in unbuilt} == built


def _content(body: object) -> Document:
    """Return the client's part of a body, if it has the shape of a resource at all."""
    if not isinstance(body, dict):
        raise ResourceInvalid("The body must be one JSON object that describes the resource")
    check_depth(body)
    document = copy.deepcopy({k: v for k, v in body.items() if k not in READ_ONLY_MEMBERS})
    check_structure(document)
    title = document.get("title")
    if not isinstance(title, str) or not title.strip() or len(title) > TITLE_LENGTH_MAX:
        raise ResourceInvalid(f"title must be a text of 1 to {TITLE_LENGTH_MAX} characters")
    document.setdefault("type", "object")
    return document


def _check_schema(scope: Scope, document: Document, library: Library) -> None:
    _check_is_object(document)
    parts = document.get("allOf")
    if not parts:
        raise ResourceInvalid(
            "allOf is missing: a schema refers to exactly one class and any number of field groups"
        )
    document["allOf"] = [part | {"type": "object", "meta:xdmType": "object"} for part in parts]
    base, groups = _class_and_groups(document["allOf"], library)
    lineage = {base["$id"], *extends(base, library)}
    for group in groups:
        check_compatible(group, base, lineage)
    document["meta:class"] = base["$id"]
    _check_tags(document)
    namespace = base.get("meta:datasetNamespace")
    if namespace is not None:
        document["meta:datasetNamespace"] = namespace
    check_namespace(_without_refs(document), namespace or tenant_namespace(scope))
    if TIME_SERIES in lineage:
        required = dict.fromkeys((*RAW_EVENT_REQUIRED, *document.get("required", ())))
        document["required"] = list(required)


def _class_and_groups(
    parts: list[Document], library: Library
) -> tuple[Mapping[str, Any], list[Mapping[str, Any]]]:
    classes: list[Mapping[str, Any]] = []
    groups: list[Mapping[str, Any]] = []
    for index, part in enumerate(parts):
        ref = part.get("$ref")
        if ref is not None and ref.startswith("#"):
            continue
        found = library.find(ref) if ref is not None else None
        if found is None:
            raise ResourceInvalid(
                f"allOf/{index} refers to {ref!r}, which does not exist; expected the $id of a "
                "class or a field group"
            )
        part["$ref"] = found["$id"]
        match type_of(found):
            case ResourceType.CLASS:
                classes.append(found)
            case ResourceType.FIELD_GROUP:
                groups.append(found)
            case _:
                raise ResourceInvalid(f"allOf/{index}: {ref} is neither a class nor a field group")
    if len(classes) != 1:
        named = ", ".join(str(found["$id"]) for found in classes) or "none"
        raise ResourceInvalid(f"allOf must refer to exactly one class; it refers to {named}")
    return classes[0], groups


def check_compatible(group: Mapping[str, Any], base: Mapping[str, Any], lineage: set[str]) -> None:
    """
    Refuse a field group that is meant for other classes.

    Args:
        group: The field group.
        base: The class of the schema that refers to it.
        lineage: The ids of the class and of all that it extends.

    Raises:
        FieldGroupIncompatible: The message names the classes it is meant for.
    """
    intended = group.get("meta:intendedToExtend") or ()
    if intended and lineage.isdisjoint(intended):
        raise FieldGroupIncompatible(
            f"The field group {group['$id']} does not extend the class {base['$id']}; "
            f"it is meant for {', '.join(intended)}"
        )


def _check_tags(document: Document) -> None:
    unknown = [tag for tag in document.get("meta:immutableTags", ()) if tag != "union"]
    if unknown:
        raise ResourceInvalid(f"meta:immutableTags holds {unknown[0]!r}; the only tag is union")


def _check_class(scope: Scope, document: Document, library: Library) -> None:
    _check_is_object(document)
    behaviors = []
    for part in document.get("allOf", ()):
        found = library.find(part.get("$ref", ""))
        if found is not None and type_of(found) is ResourceType.BEHAVIOR:
            behaviors.append(found["$id"])
    if len(behaviors) != 1:
        named = ", ".join(behaviors) or "none"
        raise ResourceInvalid(
            "allOf of a class must refer to exactly one behavior (xdm/data/record, "
            f"xdm/data/time-series or xdm/data/adhoc); it refers to {named}"
        )
    namespace = tenant_namespace(scope)
    if behaviors == [ADHOC]:
        namespace = _rename_adhoc(document)
    check_namespace(_without_refs(document), namespace)


def _rename_adhoc(document: Document) -> str:
    """Give the fields of an ad-hoc class a namespace of their own, and return it (1.9)."""
    namespace = f"_{document['$id'].rpartition('/')[2][:_DATASET_NAMESPACE_DIGITS]}"
    document["meta:datasetNamespace"] = namespace
    # The fields stand in the class itself, or in a part of it, as Adobe's tutorial has them.
    for node in (document, *document.get("allOf", ())):
        properties = node.get("properties", {})
        if _ADHOC_FIELDS not in properties:
            continue
        if namespace in properties:
            raise ResourceInvalid(
                f"properties holds both {_ADHOC_FIELDS} and {namespace}, which are the same"
            )
        node["properties"] = {
            namespace if name == _ADHOC_FIELDS else name: field
            for name, field in properties.items()
        }
        if "required" in node:
            node["required"] = [
                namespace if name == _ADHOC_FIELDS else name for name in node["required"]
            ]
    return namespace


def _check_field_group(scope: Scope, document: Document, _library: Library) -> None:
    _check_is_object(document)
    if "meta:intendedToExtend" not in document:
        raise ResourceInvalid(
            "meta:intendedToExtend is missing: the $ids of the classes that the field group "
            "extends, or an empty list for any class"
        )
    check_namespace(_without_refs(document), tenant_namespace(scope))


def _check_data_type(_scope: Scope, document: Document, _library: Library) -> None:
    check_names(document)


def _check_is_object(document: Document) -> None:
    if document["type"] != "object":
        raise ResourceInvalid(f"type is {document['type']!r}; expected object")


def _without_refs(document: Document) -> Document:
    """Return the resource without the parts of other resources that it is composed of."""
    own = [part for part in document.get("allOf", ()) if part.get("$ref", "#").startswith("#")]
    return document | {"allOf": own}


def _add_types(document: Document) -> None:
    """Write ``meta:xdmType`` at every node that has a type."""
    pending = [document]
    while pending:
        node = pending.pop()
        if "type" in node:
            kind = xdm_type(node)
            if kind not in _XDM_TYPES[node["type"]]:
                raise ResourceInvalid(
                    f"meta:xdmType is {kind!r} on a field of type {node['type']}; expected one of "
                    f"{', '.join(_XDM_TYPES[node['type']])}"
                )
            node["meta:xdmType"] = kind
        pending.extend(child for _, child in subschemas(node))


def _refs(document: Document) -> Iterator[str]:
    """Yield the ids of all resources that a document refers to, in order."""
    pending = [document]
    while pending:
        node = pending.pop(0)
        ref = node.get("$ref", "#").partition("#")[0]
        if ref:
            yield ref
        pending.extend(child for _, child in subschemas(node))


_CHECKS = {
    ResourceType.SCHEMA: _check_schema,
    ResourceType.CLASS: _check_class,
    ResourceType.FIELD_GROUP: _check_field_group,
    ResourceType.DATA_TYPE: _check_data_type,
}
