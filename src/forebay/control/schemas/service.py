"""
The Schema Registry: what may be created, changed and deleted, and in which forms it is shown.

Every change runs in one write transaction in which the resource and all schemas that are made
of it have been composed: what is kept can always be composed. Nothing of a composition is kept
itself, so a changed field group is visible at once in every schema that refers to it.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from typing import Any

import msgspec
import sqlalchemy as sa

from forebay.control.schemas import (
    audit,
    building,
    creation,
    dependents,
    listing,
    statistics,
    store,
    unions,
    views,
)
from forebay.control.schemas.descriptors import DescriptorService
from forebay.control.schemas.errors import (
    PatchInvalid,
    UnionReadOnly,
    not_found,
)
from forebay.control.schemas.json_patch import PatchFailed, apply_patch
from forebay.control.schemas.library import Registry, TenantLibrary, type_of
from forebay.control.schemas.listing import Entry, Page, Query
from forebay.control.schemas.model import (
    ResourceType,
    SchemaSummary,
    StoredResource,
    new_resource_id,
    next_minor,
)
from forebay.control.schemas.rpc import RpcService
from forebay.control.schemas.validation import ValidationDocument, ValidationDocuments
from forebay.control.schemas.versions import VersionService
from forebay.control.schemas.views import View
from forebay.control.scope import Actor, Scope
from forebay.control.store.engine import ControlStore
from forebay.kernel.clock import Clock
from forebay.xdm.composition import Library, compose
from forebay.xdm.notation import standard_form
from forebay.xdm.standard import Kind, StandardLibrary

Document = dict[str, Any]


class SchemaService:
    """Schemas, classes, field groups, data types, and through `descriptors` their descriptors."""

    def __init__(
        self, control: ControlStore, clock: Clock, *, standard: StandardLibrary | None = None
    ) -> None:
        self._control = control
        self._clock = clock
        self._standard = standard or StandardLibrary()
        self._validation = ValidationDocuments(control, self._standard)
        self.descriptors = DescriptorService(control, clock, self._standard)
        self.rpc = RpcService(control, clock, self._standard)
        self.versions = VersionService(control, self._standard)

    def create(
        self, scope: Scope, actor: Actor, resource_type: ResourceType, body: object
    ) -> Document:
        """
        Create a resource and return it in raw form.

        Raises:
            RegistryError: The body is no such resource, or its title is taken.
            CompositionError: It refers to something that cannot be composed.
        """
        resource_id = new_resource_id(scope, resource_type)
        with self._control.write() as connection:
            return creation.create(
                Registry(connection, scope, self._standard),
                actor,
                body,
                resource_type=resource_type,
                resource_id=resource_id,
                now_ms=self._clock.now_ms(),
                library_version=self._standard.version,
            )

    def get(
        self, scope: Scope, resource_type: ResourceType, resource_id: str, view: View
    ) -> Document:
        """
        Return a resource of the tenant, or else of Adobe's library, in the form asked for.

        The public Python client looks standard field groups up in the tenant's container.

        Raises:
            ResourceNotFound: The sandbox sees no resource of this type and id.
        """
        if resource_type is ResourceType.SCHEMA and unions.is_union_id(resource_id):
            return self.get_union(scope, resource_id, view)
        with self._control.read() as connection:
            stored = store.find_resource(connection, scope, resource_id)
            if stored is None or stored.resource_type is not resource_type:
                return self.get_global(resource_type, resource_id, view)
            kept = store.list_descriptors(connection, scope, stored.resource_id)
            descriptors = [descriptor.document for descriptor in kept]
            library = self._library(connection, scope)
            uses = store.count_uses(connection, scope)[stored.resource_id]
            document = building.with_usage(stored.document, uses)
            if not view.is_composed:
                return views.raw(document, view, descriptors, library=library)
            composed = compose(document, library)
        return views.full(composed, view, descriptors)

    def list_resources(
        self,
        scope: Scope,
        resource_type: ResourceType,
        query: Query,
        *,
        is_summary: bool,
        is_standard: bool = False,
    ) -> Page:
        """Return one page of the tenant's resources of a type, in payload or standard names."""
        with self._control.read() as connection:
            found = store.list_resources(connection, scope, resource_type)
            uses = store.count_uses(connection, scope)
            entries = [
                Entry(
                    building.with_usage(item.document, uses[item.resource_id]),
                    item.created_ms,
                    item.updated_ms,
                )
                for item in found
            ]
            library = self._library(connection, scope) if is_standard else None
            return _shown(listing.page(entries, query), is_summary=is_summary, library=library)

    def replace(
        self,
        scope: Scope,
        actor: Actor,
        resource_type: ResourceType,
        resource_id: str,
        body: object,
    ) -> Document:
        """
        Put a new description in the place of a resource's and return it in raw form.

        Raises:
            RegistryError: The resource does not exist, the body is no such resource, or the
                change would break what depends on it.
            CompositionError: It, or a schema that refers to it, could not be composed any more.
        """
        return self._change(scope, actor, resource_type, resource_id, lambda _: body)

    def patch(
        self,
        scope: Scope,
        actor: Actor,
        resource_type: ResourceType,
        resource_id: str,
        operations: object,
    ) -> Document:
        """
        Apply a JSON Patch to a resource's raw form and return the result; the version grows.

        Raises:
            PatchInvalid: An operation cannot be applied.
            RegistryError: As `replace`.
            CompositionError: As `replace`.
        """

        def patched(document: Document) -> Document:
            try:
                return apply_patch(document, operations)
            except PatchFailed as error:
                raise PatchInvalid(str(error)) from None

        return self._change(scope, actor, resource_type, resource_id, patched)

    def delete(
        self, scope: Scope, actor: Actor, resource_type: ResourceType, resource_id: str
    ) -> None:
        """
        Delete a resource and, with a schema, its descriptors.

        Raises:
            ResourceNotFound: The sandbox has no resource of this type and id.
            ResourceInUse: Something depends on it.
            UnionReadOnly: It is a union.
        """
        with self._control.write() as connection:
            stored = _get(connection, scope, resource_type, resource_id)
            dependents.check_deletable(Registry(connection, scope, self._standard), stored)
            store.delete_resource(connection, scope, stored.resource_id)
            now_ms = self._clock.now_ms()
            audit.record(
                connection, scope, actor, now_ms=now_ms, before=stored.document, after=None
            )

    def get_global(self, resource_type: ResourceType, resource_id: str, view: View) -> Document:
        """
        Return a resource of Adobe's library in the form that is asked for.

        Raises:
            ResourceNotFound: The library has no resource of this type and id.
        """
        found = self._standard.find(resource_id)
        if found is None or type_of(found) is not resource_type:
            raise not_found(resource_type, resource_id)
        if not view.is_composed:
            return views.raw(found, view, (), library=self._standard)
        return views.full(compose(found, self._standard), view, ())

    def list_global(
        self,
        resource_type: ResourceType,
        query: Query,
        *,
        is_summary: bool,
        is_standard: bool = False,
    ) -> Page:
        """Return one page of Adobe's library, in payload or standard names."""
        entries = [Entry(document) for document in self._standard.list(Kind(resource_type.value))]
        library = self._standard if is_standard else None
        return _shown(listing.page(entries, query), is_summary=is_summary, library=library)

    def get_union(self, scope: Scope, union_id: str, view: View) -> Document:
        """
        Return the union of a class in the form that is asked for, as its members are now.

        Raises:
            UnionNotFound: No schema of the class takes part in Profile, or there is no such class.
        """
        with self._control.read() as connection:
            for union, members, library in self._unions(connection, scope):
                if union_id not in (union["$id"], union["meta:altId"]):
                    continue
                ids = {member.resource_id for member in members}
                kept = store.list_descriptors(connection, scope)
                descriptors = [item.document for item in kept if item.source_schema in ids]
                if not view.is_composed:
                    return views.raw(union, view, descriptors, library=library)
                composed = unions.composed_union(union, members, library)
                return views.full(composed, view, descriptors)
        raise not_found(ResourceType.UNION, union_id)

    def list_unions(self, scope: Scope, query: Query, *, is_summary: bool) -> Page:
        """Return one page of the sandbox's unions."""
        with self._control.read() as connection:
            entries = [
                Entry(union, min(m.created_ms for m in members), max(m.updated_ms for m in members))
                for union, members, _ in self._unions(connection, scope)
            ]
        return _shown(listing.page(entries, query), is_summary=is_summary)

    def stats(self, scope: Scope) -> Document:
        """Return the tenant's id and what the tenant has (1.5)."""
        with self._control.read() as connection:
            resources = store.list_resources(connection, scope)
            library = self._library(connection, scope)
            return statistics.summarize(scope, resources, library)

    def find_schema(
        self, scope: Scope, schema_id: str, *, within: sa.Connection | None = None
    ) -> Mapping[str, Any] | None:
        """
        Return a schema in raw form, the tenant's or the library's, by ``$id`` or altId.

        Args:
            scope: The sandbox.
            schema_id: Which schema.
            within: The transaction to look in; a writer that opened a second one could wait
                for a connection that other waiting writers hold.
        """
        with self._control.read() if within is None else nullcontext(within) as connection:
            found = self._library(connection, scope).find(schema_id)
        is_schema = found is not None and type_of(found) is ResourceType.SCHEMA
        return found if is_schema else None

    def check_profile_ready(
        self, scope: Scope, schema: Mapping[str, Any], *, within: sa.Connection
    ) -> None:
        """
        Refuse a schema that Profile cannot work with, whether or not it carries the union tag.

        Raises:
            UnionError: The message says what is missing.
        """
        dependents.check_profile_ready(Registry(within, scope, self._standard), schema)

    def list_schemas(self) -> list[SchemaSummary]:
        """Return the schemas of all organizations: for the platform itself, not for a caller."""
        with self._control.read() as connection:
            return store.list_schema_summaries(connection)

    def validation_document(self, scope: Scope, schema_id: str) -> Document:
        """
        Return the strict schema that records obey now; do not change it.

        Every committed change of the schema, of what it is made of and of its descriptors is in
        it, by whichever process it was made.

        Raises:
            SchemaNotFound: The sandbox has no such schema.
        """
        return self.validation(scope, schema_id).document

    def digest(self, scope: Scope, schema_id: str) -> str:
        """Return the SHA-256 of the validation document: equal digests, equal rules."""
        return self.validation(scope, schema_id).digest

    def validation(self, scope: Scope, schema_id: str) -> ValidationDocument:
        """Return the validation document and its digest, both of one state."""
        return self._validation.get(scope, schema_id)

    def _library(self, connection: sa.Connection, scope: Scope) -> TenantLibrary:
        return TenantLibrary(connection, scope, self._standard)

    def _unions(
        self, connection: sa.Connection, scope: Scope
    ) -> Iterator[tuple[Document, list[StoredResource], TenantLibrary]]:
        library = self._library(connection, scope)
        schemas = store.list_resources(connection, scope, ResourceType.SCHEMA)
        for class_id, members in unions.members_by_class(schemas).items():
            base = library.find(class_id) or {"$id": class_id}
            yield unions.raw_union(scope, base, members, library), members, library

    def _change(
        self,
        scope: Scope,
        actor: Actor,
        resource_type: ResourceType,
        resource_id: str,
        changed: Callable[[Document], object],
    ) -> Document:
        with self._control.write() as connection:
            stored = _get(connection, scope, resource_type, resource_id)
            body = changed(stored.document)
            document = building.build(
                scope, resource_type, stored.resource_id, body, self._library(connection, scope)
            )
            uses = store.count_uses(connection, scope)[stored.resource_id]
            if building.is_same(stored.document, document):
                return building.with_usage(stored.document, uses)
            document["version"] = next_minor(stored.document["version"])
            # Two changes in one millisecond still differ: caches compare this time.
            now_ms = max(self._clock.now_ms(), stored.updated_ms + 1)
            building.stamp(
                document,
                actor=actor,
                now_ms=now_ms,
                library_version=self._standard.version,
                former=stored.document,
            )
            registry = Registry(connection, scope, self._standard)
            creation.check_title(registry, document)
            dependents.check_change(registry, stored.document, document)
            resource = msgspec.structs.replace(
                stored, title=document["title"], updated_ms=now_ms, document=document
            )
            store.update_resource(connection, scope, resource)
            audit.record(
                connection, scope, actor, now_ms=now_ms, before=stored.document, after=document
            )
            dependents.refresh_lineage(registry, document)
        return building.with_usage(document, uses)


def _get(
    connection: sa.Connection, scope: Scope, resource_type: ResourceType, resource_id: str
) -> StoredResource:
    if resource_type is ResourceType.SCHEMA and unions.is_union_id(resource_id):
        raise UnionReadOnly(
            f"{resource_id} follows from its members and cannot be written; change the schemas "
            "that carry the union tag"
        )
    stored = store.find_resource(connection, scope, resource_id)
    if stored is None or stored.resource_type is not resource_type:
        raise not_found(resource_type, resource_id)
    return stored


def _shown(page: Page, *, is_summary: bool, library: Library | None = None) -> Page:
    """Return a page in the form asked for; with a library, in standard notation."""
    if is_summary:
        return Page([Entry(views.summary(entry.document)) for entry in page.entries], page.next)
    if library is None:
        return page
    entries = [Entry(standard_form(entry.document, library)) for entry in page.entries]
    return Page(entries, page.next)
