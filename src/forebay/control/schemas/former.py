"""How former versions of registry resources are kept. Every query names the sandbox."""

from typing import Any

import msgspec
import sqlalchemy as sa

from forebay.control.scope import Scope
from forebay.control.store import tables

VERSIONS_MAX = 100
"""Former versions kept of one resource; the oldest go first."""

_versions = tables.resource_versions
_resources = tables.schema_resources


class Version(msgspec.Struct, frozen=True):
    """One state of a resource's own document."""

    version: str
    written_ms: int
    document: dict[str, Any]


def version_of(document: dict[str, Any], written_ms: int) -> Version:
    """Return the version that a document is."""
    return Version(document["version"], written_ms, document)


def keep_former(connection: sa.Connection, scope: Scope, resource_id: str) -> None:
    """Keep what a resource is now, which the caller is about to replace."""
    row = connection.execute(
        sa.select(_resources.c.version, _resources.c.updated_ms, _resources.c.document).where(
            *_of(_resources, scope, resource_id)
        )
    ).one()
    of_it = _of(_versions, scope, resource_id)
    connection.execute(
        sa.insert(_versions).values(
            org_id=scope.org_id,
            sandbox_id=scope.sandbox_id,
            resource_id=resource_id,
            version=row.version,
            updated_ms=row.updated_ms,
            document=row.document,
        )
    )
    oldest = (
        sa.select(_versions.c.updated_ms)
        .where(*of_it)
        .order_by(_versions.c.updated_ms.desc())
        .offset(VERSIONS_MAX)
        .limit(1)
        .scalar_subquery()
    )
    connection.execute(sa.delete(_versions).where(*of_it, _versions.c.updated_ms <= oldest))


def forget(connection: sa.Connection, scope: Scope, resource_id: str) -> None:
    """Forget the former versions of a resource that is deleted."""
    connection.execute(sa.delete(_versions).where(*_of(_versions, scope, resource_id)))


def find_former(
    connection: sa.Connection, scope: Scope, resource_id: str, version: str
) -> Version | None:
    """Return a former version of a resource."""
    query = sa.select(_versions.c.updated_ms, _versions.c.document).where(
        *_of(_versions, scope, resource_id), _versions.c.version == version
    )
    row = connection.execute(query).first()
    return None if row is None else version_of(row.document, row.updated_ms)


def find_former_at(
    connection: sa.Connection, scope: Scope, resource_id: str, moment_ms: int
) -> Version | None:
    """Return the former version of a resource that was the present one then, or the nearest."""
    written, of_it = _versions.c.updated_ms, _of(_versions, scope, resource_id)
    query = sa.select(written, _versions.c.document).where(*of_it).limit(1)
    then = query.where(written <= moment_ms).order_by(written.desc())
    row = connection.execute(then).first() or connection.execute(query.order_by(written)).first()
    return None if row is None else version_of(row.document, row.updated_ms)


def list_former(connection: sa.Connection, scope: Scope, resource_id: str) -> list[Version]:
    """Return the former versions of a resource, newest first."""
    query = sa.select(_versions.c.updated_ms, _versions.c.document).where(
        *_of(_versions, scope, resource_id)
    )
    rows = connection.execute(query.order_by(_versions.c.updated_ms.desc()))
    return [version_of(row.document, row.updated_ms) for row in rows]


def _of(table: sa.Table, scope: Scope, resource_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        table.c.org_id == scope.org_id,
        table.c.sandbox_id == scope.sandbox_id,
        table.c.resource_id == resource_id,
    )
