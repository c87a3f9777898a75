"""What a tenant has in its registry (1.5)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from forebay.control.schemas.model import ResourceType, StoredResource, is_union_tagged
from forebay.control.scope import Scope
from forebay.kernel.clock import utc
from forebay.xdm.composition import Library

_RECENT_MAX = 10
_DESCRIBED = ("title", "description", "meta:resourceType", "version", "meta:class")
_COUNTED = (
    ResourceType.SCHEMA,
    ResourceType.FIELD_GROUP,
    ResourceType.DATA_TYPE,
    ResourceType.CLASS,
)


def summarize(
    scope: Scope, resources: Sequence[StoredResource], library: Library
) -> dict[str, Any]:
    """Return the answer of ``/stats``: counts, the newest changes, and schemas by class."""
    counts = {
        kind.value: sum(resource.resource_type is kind for resource in resources)
        for kind in _COUNTED
    }
    tagged = {
        resource.document["meta:class"]
        for resource in resources
        if resource.resource_type is ResourceType.SCHEMA and is_union_tagged(resource.document)
    }
    created = sorted(resources, key=lambda resource: -resource.created_ms)
    updated = sorted(resources, key=lambda resource: -resource.updated_ms)
    return {
        "imsOrg": scope.org_id,
        "tenantId": scope.tenant_id,
        "counts": counts | {"unions": len(tagged)},
        "recentlyCreatedResources": [
            _described(item, library) | {"meta:created": _written(item.created_ms)}
            for item in created[:_RECENT_MAX]
        ],
        "recentlyUpdatedResources": [
            _described(item, library) | {"meta:updated": _written(item.updated_ms)}
            for item in updated[:_RECENT_MAX]
        ],
        "classUsage": _class_usage(resources),
    }


def _described(resource: StoredResource, library: Library) -> dict[str, Any]:
    document = resource.document
    described = _members(document, _DESCRIBED)
    base = library.find(document["meta:class"]) if "meta:class" in document else None
    if base is not None:
        described["meta:classTitle"] = base["title"]
    return described


def _members(document: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: document[name] for name in names if name in document}


def _class_usage(resources: Iterable[StoredResource]) -> dict[str, list[dict[str, Any]]]:
    usage: dict[str, list[dict[str, Any]]] = {}
    for resource in resources:
        document = resource.document
        if "meta:class" in document:
            shown: dict[str, Any] = {
                n: document[n] for n in ("$id", "title", "description") if n in document
            }
            usage.setdefault(document["meta:class"], []).append(shown)
    return usage


def _written(epoch_ms: int) -> str:
    """Write a time as ``/stats`` does: Sat Feb 02 2019 00:24:30 GMT+0000 (UTC)."""
    return utc(epoch_ms).strftime("%a %b %d %Y %H:%M:%S GMT+0000 (UTC)")
