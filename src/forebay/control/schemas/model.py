"""
What a registry resource is: its type, its ids, and which of its members the registry owns.

A resource is kept as the open document that the API shows ("raw form"); columns beside it
exist only for searching.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

from forebay.control.scope import Scope
from forebay.kernel.ids import SchemaId, new_hex

NAMESPACE_URI = "https://ns.adobe.com/"
TENANT_PLACEHOLDER = "<XDM_TENANTID_PLACEHOLDER>"
"""Stands for the tenant's id in what is exported (1.13)."""
TIME_SERIES = f"{NAMESPACE_URI}xdm/data/time-series"
ADHOC = f"{NAMESPACE_URI}xdm/data/adhoc"

IDENTITY = "xdm:descriptorIdentity"
DISPLAY_INFO = "xdm:alternateDisplayInfo"
DEPRECATED = "xdm:descriptorDeprecated"
"""Types of descriptors that say something about a field itself."""

_ID_DIGITS = 48


class ResourceType(StrEnum):
    """``meta:resourceType``; field groups keep their historic name."""

    SCHEMA = "schemas"
    FIELD_GROUP = "mixins"
    CLASS = "classes"
    DATA_TYPE = "datatypes"
    BEHAVIOR = "behaviors"
    UNION = "unions"

    @property
    def display_name(self) -> str:
        """What messages call one resource of this type."""
        return _DISPLAY_NAMES[self]


_DISPLAY_NAMES = {
    ResourceType.SCHEMA: "schema",
    ResourceType.FIELD_GROUP: "field group",
    ResourceType.CLASS: "class",
    ResourceType.DATA_TYPE: "data type",
    ResourceType.BEHAVIOR: "behavior",
    ResourceType.UNION: "union",
}

READ_ONLY_MEMBERS = frozenset(
    {
        "$id",
        "imsOrg",
        "meta:abstract",
        "meta:altId",
        "meta:class",
        "meta:containerId",
        "meta:created",
        "meta:createdDate",
        "meta:datasetNamespace",
        "meta:extends",
        "meta:extensible",
        "meta:registryMetadata",
        "meta:resourceType",
        "meta:sandboxId",
        "meta:sandboxType",
        "meta:tenantNamespace",
        "meta:updated",
        "refs",
        "version",
    }
)
"""Members that the registry writes; what a client sends for them is ignored."""


class StoredResource(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant resource as kept."""

    resource_id: str
    resource_type: ResourceType
    title: str
    created_ms: int
    updated_ms: int
    document: dict[str, Any]


class StoredDescriptor(msgspec.Struct, frozen=True, kw_only=True):
    """A descriptor as kept."""

    descriptor_id: str
    descriptor_type: str
    source_schema: str
    created_ms: int
    updated_ms: int
    document: dict[str, Any]


class SchemaSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What the platform needs to know of every schema that records may name."""

    scope: Scope
    schema_id: SchemaId
    version: str
    """Empty for a schema of the standard library: that is versioned as a whole."""


def tenant_namespace(scope: Scope) -> str:
    """Return the field under which all custom fields of the tenant lie."""
    return f"_{scope.tenant_id}"


def new_resource_id(scope: Scope, resource_type: ResourceType) -> str:
    """Return a new ``$id``; field groups keep the ``mixins`` segment (1.1)."""
    return f"{NAMESPACE_URI}{scope.tenant_id}/{resource_type.value}/{new_hex(_ID_DIGITS)}"


def is_union_tagged(document: Mapping[str, Any]) -> bool:
    """Say whether a schema takes part in the union of its class, that is: in Profile."""
    tags = document.get("meta:immutableTags")
    return isinstance(tags, list) and "union" in tags


def next_minor(version: str) -> str:
    """Return the version after a change: the major version stays 1."""
    major, _, minor = version.partition(".")
    return f"{major}.{int(minor or 0) + 1}"
