"""One sandbox in a transaction, and what its resources may refer to: its own, then the library."""

from collections.abc import Mapping
from typing import Any

import msgspec
import sqlalchemy as sa

from forebay.control.schemas import store
from forebay.control.schemas.model import ResourceType
from forebay.control.scope import Scope
from forebay.xdm.composition import Library


class TenantLibrary:
    """
    Every resource that one sandbox can see, as of one transaction.

    It remembers what it has read, so it must not outlive the transaction.
    """

    def __init__(
        self,
        connection: sa.Connection,
        scope: Scope,
        standard: Library,
        *,
        candidate: Mapping[str, Any] | None = None,
    ) -> None:
        """
        Look into a sandbox.

        Args:
            connection: The transaction.
            scope: The sandbox.
            standard: Adobe's library.
            candidate: A resource that is taken as if it were already kept.
        """
        self._connection = connection
        self._scope = scope
        self._standard = standard
        self._known: dict[str, Mapping[str, Any] | None] = {}
        if candidate is not None:
            self._known[candidate["$id"]] = candidate
            self._known[candidate["meta:altId"]] = candidate

    def find(self, resource_id: str) -> Mapping[str, Any] | None:
        """Return a resource by ``$id`` or ``meta:altId``."""
        if resource_id not in self._known:
            self._known[resource_id] = self._read(resource_id)
        return self._known[resource_id]

    def _read(self, resource_id: str) -> Mapping[str, Any] | None:
        # Only ids in the tenant's own namespace can be the tenant's: most lookups of a
        # composition are for the standard library and need no query.
        tenant = self._scope.tenant_id
        if f"/{tenant}/" in resource_id or resource_id.startswith(f"_{tenant}."):
            stored = store.find_resource(self._connection, self._scope, resource_id)
            if stored is not None:
                return stored.document
        return self._standard.find(resource_id)


class Registry(msgspec.Struct, frozen=True):
    """The resources of one sandbox, in the transaction that reads or changes them."""

    connection: sa.Connection
    scope: Scope
    standard: Library

    def library(self, candidate: Mapping[str, Any] | None = None) -> TenantLibrary:
        """Return what references lead to, as if `candidate` were kept already."""
        return TenantLibrary(self.connection, self.scope, self.standard, candidate=candidate)


def type_of(resource: Mapping[str, Any]) -> ResourceType | None:
    """Return the type of a library resource; None for what belongs to no listing."""
    try:
        return ResourceType(resource.get("meta:resourceType", ""))
    except ValueError:
        return None
