"""How a resource comes to be, in a transaction: created, or imported as it was elsewhere."""

from typing import Any

from forebay.control.schemas import audit, building, dependents, store
from forebay.control.schemas.errors import TitleNotUnique
from forebay.control.schemas.library import Registry
from forebay.control.schemas.model import ResourceType, StoredResource
from forebay.control.scope import Actor

Document = dict[str, Any]


def create(
    registry: Registry,
    actor: Actor,
    body: object,
    *,
    resource_type: ResourceType,
    resource_id: str,
    now_ms: int,
    library_version: str,
    version: str = "1.0",
) -> Document:
    """
    Keep the resource that a body describes, under an id that is free, and return its raw form.

    Raises:
        RegistryError: The body is no such resource, or its title is taken.
        CompositionError: It refers to something that cannot be composed.
    """
    connection, scope = registry.connection, registry.scope
    document = building.build(scope, resource_type, resource_id, body, registry.library())
    document["version"] = version
    building.stamp(document, actor=actor, now_ms=now_ms, library_version=library_version)
    check_title(registry, document)
    dependents.check_new(registry, document)
    resource = StoredResource(
        resource_id=resource_id,
        resource_type=resource_type,
        title=document["title"],
        created_ms=now_ms,
        updated_ms=now_ms,
        document=document,
    )
    store.insert_resource(connection, scope, resource)
    audit.record(connection, scope, actor, now_ms=now_ms, before=None, after=document)
    return document


def check_title(registry: Registry, document: Document) -> None:
    """
    Check that no other resource of the sandbox has a resource's title.

    Raises:
        TitleNotUnique: One has.
    """
    owner = store.find_title_owner(registry.connection, registry.scope, document["title"])
    if owner is not None and owner != document["$id"]:
        raise TitleNotUnique(
            f"Title must be unique. An object {owner} already exists with the same title."
        )
