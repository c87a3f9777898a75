"""
Descriptors: what is said about a schema's fields from outside the schema (1.8).

Two of them change what happens to records: an identity descriptor names a field as identity,
and a primary one makes it mandatory.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from forebay.control.schemas import store
from forebay.control.schemas.dependents import is_protected
from forebay.control.schemas.descriptor_rules import (
    OWNED_MEMBERS,
    check,
    check_is_only_primary,
    check_union_relationships,
    content_of,
)
from forebay.control.schemas.errors import (
    BreakingChangeRefused,
    DescriptorInvalid,
    DescriptorNotFound,
)
from forebay.control.schemas.library import TenantLibrary, type_of
from forebay.control.schemas.listing import Entry, Page, Query, page
from forebay.control.schemas.model import (
    DISPLAY_INFO,
    ResourceType,
    StoredDescriptor,
    is_union_tagged,
)
from forebay.control.schemas.views import field_at
from forebay.control.scope import Actor, Scope
from forebay.control.store.engine import ControlStore
from forebay.kernel.clock import Clock
from forebay.kernel.ids import new_hex
from forebay.xdm.composition import Library, compose
from forebay.xdm.standard import StandardLibrary

Document = dict[str, Any]

_ID_DIGITS = 48
_AUDIT = frozenset({"createdUser", "createdClient", "updatedUser"})
_IDENTITY_MEMBERS = (
    "@type",
    "xdm:sourceSchema",
    "xdm:sourceProperty",
    "xdm:namespace",
    "xdm:isPrimary",
)


class DescriptorService:
    """The descriptors of all sandboxes."""

    def __init__(self, control: ControlStore, clock: Clock, standard: StandardLibrary) -> None:
        self._control = control
        self._clock = clock
        self._standard = standard

    def create(self, scope: Scope, actor: Actor, body: object) -> Document:
        """
        Create a descriptor and return it.

        Raises:
            DescriptorInvalid: The body is no descriptor, or the schema does not allow it.
        """
        with self._control.write() as connection:
            content = self._checked(connection, scope, body, own_id=None)
            now_ms = self._clock.now_ms()
            document = content | {
                "@id": new_hex(_ID_DIGITS),
                "meta:containerId": "tenant",
                "meta:sandboxId": scope.sandbox_id,
                "meta:sandboxType": scope.sandbox_type,
                "version": "1",
                "imsOrg": scope.org_id,
                "createdUser": actor.user_id,
                "createdClient": actor.client_id,
                "updatedUser": actor.user_id,
            }
            store.insert_descriptor(connection, scope, _stored(document, now_ms, now_ms))
            _check_profile_relationships(connection, scope, {document["xdm:sourceSchema"]})
        return {name: document[name] for name in document if name not in _AUDIT}

    def get(self, scope: Scope, descriptor_id: str) -> Document:
        """
        Return a descriptor with its audit members.

        Raises:
            DescriptorNotFound: The sandbox has no such descriptor.
        """
        with self._control.read() as connection:
            stored = _get(connection, scope, descriptor_id)
        return _shown(stored)

    def list_descriptors(self, scope: Scope, query: Query) -> Page:
        """Return one page of the sandbox's descriptors."""
        with self._control.read() as connection:
            found = store.list_descriptors(connection, scope)
        return page([Entry(_shown(d), d.created_ms, d.updated_ms) for d in found], query)

    def replace(self, scope: Scope, actor: Actor, descriptor_id: str, body: object) -> None:
        """
        Put a new description in the place of a descriptor's.

        Raises:
            DescriptorNotFound: The sandbox has no such descriptor.
            DescriptorInvalid: The body is no descriptor, or the schema does not allow it.
            BreakingChangeRefused: It is the primary identity of a schema that has a dataset.
        """
        with self._control.write() as connection:
            stored = _get(connection, scope, descriptor_id)
            content = self._checked(connection, scope, body, own_id=descriptor_id)
            if any(content.get(name) != stored.document.get(name) for name in _IDENTITY_MEMBERS):
                _check_may_lose(connection, scope, stored)
            kept = {name: v for name, v in stored.document.items() if name in OWNED_MEMBERS}
            document = content | kept | {"updatedUser": actor.user_id}
            now_ms = max(self._clock.now_ms(), stored.updated_ms + 1)
            changed = _stored(document, stored.created_ms, now_ms)
            store.update_descriptor(connection, scope, changed)
            sources = {stored.source_schema, changed.source_schema}
            _check_profile_relationships(connection, scope, sources)

    def delete(self, scope: Scope, descriptor_id: str) -> None:
        """
        Delete a descriptor.

        Raises:
            DescriptorNotFound: The sandbox has no such descriptor.
            BreakingChangeRefused: It is the primary identity of a schema that has a dataset.
        """
        with self._control.write() as connection:
            stored = _get(connection, scope, descriptor_id)
            _check_may_lose(connection, scope, stored)
            store.delete_descriptor(connection, scope, descriptor_id)
            _check_profile_relationships(connection, scope, {stored.source_schema})

    def _checked(
        self, connection: sa.Connection, scope: Scope, body: object, *, own_id: str | None
    ) -> Document:
        content = content_of(body)
        library = TenantLibrary(connection, scope, self._standard)
        source = _schema(library, content, "xdm:sourceSchema")
        content["xdm:sourceSchema"] = source["$id"]
        is_schema = type_of(source) is ResourceType.SCHEMA
        if content["@type"] != DISPLAY_INFO and not is_schema:
            raise DescriptorInvalid(f"xdm:sourceSchema {source['$id']} is not a schema")
        check(content, compose(source, library))
        if "xdm:destinationSchema" in content:
            _check_destination(content, library)
        if content.get("xdm:isPrimary") is True:
            others = store.list_descriptors(connection, scope, source["$id"])
            check_is_only_primary(content, others, own_id)
        return content


def _schema(library: Library, content: Document, member: str) -> Mapping[str, Any]:
    found = library.find(content[member])
    if found is None:
        raise DescriptorInvalid(
            f"{member} {content[member]:.200} does not exist; expected the $id of a schema"
        )
    return found


def _check_destination(content: Document, library: Library) -> None:
    destination = _schema(library, content, "xdm:destinationSchema")
    if type_of(destination) is not ResourceType.SCHEMA:
        raise DescriptorInvalid(f"xdm:destinationSchema {destination['$id']} is not a schema")
    content["xdm:destinationSchema"] = destination["$id"]
    path = content.get("xdm:destinationProperty")
    if path is not None and field_at(compose(destination, library), path) is None:
        raise DescriptorInvalid(
            f"xdm:destinationProperty {path} is not a field of {destination['$id']}"
        )


def _get(connection: sa.Connection, scope: Scope, descriptor_id: str) -> StoredDescriptor:
    stored = store.find_descriptor(connection, scope, descriptor_id)
    if stored is None:
        raise DescriptorNotFound(
            f"The requested descriptor resource {descriptor_id} with version 1 is not found."
        )
    return stored


def _stored(document: Document, created_ms: int, updated_ms: int) -> StoredDescriptor:
    return StoredDescriptor(
        descriptor_id=document["@id"],
        descriptor_type=document["@type"],
        source_schema=document["xdm:sourceSchema"],
        created_ms=created_ms,
        updated_ms=updated_ms,
        document=document,
    )


def _shown(stored: StoredDescriptor) -> Document:
    return stored.document | {"created": stored.created_ms, "updated": stored.updated_ms}


def _check_may_lose(connection: sa.Connection, scope: Scope, stored: StoredDescriptor) -> None:
    """Refuse to take the primary identity away from a schema that holds data."""
    source = store.find_resource(connection, scope, stored.source_schema)
    is_held = (
        is_protected(connection, scope, source.document)
        if source is not None
        else store.is_used_by_dataset(connection, scope, stored.source_schema)
    )
    if stored.document.get("xdm:isPrimary") is True and is_held:
        raise BreakingChangeRefused(
            f"{stored.document['xdm:sourceProperty']} ({stored.descriptor_id}) is the primary "
            f"identity of {stored.source_schema}, which takes part in Profile or has a dataset; "
            "the primary identity stays. Further identities that are not primary can be added"
        )


def _check_profile_relationships(
    connection: sa.Connection, scope: Scope, source_schemas: Iterable[str]
) -> None:
    """Refuse a state in which Profile could not follow a relationship of one of the schemas."""
    for schema_id in source_schemas:
        source = store.find_resource(connection, scope, schema_id)
        if source is not None and is_union_tagged(source.document):
            check_union_relationships(connection, scope, schema_id)
