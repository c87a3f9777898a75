"""How registry resources are kept. Every query names the organization and the sandbox."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from forebay.control.schemas import former
from forebay.control.schemas.model import (
    ResourceType,
    SchemaSummary,
    StoredDescriptor,
    StoredResource,
)
from forebay.control.scope import Scope
from forebay.control.store import tables

_resources = tables.schema_resources
_descriptors = tables.descriptors
_datasets = tables.datasets
_sandboxes = tables.sandboxes
_organizations = tables.organizations


def find_resource(
    connection: sa.Connection, scope: Scope, resource_id: str
) -> StoredResource | None:
    """Return the resource with this ``$id`` or ``meta:altId``."""
    row = connection.execute(
        sa.select(_resources).where(
            *_in_scope(_resources, scope),
            sa.or_(_resources.c.resource_id == resource_id, _resources.c.alt_id == resource_id),
        )
    ).first()
    return None if row is None else _resource(row)


def list_resources(
    connection: sa.Connection, scope: Scope, resource_type: ResourceType | None = None
) -> list[StoredResource]:
    """Return the resources of a type, or of all types, in the order of their last change."""
    query = sa.select(_resources).where(*_in_scope(_resources, scope))
    if resource_type is not None:
        query = query.where(_resources.c.resource_type == resource_type.value)
    query = query.order_by(_resources.c.updated_ms, _resources.c.resource_id)
    return [_resource(row) for row in connection.execute(query)]


def find_title_owner(connection: sa.Connection, scope: Scope, title: str) -> str | None:
    """Return the ``$id`` of the resource that has this title."""
    return connection.scalar(
        sa.select(_resources.c.resource_id).where(
            *_in_scope(_resources, scope), _resources.c.title == title
        )
    )


def insert_resource(connection: sa.Connection, scope: Scope, resource: StoredResource) -> None:
    """Keep a new resource."""
    connection.execute(
        sa.insert(_resources).values(
            org_id=scope.org_id,
            sandbox_id=scope.sandbox_id,
            resource_id=resource.resource_id,
            resource_type=resource.resource_type.value,
            created_ms=resource.created_ms,
            **_resource_columns(resource),
        )
    )


def update_resource(connection: sa.Connection, scope: Scope, resource: StoredResource) -> None:
    """Keep a resource in place of its former state, which stays as a former version."""
    former.keep_former(connection, scope, resource.resource_id)
    connection.execute(
        sa.update(_resources)
        .where(*_in_scope(_resources, scope), _resources.c.resource_id == resource.resource_id)
        .values(**_resource_columns(resource))
    )


def rewrite_document(
    connection: sa.Connection, scope: Scope, resource_id: str, document: dict[str, Any]
) -> None:
    """Keep what the registry itself derives of a resource, which makes no new version of it."""
    connection.execute(
        sa.update(_resources)
        .where(*_in_scope(_resources, scope), _resources.c.resource_id == resource_id)
        .values(document=document)
    )


def delete_resource(connection: sa.Connection, scope: Scope, resource_id: str) -> None:
    """Forget a resource, its former versions and the descriptors of it."""
    former.forget(connection, scope, resource_id)
    connection.execute(
        sa.delete(_resources).where(
            *_in_scope(_resources, scope), _resources.c.resource_id == resource_id
        )
    )
    connection.execute(
        sa.delete(_descriptors).where(
            *_in_scope(_descriptors, scope), _descriptors.c.source_schema == resource_id
        )
    )


def find_descriptor(
    connection: sa.Connection, scope: Scope, descriptor_id: str
) -> StoredDescriptor | None:
    """Return the descriptor with this ``@id``."""
    row = connection.execute(
        sa.select(_descriptors).where(
            *_in_scope(_descriptors, scope), _descriptors.c.descriptor_id == descriptor_id
        )
    ).first()
    return None if row is None else _descriptor(row)


def list_descriptors(
    connection: sa.Connection, scope: Scope, schema_id: str | None = None
) -> list[StoredDescriptor]:
    """Return the descriptors of a schema, or of the sandbox, oldest first."""
    query = sa.select(_descriptors).where(*_in_scope(_descriptors, scope))
    if schema_id is not None:
        query = query.where(_descriptors.c.source_schema == schema_id)
    query = query.order_by(_descriptors.c.created_ms, _descriptors.c.descriptor_id)
    return [_descriptor(row) for row in connection.execute(query)]


def insert_descriptor(
    connection: sa.Connection, scope: Scope, descriptor: StoredDescriptor
) -> None:
    """Keep a new descriptor."""
    connection.execute(
        sa.insert(_descriptors).values(
            org_id=scope.org_id,
            sandbox_id=scope.sandbox_id,
            descriptor_id=descriptor.descriptor_id,
            created_ms=descriptor.created_ms,
            **_descriptor_columns(descriptor),
        )
    )


def update_descriptor(
    connection: sa.Connection, scope: Scope, descriptor: StoredDescriptor
) -> None:
    """Keep a descriptor in place of its former state."""
    connection.execute(
        sa.update(_descriptors)
        .where(
            *_in_scope(_descriptors, scope),
            _descriptors.c.descriptor_id == descriptor.descriptor_id,
        )
        .values(**_descriptor_columns(descriptor))
    )


def delete_descriptor(connection: sa.Connection, scope: Scope, descriptor_id: str) -> None:
    """Forget a descriptor."""
    connection.execute(
        sa.delete(_descriptors).where(
            *_in_scope(_descriptors, scope), _descriptors.c.descriptor_id == descriptor_id
        )
    )


def is_used_by_dataset(connection: sa.Connection, scope: Scope, schema_id: str) -> bool:
    """Say whether a dataset of the sandbox is bound to the schema."""
    query = sa.select(_datasets.c.dataset_id).where(
        *_in_scope(_datasets, scope), _datasets.c.schema_id == schema_id
    )
    return connection.execute(query.limit(1)).first() is not None


def count_uses(connection: sa.Connection, scope: Scope) -> Counter[str]:
    """Return how many resources refer to each resource, and how many datasets are bound to it."""
    refs = sa.select(_resources.c.document["refs"]).where(*_in_scope(_resources, scope))
    bound = sa.select(_datasets.c.schema_id).where(*_in_scope(_datasets, scope))
    uses = Counter(connection.scalars(bound))
    for named in connection.scalars(refs):
        uses.update(set(named))
    return uses


def list_schema_summaries(connection: sa.Connection) -> list[SchemaSummary]:
    """
    Return the schemas of all organizations: for the platform itself, never for a caller.

    Schemas of the standard library are among them where a dataset is bound to one.
    """
    schemas = sa.select(
        _resources.c.org_id,
        _resources.c.sandbox_id,
        _resources.c.resource_id.label("schema_id"),
        _resources.c.version,
    ).where(_resources.c.resource_type == ResourceType.SCHEMA.value)
    bound = sa.select(
        _datasets.c.org_id, _datasets.c.sandbox_id, _datasets.c.schema_id, sa.literal("")
    ).where(
        ~sa.exists().where(
            _resources.c.org_id == _datasets.c.org_id,
            _resources.c.sandbox_id == _datasets.c.sandbox_id,
            _resources.c.resource_id == _datasets.c.schema_id,
        )
    )
    every = sa.union(schemas, bound).subquery()
    query = (
        sa.select(every, _sandboxes.c.name, _sandboxes.c.type, _organizations.c.tenant_id)
        .join(_sandboxes, _sandboxes.c.sandbox_id == every.c.sandbox_id)
        .join(_organizations, _organizations.c.org_id == every.c.org_id)
        .order_by(every.c.org_id, every.c.sandbox_id, every.c.schema_id)
    )
    return [
        SchemaSummary(
            scope=_scope(row),
            schema_id=row.schema_id,
            version=row.version,
        )
        for row in connection.execute(query)
    ]


def list_scopes(connection: sa.Connection) -> list[Scope]:
    """Return the sandboxes of all organizations: for the platform itself, never for a caller."""
    query = (
        sa.select(_sandboxes, _organizations.c.tenant_id)
        .join(_organizations, _organizations.c.org_id == _sandboxes.c.org_id)
        .order_by(_sandboxes.c.org_id, _sandboxes.c.sandbox_id)
    )
    return [_scope(row) for row in connection.execute(query)]


def list_tenant_ids(connection: sa.Connection) -> list[str]:
    """Return the tenant ids of all organizations: for the platform itself, never for a caller."""
    return list(connection.scalars(sa.select(_organizations.c.tenant_id)))


def resource_times(connection: sa.Connection, scope: Scope) -> dict[str, tuple[str, int]]:
    """Return when each resource changed last, with its ``meta:altId``, by ``$id``."""
    query = sa.select(_resources.c.resource_id, _resources.c.alt_id, _resources.c.updated_ms).where(
        *_in_scope(_resources, scope)
    )
    return {row.resource_id: (row.alt_id, row.updated_ms) for row in connection.execute(query)}


def descriptor_times(
    connection: sa.Connection, scope: Scope
) -> dict[str, tuple[tuple[str, int], ...]]:
    """Return when each descriptor changed last, by the ``$id`` of its schema."""
    query = (
        sa.select(
            _descriptors.c.source_schema, _descriptors.c.descriptor_id, _descriptors.c.updated_ms
        )
        .where(*_in_scope(_descriptors, scope))
        .order_by(_descriptors.c.descriptor_id)
    )
    times: dict[str, tuple[tuple[str, int], ...]] = {}
    for row in connection.execute(query):
        known = times.get(row.source_schema, ())
        times[row.source_schema] = (*known, (row.descriptor_id, row.updated_ms))
    return times


def _in_scope(table: sa.Table, scope: Scope) -> Sequence[sa.ColumnElement[bool]]:
    return (table.c.org_id == scope.org_id, table.c.sandbox_id == scope.sandbox_id)


def _scope(row: sa.Row[Any]) -> Scope:
    return Scope(row.org_id, row.sandbox_id, row.name, row.type, row.tenant_id)


def _resource_columns(resource: StoredResource) -> dict[str, Any]:
    return {
        "alt_id": resource.document["meta:altId"],
        "title": resource.title,
        "version": resource.document["version"],
        "updated_ms": resource.updated_ms,
        "document": resource.document,
    }


def _descriptor_columns(descriptor: StoredDescriptor) -> dict[str, Any]:
    return {
        "descriptor_type": descriptor.descriptor_type,
        "source_schema": descriptor.source_schema,
        "updated_ms": descriptor.updated_ms,
        "document": descriptor.document,
    }


def _resource(row: sa.Row[Any]) -> StoredResource:
    return StoredResource(
        resource_id=row.resource_id,
        resource_type=ResourceType(row.resource_type),
        title=row.title,
        created_ms=row.created_ms,
        updated_ms=row.updated_ms,
        document=row.document,
    )


def _descriptor(row: sa.Row[Any]) -> StoredDescriptor:
    return StoredDescriptor(
        descriptor_id=row.descriptor_id,
        descriptor_type=row.descriptor_type,
        source_schema=row.source_schema,
        created_ms=row.created_ms,
        updated_ms=row.updated_ms,
        document=row.document,
    )
