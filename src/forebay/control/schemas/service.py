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

from forebay.control.schemas import building, listing, statistics, store, views
from forebay.control.schemas.descriptors import IDENTITY, DescriptorService
from forebay.control.schemas.errors import (
    BreakingChangeRefused,
    PatchInvalid,
    ResourceInUse,
    TitleNotUnique,
    UnionIdentityMissing,
    not_found,
)
from forebay.control.schemas.evolution import breaking_changes
from forebay.control.schemas.json_patch import PatchFailed, apply_patch
from forebay.control.schemas.library import TenantLibrary, type_of
from forebay.control.schemas.listing import Entry, Page, Query
from forebay.control.schemas.model import (
    ResourceType,
    SchemaSummary,
    StoredResource,
    is_union_tagged,
    new_resource_id,
    next_minor,
)
from forebay.control.schemas.validation import ValidationDocument, ValidationDocuments
from forebay.control.schemas.views import View
from forebay.control.scope import Actor, Scope
from forebay.control.store.engine import ControlStore
from forebay.kernel.clock import Clock
from forebay.xdm.composition import compose
from forebay.xdm.standard import Kind, StandardLibrary
from forebay.xdm.strict import find_field

Document = dict[str, Any]

_REPORTED_CHANGES_MAX = 5


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
            now_ms = self._clock.now_ms()
            library = TenantLibrary(connection, scope, self._standard)
            document = building.build(scope, resource_type, resource_id, body, library)
            document["version"] = "1.0"
            building.stamp(
                document, actor=actor, now_ms=now_ms, library_version=self._standard.version
            )
            compose(document, self._library(connection, scope, candidate=document))
            _check_title(connection, scope, document)
            resource = StoredResource(
                resource_id=resource_id,
                resource_type=resource_type,
                title=document["title"],
                created_ms=now_ms,
                updated_ms=now_ms,
                document=document,
            )
            store.insert_resource(connection, scope, resource)
        return document

    def get(
        self, scope: Scope, resource_type: ResourceType, resource_id: str, view: View
    ) -> Document:
        """
        Return a resource of the tenant, or else of Adobe's library, in the form asked for.

        The public Python client looks standard field groups up in the tenant's container.

        Raises:
            ResourceNotFound: The sandbox sees no resource of this type and id.
        """
        with self._control.read() as connection:
            stored = store.find_resource(connection, scope, resource_id)
            if stored is None or stored.resource_type is not resource_type:
                return self.get_global(resource_type, resource_id, view)
            kept = store.list_descriptors(connection, scope, stored.resource_id)
            descriptors = [descriptor.document for descriptor in kept]
            if not view.is_composed:
                return views.raw(stored.document, view, descriptors)
            composed = compose(stored.document, self._library(connection, scope))
        return views.full(composed, view, descriptors)

    def list_resources(
        self, scope: Scope, resource_type: ResourceType, query: Query, *, is_summary: bool
    ) -> Page:
        """Return one page of the tenant's resources of a type."""
        with self._control.read() as connection:
            found = store.list_resources(connection, scope, resource_type)
        entries = [Entry(item.document, item.created_ms, item.updated_ms) for item in found]
        return _shown(listing.page(entries, query), is_summary=is_summary)

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

    def delete(self, scope: Scope, resource_type: ResourceType, resource_id: str) -> None:
        """
        Delete a resource and, with a schema, its descriptors.

        Raises:
            ResourceNotFound: The sandbox has no resource of this type and id.
            ResourceInUse: It takes part in Profile, a dataset is bound to it, or another
                resource refers to it.
        """
        with self._control.write() as connection:
            stored = _get(connection, scope, resource_type, resource_id)
            if is_union_tagged(stored.document):
                raise ResourceInUse(
                    f"The schema {stored.resource_id} takes part in Profile and cannot be deleted"
                )
            if store.is_used_by_dataset(connection, scope, stored.resource_id):
                raise ResourceInUse(f"A dataset is bound to the schema {stored.resource_id}")
            for other in store.list_resources(connection, scope):
                if stored.resource_id in other.document["refs"]:
                    raise ResourceInUse(
                        f"{other.resource_id} ({other.title}) refers to {stored.resource_id}"
                    )
            store.delete_resource(connection, scope, stored.resource_id)

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
            return views.raw(found, view, ())
        return views.full(compose(found, self._standard), view, ())

    def list_global(self, resource_type: ResourceType, query: Query, *, is_summary: bool) -> Page:
        """Return one page of Adobe's library."""
        entries = [Entry(document) for document in self._standard.list(Kind(resource_type.value))]
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

    def _library(
        self, connection: sa.Connection, scope: Scope, *, candidate: Document | None = None
    ) -> TenantLibrary:
        return TenantLibrary(connection, scope, self._standard, candidate=candidate)

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
            _check_title(connection, scope, document)
            self._check_dependents(connection, scope, document)
            self._check_union(connection, scope, stored.document, document)
            resource = msgspec.structs.replace(
                stored, title=document["title"], updated_ms=now_ms, document=document
            )
            store.update_resource(connection, scope, resource)
        return document

    def _check_dependents(
        self, connection: sa.Connection, scope: Scope, document: Document
    ) -> None:
        """Compose the changed resource and all that is made of it; refuse what would break."""
        before = self._library(connection, scope)
        after = self._library(connection, scope, candidate=document)
        compose(document, after)
        for resource in _dependents(store.list_resources(connection, scope), document["$id"]):
            is_itself = resource.resource_id == document["$id"]
            changed = compose(document if is_itself else resource.document, after)
            _check_identities(connection, scope, resource, changed)
            if not _is_protected(connection, scope, resource):
                continue
            broken = breaking_changes(compose(resource.document, before), changed)
            if broken or changed.get("meta:class") != resource.document.get("meta:class"):
                reasons = "; ".join(broken[:_REPORTED_CHANGES_MAX]) or "its class would change"
                raise BreakingChangeRefused(
                    f"{resource.resource_id} ({resource.title}) takes part in Profile or has a "
                    f"dataset, so that it can only grow: {reasons}"
                )

    def _check_union(
        self, connection: sa.Connection, scope: Scope, old: Document, new: Document
    ) -> None:
        if is_union_tagged(old) and not is_union_tagged(new):
            raise BreakingChangeRefused(
                f"The schema {old['$id']} takes part in Profile; the union tag stays"
            )
        if is_union_tagged(old) or not is_union_tagged(new):
            return
        descriptors = store.list_descriptors(connection, scope, new["$id"])
        has_primary = any(item.document.get("xdm:isPrimary") is True for item in descriptors)
        composed = compose(new, self._library(connection, scope, candidate=new))
        if not has_primary and "identityMap" not in composed.get("properties", {}):
            raise UnionIdentityMissing(
                f"The schema {new['$id']} has neither a primary identity descriptor nor an "
                "identityMap; one of them is needed before it can take part in the union"
            )


def _get(
    connection: sa.Connection, scope: Scope, resource_type: ResourceType, resource_id: str
) -> StoredResource:
    stored = store.find_resource(connection, scope, resource_id)
    if stored is None or stored.resource_type is not resource_type:
        raise not_found(resource_type, resource_id)
    return stored


def _check_title(connection: sa.Connection, scope: Scope, document: Document) -> None:
    owner = store.find_title_owner(connection, scope, document["title"])
    if owner is not None and owner != document["$id"]:
        raise TitleNotUnique(
            f"Title must be unique. An object {owner} already exists with the same title."
        )


def _is_protected(connection: sa.Connection, scope: Scope, resource: StoredResource) -> bool:
    return resource.resource_type is ResourceType.SCHEMA and (
        is_union_tagged(resource.document)
        or store.is_used_by_dataset(connection, scope, resource.resource_id)
    )


def _check_identities(
    connection: sa.Connection, scope: Scope, resource: StoredResource, changed: Document
) -> None:
    """Refuse a change that takes an identity its field: records would lose it silently."""
    for descriptor in store.list_descriptors(connection, scope, resource.resource_id):
        path = descriptor.document.get("xdm:sourceProperty")
        if descriptor.descriptor_type != IDENTITY or not isinstance(path, str):
            continue
        field = find_field(changed, path)
        if field is None or field.get("type") != "string":
            raise BreakingChangeRefused(
                f"{path} is an identity of {resource.resource_id} ({resource.title}) and stays a "
                f"string; delete the descriptor {descriptor.descriptor_id} first"
            )


def _dependents(resources: list[StoredResource], resource_id: str) -> Iterator[StoredResource]:
    """Yield a resource and every one that refers to it, directly or through others."""
    reached = {resource_id}
    found: dict[str, StoredResource] = {}
    size = -1
    while size != len(found):
        size = len(found)
        for resource in resources:
            if resource.resource_id in reached or not reached.isdisjoint(resource.document["refs"]):
                reached.add(resource.resource_id)
                found[resource.resource_id] = resource
    yield from found.values()


def _shown(page: Page, *, is_summary: bool) -> Page:
    if not is_summary:
        return page
    return Page([Entry(views.summary(entry.document)) for entry in page.entries], page.next)
