"""
Export and import: a resource with everything of the tenant's that it is made of, as one array.

The tenant id stands in it as a placeholder, so that the array can be imported into another sandbox
or another organization; the random part of each ``$id`` stays (schema-catalog-profile, 1.13).
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

import msgspec

from forebay.control.schemas import building, creation, store
from forebay.control.schemas.errors import ImportFailed, RegistryError, not_found
from forebay.control.schemas.library import Registry, type_of
from forebay.control.schemas.model import (
    NAMESPACE_URI,
    TENANT_PLACEHOLDER,
    ResourceType,
)
from forebay.control.schemas.unions import is_union_id
from forebay.control.scope import Actor, Scope
from forebay.control.store.engine import WRITE_SECONDS_MAX
from forebay.kernel import json
from forebay.kernel.clock import Clock
from forebay.xdm.composition import CompositionError
from forebay.xdm.patterns import PatternRefused

Document = dict[str, Any]

IMPORT_RESOURCES_MAX = 200

_OURS_ALONE = frozenset(
    {"imsOrg", "meta:containerId", "meta:registryMetadata", "meta:tenantNamespace"}
)
"""What says who keeps the resource, and means nothing elsewhere."""
_BY_NAME = frozenset({"properties", "definitions", "dependencies"})
_NOT_NAMES = frozenset(
    {"title", "description", "enum", "meta:enum", "const", "default", "examples", "pattern"}
)
"""Keywords whose values may look like the tenant's namespace and are not."""
_VERSION = re.compile(r"1\.[0-9]{1,9}")
_LAST_SEGMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


class Wanted(msgspec.Struct, frozen=True):
    """One resource of an import."""

    resource_id: str
    resource_type: ResourceType
    version: str
    body: Document


def export(registry: Registry, resource_id: str) -> list[Document]:
    """
    Return a resource of the tenant and what it depends on, dependencies first.

    Raises:
        ResourceNotFound: The sandbox has no such resource, or it is of the standard library,
            which every sandbox has.
    """
    stored = store.find_resource(registry.connection, registry.scope, resource_id)
    if stored is None:
        raise _nothing_to_export(registry, resource_id)
    found = {stored.resource_id: stored.document}
    waiting = [stored.document]
    while waiting:
        for ref in waiting.pop()["refs"]:
            other = store.find_resource(registry.connection, registry.scope, ref)
            if other is not None and other.resource_id not in found:
                found[other.resource_id] = other.document
                waiting.append(other.document)
    parts = {name: [r for r in document["refs"] if r in found] for name, document in found.items()}
    ordered = _parts_first([stored.resource_id], parts)
    return [_portable(registry.scope, found[name]) for name in ordered]


def read(scope: Scope, body: object) -> list[Wanted]:
    """
    Return the resources that an import asks for, dependencies first, with this tenant's id in them.

    Raises:
        ImportFailed: The body is no export.
    """
    return _dependencies_first(_by_id(scope, body))


def keep(
    registry: Registry,
    actor: Actor,
    wanted: Sequence[Wanted],
    *,
    clock: Clock,
    library_version: str,
) -> list[Document]:
    """
    Keep all resources of an import, in one transaction, and return their raw forms.

    A resource that the sandbox has already, with the same id and saying the same, stays as it is:
    an import can be repeated, and two imports may share what they depend on.

    Raises:
        ImportFailed: One of them cannot be kept, or they take longer than `WRITE_SECONDS_MAX`;
            nothing must be committed.
    """
    now_ms, began_s = clock.now_ms(), clock.monotonic_s()
    imported: list[Document] = []
    for item in wanted:
        if clock.monotonic_s() - began_s > WRITE_SECONDS_MAX:
            raise _failed(
                f"After {WRITE_SECONDS_MAX} seconds {len(imported)} of {len(wanted)} resources are "
                "composed. Import them in parts, dependencies first: what is there already stays"
            )
        try:
            imported.append(_import(registry, actor, item, now_ms, library_version=library_version))
        except ImportFailed:
            raise
        except (RegistryError, CompositionError, PatternRefused) as error:
            raise _failed(f"{item.resource_id}: {error.message}", cause=error) from None
    return imported


def _import(
    registry: Registry, actor: Actor, item: Wanted, now_ms: int, *, library_version: str
) -> Document:
    scope = registry.scope
    stored = store.find_resource(registry.connection, scope, item.resource_id)
    if stored is None:
        return creation.create(
            registry,
            actor,
            item.body,
            resource_type=item.resource_type,
            resource_id=item.resource_id,
            now_ms=now_ms,
            library_version=library_version,
            version=item.version,
        )
    built = building.build(
        scope, item.resource_type, item.resource_id, item.body, registry.library()
    )
    if not building.is_same(stored.document, built):
        raise _failed(
            f"An object {item.resource_id} ({stored.title}) already exists and says something "
            "else. Change it with PUT or PATCH, or delete it first"
        )
    return stored.document


def _parts_first(names: Iterable[str], parts: Mapping[str, Sequence[str]]) -> list[str]:
    """
    Return resources with all that they are made of, parts first.

    What stands in such an order already stays in it. In a circle, which types that are parts of
    themselves make, one comes before one of its parts.
    """
    ordered: list[str] = []
    seen: set[str] = set()
    waiting = [(name, False) for name in names][::-1]
    while waiting:
        name, has_its_parts = waiting.pop()
        if has_its_parts:
            ordered.append(name)
        elif name not in seen:
            seen.add(name)
            waiting.append((name, True))
            waiting.extend((part, False) for part in parts[name][::-1])
    return ordered


def _portable(scope: Scope, document: Mapping[str, Any]) -> Document:
    """Return a resource without what ties it to its tenant."""
    tenant = re.escape(scope.tenant_id)
    uri = re.compile(rf"({re.escape(NAMESPACE_URI)}){tenant}(?=/)")
    name = re.compile(rf"(?<![A-Za-z0-9_-])_{tenant}(?![A-Za-z0-9_-])")

    def swap(text: str) -> str:
        return name.sub(f"_{TENANT_PLACEHOLDER}", uri.sub(rf"\g<1>{TENANT_PLACEHOLDER}", text))

    kept = {key: value for key, value in document.items() if key not in _OURS_ALONE}
    return _renamed(kept, swap)


def _renamed(node: Mapping[str, Any], swap: Callable[[str], str]) -> Document:
    renamed: Document = {}
    for key, value in node.items():
        if key in _NOT_NAMES:
            renamed[key] = value
        elif key in _BY_NAME and isinstance(value, Mapping):
            renamed[key] = {
                swap(name): _renamed_value(child, swap) for name, child in value.items()
            }
        else:
            renamed[key] = _renamed_value(value, swap)
    return renamed


def _renamed_value(value: object, swap: Callable[[str], str]) -> object:
    if isinstance(value, str):
        return swap(value)
    if isinstance(value, list):
        return [_renamed_value(item, swap) for item in value]
    return _renamed(value, swap) if isinstance(value, Mapping) else value


def _nothing_to_export(registry: Registry, resource_id: str) -> RegistryError:
    standard = registry.standard.find(resource_id)
    kind = type_of(standard) if standard is not None else None
    error = not_found(kind or ResourceType.SCHEMA, resource_id)
    if standard is None:
        return error
    return type(error)(
        f"{resource_id} is of the standard library, which every sandbox has: there is nothing to "
        "export. Name a resource of the tenant"
    )


def _by_id(scope: Scope, body: object) -> dict[str, Wanted]:
    if not isinstance(body, list) or not body:
        raise _failed("The body must be an array of resources, as /rpc/export answers it")
    if len(body) > IMPORT_RESOURCES_MAX:
        raise _failed(f"{len(body)} resources; at most {IMPORT_RESOURCES_MAX} are possible")
    wanted: dict[str, Wanted] = {}
    for index, resource in enumerate(body):
        if not isinstance(resource, dict):
            raise _failed(f"Item {index} is not a resource (a JSON object)")
        item = _one(scope, index, json.decode(_placed(json.encode(resource), scope)))
        if item.resource_id in wanted:
            raise _failed(f"Item {index} has the $id {item.resource_id} of an earlier item")
        wanted[item.resource_id] = item
    return wanted


def _placed(resource: bytes, scope: Scope) -> bytes:
    return resource.replace(TENANT_PLACEHOLDER.encode(), scope.tenant_id.encode())


def _one(scope: Scope, index: int, resource: Document) -> Wanted:
    resource_id = resource.get("$id")
    prefix = f"{NAMESPACE_URI}{scope.tenant_id}/"
    shown = json.shown(resource_id)
    if not isinstance(resource_id, str) or not resource_id.startswith(prefix):
        raise _failed(
            f"Item {index} has the $id {shown}; expected one of the tenant's own, such as "
            f"{NAMESPACE_URI}{TENANT_PLACEHOLDER}/schemas/…"
        )
    kind, _, last = resource_id.removeprefix(prefix).partition("/")
    types = {"schemas", "mixins", "classes", "datatypes"}
    # An id that ends like a union's would lead to a union for ever, never to the resource.
    if kind not in types or not _LAST_SEGMENT.fullmatch(last) or is_union_id(last):
        raise _failed(
            f"Item {index} has the $id {shown}; expected {prefix}<type>/<name>, where the type is "
            f"one of {', '.join(sorted(types))}"
        )
    stated = resource.get("meta:resourceType", kind)
    if stated != kind:
        raise _failed(
            f"Item {index} has the meta:resourceType {json.shown(stated)}; expected {kind}"
        )
    version = resource.get("version")
    is_kept = isinstance(version, str) and _VERSION.fullmatch(version) is not None
    return Wanted(resource_id, ResourceType(kind), str(version) if is_kept else "1.0", resource)


def _dependencies_first(wanted: Mapping[str, Wanted]) -> list[Wanted]:
    graph = {
        known: [
            ref for ref in dict.fromkeys(_references(item.body)) if ref in wanted and ref != known
        ]
        for known, item in wanted.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle = " → ".join(error.args[1])
        raise _failed(f"The resources refer to each other in a circle: {circle}") from None
    return [wanted[known] for known in _parts_first(wanted, graph)]


def _references(body: object) -> Iterator[str]:
    pending = [body]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            reference = value.get("$ref")
            if isinstance(reference, str):
                yield reference.partition("#")[0]
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)


def _failed(
    reason: str, *, cause: RegistryError | CompositionError | PatternRefused | None = None
) -> ImportFailed:
    report = {"cause": cause.code} if cause is not None else {}
    return ImportFailed(f"Failed to import resources. Error: {reason}", **report)
