"""
What a change of one resource does to everything that is made of it.

A field group, a data type or a class may stand in many schemas; a change is kept only if all of
them can still be composed, no identity loses its field, what holds data only grows, and the
members of every union still agree.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from forebay.control.schemas import store, unions
from forebay.control.schemas.building import check_compatible
from forebay.control.schemas.descriptor_rules import check_union_relationships
from forebay.control.schemas.errors import (
    BreakingChangeRefused,
    ResourceInUse,
    TypesInConflict,
    UnionIdentityMissing,
)
from forebay.control.schemas.evolution import breaking_changes
from forebay.control.schemas.library import Registry, TenantLibrary, type_of
from forebay.control.schemas.model import (
    IDENTITY,
    ResourceType,
    StoredResource,
    is_union_tagged,
)
from forebay.control.scope import Scope
from forebay.xdm.composition import Library, compose, extends
from forebay.xdm.strict import find_field

Document = dict[str, Any]

_REPORTED_CHANGES_MAX = 5
_OWN = "the resource itself"


def check_new(registry: Registry, document: Document) -> None:
    """
    Refuse a new resource that cannot be composed, or that its union could not take in.

    Raises:
        CompositionError: It cannot be composed.
        TypesInConflict: Two parts of it, or it and another member of its union, declare one
            path with different types.
    """
    library = registry.library(document)
    composed = compose(document, library)
    _check_parts(document, library)
    if is_union_tagged(document):
        schemas = store.list_resources(registry.connection, registry.scope, ResourceType.SCHEMA)
        _check_unions({document["meta:class"]}, schemas, {document["$id"]: composed}, library)


def check_change(registry: Registry, old: Document, document: Document) -> None:
    """
    Refuse a change that would break the resource or something that is made of it.

    Raises:
        CompositionError: The resource, or one that refers to it, cannot be composed any more.
        FieldGroupIncompatible: A schema of a class that a field group is no longer meant for
            refers to it.
        BreakingChangeRefused: A schema that holds data would not only grow, an identity would
            lose its field, or the union tag would be taken away.
        TypesInConflict: Two parts of a schema, or two members of a union, would declare one path
            with different types.
        UnionError: The schema cannot join the union.
    """
    before, after = registry.library(), registry.library(document)
    resources = store.list_resources(registry.connection, registry.scope)
    affected = dependents(resources, document["$id"])
    _check_kin(old, document, affected, after)
    composed: dict[str, Document] = {}
    touched: set[str] = set()
    for resource in affected:
        is_itself = resource.resource_id == document["$id"]
        current = document if is_itself else resource.document
        changed = composed[resource.resource_id] = compose(current, after)
        _check_identities(registry, resource, changed)
        if _is_protected(registry, resource):
            former = compose(resource.document, before)
            _check_grows(resource, former, changed)
            if former.get("properties") == changed.get("properties") and not is_itself:
                continue  # nothing of it changed: its parts and its union agree as they did
            is_settled = unions.kinds(changed) <= unions.kinds(former)
        else:
            is_settled = False
        _check_parts(current, after)
        if is_union_tagged(current) and not (is_settled and is_union_tagged(resource.document)):
            touched.add(current["meta:class"])
    _check_tag(registry, old, document, composed[document["$id"]])
    if touched:
        schemas = [item for item in resources if item.resource_type is ResourceType.SCHEMA]
        _check_unions(touched, schemas, composed, after)


def refresh_lineage(registry: Registry, document: Document) -> None:
    """Bring the ``meta:extends`` of everything that is made of a changed resource up to date."""
    library = registry.library()
    resources = store.list_resources(registry.connection, registry.scope)
    for resource in dependents(resources, document["$id"]):
        stated = resource.document["meta:extends"]
        lineage = extends({**resource.document, "meta:extends": ()}, library)
        if lineage != stated:
            fresh = {**resource.document, "meta:extends": lineage}
            store.rewrite_document(registry.connection, registry.scope, resource.resource_id, fresh)


def check_profile_ready(registry: Registry, schema: Mapping[str, Any]) -> None:
    """
    Refuse a schema of which Profile could not tell the records apart or follow the relationships.

    A schema may be created with the union tag before it has a descriptor, so the tag alone does
    not say that it is ready.

    Raises:
        UnionError: The message says what is missing.
    """
    _check_ready(registry, schema["$id"], compose(schema, registry.library()))


def _check_ready(registry: Registry, schema_id: str, composed: Document) -> None:
    kept = store.list_descriptors(registry.connection, registry.scope, schema_id)
    has_primary = any(item.document.get("xdm:isPrimary") is True for item in kept)
    if not has_primary and "identityMap" not in composed.get("properties", {}):
        raise UnionIdentityMissing(
            f"The schema {schema_id} has neither a primary identity descriptor nor an "
            "identityMap; one of them is needed before it can take part in the union"
        )
    check_union_relationships(registry.connection, registry.scope, schema_id)


def check_deletable(registry: Registry, resource: StoredResource) -> None:
    """
    Refuse to delete what something else depends on.

    Raises:
        ResourceInUse: It takes part in Profile, a dataset is bound to it, a descriptor of
            another schema leads to it, or another resource refers to it.
    """
    resource_id, scope = resource.resource_id, registry.scope
    if is_union_tagged(resource.document):
        raise ResourceInUse(f"The schema {resource_id} takes part in Profile and cannot be deleted")
    if store.is_used_by_dataset(registry.connection, scope, resource_id):
        raise ResourceInUse(f"A dataset is bound to the schema {resource_id}")
    for other in store.list_resources(registry.connection, scope):
        if resource_id in other.document["refs"] and other.resource_id != resource_id:
            raise ResourceInUse(
                f"{other.resource_id} ({other.title}) refers to {resource_id}; take the reference "
                "out of it first"
            )
    for descriptor in store.list_descriptors(registry.connection, scope):
        leads_here = descriptor.document.get("xdm:destinationSchema") == resource_id
        if leads_here and descriptor.source_schema != resource_id:
            raise ResourceInUse(
                f"The descriptor {descriptor.descriptor_id} of {descriptor.source_schema} leads to "
                f"{resource_id}; delete the descriptor first"
            )


def dependents(resources: Iterable[StoredResource], resource_id: str) -> list[StoredResource]:
    """Return a resource and every one that refers to it, directly or through others."""
    waiting = list(resources)
    reached = {resource_id}
    found: list[StoredResource] = []
    while True:
        fresh = [
            item
            for item in waiting
            if item.resource_id in reached or not reached.isdisjoint(item.document["refs"])
        ]
        if not fresh:
            return found
        found.extend(fresh)
        reached.update(item.resource_id for item in fresh)
        waiting = [item for item in waiting if item.resource_id not in reached]


def _is_protected(registry: Registry, resource: StoredResource) -> bool:
    return resource.resource_type is ResourceType.SCHEMA and is_protected(
        registry.connection, registry.scope, resource.document
    )


def is_protected(connection: sa.Connection, scope: Scope, schema: Mapping[str, Any]) -> bool:
    """Say whether a schema can only grow: it takes part in Profile, or a dataset is bound to it."""
    return is_union_tagged(schema) or store.is_used_by_dataset(connection, scope, schema["$id"])


def _check_kin(
    old: Document, document: Document, affected: Iterable[StoredResource], library: Library
) -> None:
    """Refuse what would make a schema one that could not be created."""
    kind = type_of(document)
    schemas = [item for item in affected if item.resource_type is ResourceType.SCHEMA]
    if kind is ResourceType.CLASS and schemas and old["meta:extends"] != document["meta:extends"]:
        behaviors = [_behaviors(item, library) for item in (old, document)]
        if behaviors[0] != behaviors[1]:
            raise BreakingChangeRefused(
                f"The class {document['$id']} would change its behavior from "
                f"{behaviors[0][0]} to {behaviors[1][0]}, and the schema {schemas[0].resource_id} "
                f"({schemas[0].title}) is of this class; create another class instead"
            )
    if kind is ResourceType.FIELD_GROUP:
        for schema in schemas:
            if document["$id"] in schema.document["refs"]:
                base = library.find(schema.document["meta:class"]) or {}
                lineage = {schema.document["meta:class"], *extends(base, library)}
                check_compatible(document, {"$id": schema.document["meta:class"]}, lineage)


def _behaviors(document: Document, library: Library) -> list[str]:
    found = [(item, library.find(item)) for item in document["meta:extends"]]
    return [item for item, kin in found if kin and type_of(kin) is ResourceType.BEHAVIOR]


def _check_grows(resource: StoredResource, before: Document, changed: Document) -> None:
    reasons = breaking_changes(before, changed)
    if changed.get("meta:class") != resource.document.get("meta:class"):
        reasons.insert(0, "its class would change; a schema keeps its class")
    if not reasons:
        return
    shown = "; ".join(reasons[:_REPORTED_CHANGES_MAX])
    more = len(reasons) - _REPORTED_CHANGES_MAX
    raise BreakingChangeRefused(
        f"{resource.resource_id} ({resource.title}) takes part in Profile or has a "
        f"dataset, so that it can only grow: {shown}" + (f"; and {more} more" if more > 0 else "")
    )


def _check_identities(registry: Registry, resource: StoredResource, changed: Document) -> None:
    """Refuse a change that takes an identity its field: records would lose it silently."""
    kept = store.list_descriptors(registry.connection, registry.scope, resource.resource_id)
    for descriptor in kept:
        path = descriptor.document.get("xdm:sourceProperty")
        if descriptor.descriptor_type != IDENTITY or not isinstance(path, str):
            continue
        field = find_field(changed, path)
        if field is None or field.get("type") != "string":
            raise BreakingChangeRefused(
                f"{path} is an identity of {resource.resource_id} ({resource.title}) and stays a "
                f"string; delete the descriptor {descriptor.descriptor_id} first"
            )


def _check_parts(document: Document, library: Library) -> None:
    """Refuse a resource whose parts contradict each other, if one of them is the tenant's."""
    refs = [ref for ref in _outer_refs(document) if library.find(ref) is not None]
    found = [(ref, library.find(ref) or {}) for ref in refs]
    standard = frozenset(
        _label(item) for _, item in found if item.get("meta:containerId") == "global"
    )
    own_parts = [p for p in document.get("allOf", ()) if p.get("$ref", "#").startswith("#")]
    has_own = bool(own_parts or document.get("properties"))
    if len(standard) == len(found) and not has_own:
        return
    parts = [(_label(item), compose(item, library)) for _, item in found]
    if has_own:
        parts.append((_OWN, compose({**document, "allOf": own_parts}, library)))
    contradiction = unions.conflict(parts, settled=standard)
    if contradiction is not None:
        raise TypesInConflict(
            f"{document['$id']} ({document['title']}) cannot be composed of its parts: "
            f"{contradiction}"
        )


def _outer_refs(document: Document) -> Iterator[str]:
    for part in document.get("allOf", ()):
        ref = part.get("$ref", "#")
        if "#" not in ref:  # what points into a resource is no part that has fields of its own
            yield ref


def _label(resource: Mapping[str, Any]) -> str:
    return f"{resource['$id']} ({resource['title']})"


def _check_tag(registry: Registry, old: Document, new: Document, composed: Document) -> None:
    if is_union_tagged(old) and not is_union_tagged(new):
        raise BreakingChangeRefused(
            f"The schema {old['$id']} takes part in Profile; the union tag stays"
        )
    if is_union_tagged(old) or not is_union_tagged(new):
        return
    _check_ready(registry, new["$id"], composed)


def _check_unions(
    class_ids: Iterable[str],
    schemas: Iterable[StoredResource],
    composed: Mapping[str, Document],
    library: TenantLibrary,
) -> None:
    """Refuse members of one union that declare a path with different types."""
    current = [library.find(schema.resource_id) or schema.document for schema in schemas]
    fresh = [library.find(schema_id) for schema_id in composed]
    known = {schema["$id"]: schema for schema in (*current, *filter(None, fresh))}
    for class_id in class_ids:
        members = [
            (_label(schema), composed.get(schema["$id"]) or compose(schema, library))
            for schema in known.values()
            if schema.get("meta:class") == class_id and is_union_tagged(schema)
        ]
        contradiction = unions.conflict(members)
        if contradiction is not None:
            raise TypesInConflict(f"The union of {class_id} cannot be made: {contradiction}")
