"""
Descriptors: what is said about a schema's fields from outside the schema (1.8).

Two of them change what happens to records: an identity descriptor names a field as identity,
and a primary one makes it mandatory.
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from forebay.control.schemas import store
from forebay.control.schemas.errors import (
    BreakingChangeRefused,
    DescriptorInvalid,
    DescriptorNotFound,
)
from forebay.control.schemas.library import TenantLibrary, type_of
from forebay.control.schemas.listing import Entry, Page, Query, page
from forebay.control.schemas.model import ResourceType, StoredDescriptor
from forebay.control.schemas.structure import check_depth
from forebay.control.scope import Actor, Scope
from forebay.control.store.engine import ControlStore
from forebay.kernel.clock import Clock
from forebay.kernel.ids import new_hex
from forebay.xdm.composition import compose
from forebay.xdm.standard import StandardLibrary
from forebay.xdm.strict import find_field

Document = dict[str, Any]

IDENTITY = "xdm:descriptorIdentity"
TYPES = frozenset(
    {
        IDENTITY,
        "xdm:alternateDisplayInfo",
        "xdm:descriptorDeprecated",
        "xdm:descriptorLabel",
        "xdm:descriptorManyToMany",
        "xdm:descriptorOneToMany",
        "xdm:descriptorOneToOne",
        "xdm:descriptorPrimaryKey",
        "xdm:descriptorReferenceIdentity",
        "xdm:descriptorRelationship",
        "xdm:descriptorTimeSeriesGranularity",
        "xdm:descriptorTimestamp",
        "xdm:descriptorVersion",
    }
)

_ID_DIGITS = 48
_DEPTH_MAX = 8
_WITHOUT_FIELD = frozenset({"xdm:descriptorTimeSeriesGranularity"})
_READ_ONLY = frozenset(
    {
        "@id",
        "created",
        "createdClient",
        "createdUser",
        "imsOrg",
        "meta:containerId",
        "meta:sandboxId",
        "meta:sandboxType",
        "updated",
        "updatedUser",
        "version",
    }
)
_AUDIT = frozenset({"createdUser", "createdClient", "updatedUser"})
_PRIMARY_MEMBERS = (
    "@type",
    "xdm:sourceSchema",
    "xdm:sourceProperty",
    "xdm:namespace",
    "xdm:isPrimary",
)
_UNPREFIXED = frozenset({"sourceSchema", "sourceVersion", "sourceProperty"})
"""Members that one of Adobe's own examples sends without ``xdm:``."""


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
            if any(content.get(name) != stored.document.get(name) for name in _PRIMARY_MEMBERS):
                _check_may_lose(connection, scope, stored)
            kept = {name: v for name, v in stored.document.items() if name in _READ_ONLY}
            document = content | kept | {"updatedUser": actor.user_id}
            now_ms = max(self._clock.now_ms(), stored.updated_ms + 1)
            changed = _stored(document, stored.created_ms, now_ms)
            store.update_descriptor(connection, scope, changed)

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

    def _checked(
        self, connection: sa.Connection, scope: Scope, body: object, *, own_id: str | None
    ) -> Document:
        content = _content(body)
        library = TenantLibrary(connection, scope, self._standard)
        source = library.find(content["xdm:sourceSchema"])
        if source is None:
            raise DescriptorInvalid(
                f"xdm:sourceSchema {content['xdm:sourceSchema']} does not exist; expected the "
                "$id of a schema"
            )
        content["xdm:sourceSchema"] = source["$id"]
        if content["@type"] == IDENTITY:
            if type_of(source) is not ResourceType.SCHEMA:
                raise DescriptorInvalid(f"xdm:sourceSchema {source['$id']} is not a schema")
            _check_identity(content, compose(source, library))
            if content.get("xdm:isPrimary"):
                others = store.list_descriptors(connection, scope, source["$id"])
                _check_is_only_primary(content, others, own_id)
        return content


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
    is_primary = stored.document.get("xdm:isPrimary") is True
    if is_primary and store.is_used_by_dataset(connection, scope, stored.source_schema):
        raise BreakingChangeRefused(
            f"{stored.descriptor_id} is the primary identity of {stored.source_schema}, to which "
            "a dataset is bound; the primary identity stays"
        )


def _content(body: object) -> Document:
    if not isinstance(body, dict):
        raise DescriptorInvalid("The body must be one JSON object that describes the descriptor")
    check_depth(body, depth_max=_DEPTH_MAX)
    content = {
        f"xdm:{name}" if name in _UNPREFIXED else name: value
        for name, value in body.items()
        if name not in _READ_ONLY
    }
    kind = content.get("@type")
    if not isinstance(kind, str) or kind not in TYPES:
        raise DescriptorInvalid(f"@type is {kind!r}; expected one of {', '.join(sorted(TYPES))}")
    if not isinstance(content.get("xdm:sourceSchema"), str):
        raise DescriptorInvalid("xdm:sourceSchema must be the $id of a schema")
    version = content.setdefault("xdm:sourceVersion", 1)
    if version != 1 or isinstance(version, bool):
        raise DescriptorInvalid(f"xdm:sourceVersion is {version!r}; the only major version is 1")
    if content["@type"] not in _WITHOUT_FIELD:
        _check_path(content.get("xdm:sourceProperty"))
    return content


def _check_path(value: object) -> None:
    paths = value if isinstance(value, list) and value else [value]
    for path in paths:
        is_path = isinstance(path, str) and path.startswith("/") and not path.endswith("/")
        if not is_path:
            raise DescriptorInvalid(
                f"xdm:sourceProperty is {path!r}; expected a path of field names that begins "
                "with a slash and does not end with one: /workEmail/address"
            )


def _check_identity(content: Document, composed: Mapping[str, Any]) -> None:
    path = content["xdm:sourceProperty"]
    if not isinstance(path, str):
        raise DescriptorInvalid("xdm:sourceProperty of an identity must be one path")
    if path == "/_id":
        raise DescriptorInvalid("xdm:sourceProperty is /_id; a record's own id is no identity")
    field = find_field(composed, path)
    if field is None:
        raise DescriptorInvalid(
            f"xdm:sourceProperty {path} is not a field of {content['xdm:sourceSchema']}"
        )
    if field.get("type") != "string":
        raise DescriptorInvalid(
            f"xdm:sourceProperty {path} is of type {field.get('type')}; only a string can be an "
            "identity"
        )
    namespace = content.get("xdm:namespace")
    is_text = isinstance(namespace, str) and namespace.strip() != ""
    if not is_text and (isinstance(namespace, bool) or not isinstance(namespace, int)):
        raise DescriptorInvalid("xdm:namespace must be the code or the id of a namespace")
    if content.setdefault("xdm:property", "xdm:code") not in ("xdm:code", "xdm:id"):
        raise DescriptorInvalid(
            f"xdm:property is {content['xdm:property']!r}; expected xdm:code or xdm:id"
        )
    if not isinstance(content.setdefault("xdm:isPrimary", False), bool):
        raise DescriptorInvalid(
            f"xdm:isPrimary is {content['xdm:isPrimary']!r}; expected true or false"
        )


def _check_is_only_primary(
    content: Document, others: list[StoredDescriptor], own_id: str | None
) -> None:
    for other in others:
        if other.document.get("xdm:isPrimary") is True and other.descriptor_id != own_id:
            raise DescriptorInvalid(
                f"{content['xdm:sourceSchema']} already has the primary identity "
                f"{other.document['xdm:sourceProperty']} ({other.descriptor_id}); a schema has one"
            )
