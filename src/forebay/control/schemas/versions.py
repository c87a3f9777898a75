"""
Former versions of registry resources: what a schema was, and what it was made of then.

Every change keeps the document that it replaces. A former version is composed of what its field
groups and data types were at that time, so that two versions of a schema differ by everything
that changed between them and not only by the schema's own document.
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from forebay.control.schemas import views
from forebay.control.schemas.errors import AnyNotFound, VersionNotFound
from forebay.control.schemas.former import (
    Version,
    find_former,
    find_former_at,
    list_former,
    version_of,
)
from forebay.control.schemas.model import StoredResource
from forebay.control.schemas.store import find_resource, list_descriptors
from forebay.control.schemas.views import View
from forebay.control.scope import Scope
from forebay.control.store.engine import ControlStore
from forebay.xdm.composition import Library, compose

Document = dict[str, Any]


class VersionService:
    """The versions of the tenant's resources, former ones and the present one."""

    def __init__(self, control: ControlStore, standard: Library) -> None:
        self._control = control
        self._standard = standard

    def list_versions(self, scope: Scope, resource_id: str) -> list[Version]:
        """
        Return the versions of a resource, newest first.

        Raises:
            AnyNotFound: The sandbox has no such resource.
        """
        with self._control.read() as connection:
            present = _present(connection, scope, resource_id)
            former = list_former(connection, scope, present.resource_id)
        return [version_of(present.document, present.updated_ms), *former]

    def get(self, scope: Scope, resource_id: str, version: str, view: View) -> Document:
        """
        Return a resource as it was when a version of it was written.

        Its descriptors are those of today that existed then: descriptors have no versions.

        Raises:
            AnyNotFound: The sandbox has no such resource.
            VersionNotFound: It has no such version, or too many newer ones.
            CompositionError: What it was made of is deleted.
        """
        with self._control.read() as connection:
            present = _present(connection, scope, resource_id)
            newest = version_of(present.document, present.updated_ms)
            found = (
                newest
                if version == newest.version
                else find_former(connection, scope, present.resource_id, version)
            )
            if found is None:
                kept = [newest, *list_former(connection, scope, present.resource_id)]
                raise VersionNotFound(
                    f"{present.resource_id} has no version {version}; there are "
                    f"{', '.join(item.version for item in kept)}"
                )
            descriptors = [
                item.document
                for item in list_descriptors(connection, scope, present.resource_id)
                if item.created_ms <= found.written_ms
            ]
            library = _FormerLibrary(connection, scope, self._standard, found.written_ms)
            if not view.is_composed:
                return views.raw(found.document, view, descriptors, library=library)
            composed = compose(found.document, library)
        return views.full(composed, view, descriptors)


class _FormerLibrary:
    """What a sandbox's resources were at a moment; the standard library as it is."""

    def __init__(
        self, connection: sa.Connection, scope: Scope, standard: Library, moment_ms: int
    ) -> None:
        self._connection = connection
        self._scope = scope
        self._standard = standard
        self._moment_ms = moment_ms

    def find(self, resource_id: str) -> Mapping[str, Any] | None:
        """Return a resource in raw form by its ``$id`` or ``meta:altId``."""
        present = find_resource(self._connection, self._scope, resource_id)
        if present is None:
            return self._standard.find(resource_id)
        if present.updated_ms <= self._moment_ms:
            return present.document
        # Whatever was referred to existed; if that state is no longer kept, the oldest is nearest.
        former = find_former_at(self._connection, self._scope, present.resource_id, self._moment_ms)
        return present.document if former is None else former.document


def _present(connection: sa.Connection, scope: Scope, resource_id: str) -> StoredResource:
    stored = find_resource(connection, scope, resource_id)
    if stored is None:
        raise AnyNotFound(f"This sandbox has no resource {resource_id} of its own.")
    return stored
