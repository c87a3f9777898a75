"""
Schema files: what a team keeps in git, read into the registry resources that it wants.

A file is YAML or JSON: sections of resources in a short form or in the API's own, or what
``/rpc/export`` answers. Reading needs no server: references stay names here (`fields.named`)
and the tenant's id a placeholder. See docs/reference/schema-files.md.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from forebay.cli.schema.fields import Report, check_members, members_of, named, reporter
from forebay.cli.source_files import FilesInvalid, Place, Source, Way, read
from forebay.control.schemas.descriptor_rules import OWNED_MEMBERS
from forebay.control.schemas.model import (
    IDENTITY,
    READ_ONLY_MEMBERS,
    TENANT_PLACEHOLDER,
    ResourceType,
)
from forebay.kernel.json import shown

Document = dict[str, Any]

PLACEHOLDERS = ("{tenant}", TENANT_PLACEHOLDER)
"""What stands for the tenant's id in any text; the second one is what exports contain."""

_SECTIONS = {
    "classes": ResourceType.CLASS,
    "dataTypes": ResourceType.DATA_TYPE,
    "fieldGroups": ResourceType.FIELD_GROUP,
    "schemas": ResourceType.SCHEMA,
}
BEHAVIORS = {
    "record": "https://ns.adobe.com/xdm/data/record",
    "time-series": "https://ns.adobe.com/xdm/data/time-series",
    "adhoc": "https://ns.adobe.com/xdm/data/adhoc",
}
_CUSTOM = "customFields"
"""Name of the definition that holds a resource's own fields."""
_SHORT = {
    ResourceType.CLASS: ("fields", "behavior"),
    ResourceType.DATA_TYPE: ("fields",),
    ResourceType.FIELD_GROUP: ("fields", "classes"),
    ResourceType.SCHEMA: ("class", "fieldGroups", "profile", "identities", "descriptors"),
}
_API = ("type", "definitions", "allOf", "properties", "required", "meta:intendedToExtend")
_DATASET = ("name", "description", "schema", "profile")


class WantedResource(msgspec.Struct, frozen=True, kw_only=True):
    """A class, data type, field group or schema as a file describes it."""

    kind: ResourceType
    title: str
    resource_id: str | None
    """The ``$id`` that the file states."""
    body: Document
    """What the API takes; references are `named`, the tenant's id is a placeholder."""
    is_union_tagged: bool = False
    """A schema that is to take part in Profile; the tag is not in the body."""
    place: Place


class WantedDescriptor(msgspec.Struct, frozen=True, kw_only=True):
    """A descriptor; the schema that it belongs to is a `named` reference in its body."""

    body: Document
    place: Place


class WantedDataset(msgspec.Struct, frozen=True, kw_only=True):
    """A dataset of Catalog."""

    name: str
    description: str | None
    schema: str
    """A `named` reference."""
    is_profile_enabled: bool
    place: Place


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that some files want."""

    tenants: tuple[tuple[str, Place], ...] = ()
    """The tenants that the files say they are written for."""
    resources: tuple[WantedResource, ...] = ()
    descriptors: tuple[WantedDescriptor, ...] = ()
    datasets: tuple[WantedDataset, ...] = ()


def wanted(files: Sequence[Path]) -> Wanted:
    """
    Return what schema files want, in the order in which they say it.

    Raises:
        FilesInvalid: With every fault of every file, each with its line.
    """
    faults: list[str] = []
    sources: list[Source] = []
    for path in files:
        try:
            sources += read(path)
        except FilesInvalid as error:
            faults.extend(error.faults)
    return wanted_by(sources, faults)


def wanted_by(sources: Sequence[Source], faults: Sequence[str] = ()) -> Wanted:
    """
    Return what the documents of schema files want.

    Raises:
        FilesInvalid: With every fault of every document, and those already found.
    """
    faults = list(faults)
    reading = _Reading()
    for source in sources:
        _Section(reading, source, reporter(source, faults)).document()
    _check_twice(reading.resources, faults)
    if faults:
        raise FilesInvalid(faults)
    return Wanted(
        tenants=tuple(reading.tenants),
        resources=tuple(reading.resources),
        descriptors=tuple(reading.descriptors),
        datasets=tuple(reading.datasets),
    )


def _check_twice(resources: Sequence[WantedResource], faults: list[str]) -> None:
    known: dict[str, WantedResource] = {}
    for resource in resources:
        former = known.setdefault(resource.title, resource)
        if former is not resource:
            faults.append(f"{resource.place}: {resource.title!r} is already at {former.place}")


class _Reading:
    def __init__(self) -> None:
        self.tenants: list[tuple[str, Place]] = []
        self.resources: list[WantedResource] = []
        self.descriptors: list[WantedDescriptor] = []
        self.datasets: list[WantedDataset] = []


class _Section:
    """Reads one document of a file."""

    def __init__(self, reading: _Reading, source: Source, say: Report) -> None:
        self._reading = reading
        self._source = source
        self._say = say

    def document(self) -> None:
        value = self._source.value
        if isinstance(value, list):
            for at, item in enumerate(value):
                self._exported(item, (at,))
            return
        if not isinstance(value, dict):
            self._say((), f"the file holds {shown(value, 40)}; expected sections of resources")
            return
        check_members(value, ("tenant", *_SECTIONS, "datasets"), (), self._say)
        if isinstance(value.get("tenant"), str):
            tenant = value["tenant"].removeprefix("_")
            self._reading.tenants.append((tenant, self._source.place(("tenant",))))
        for section, kind in _SECTIONS.items():
            for way, item in self._items(value, section):
                self._resource(kind, item, way)
        for way, item in self._items(value, "datasets"):
            self._dataset(item, way)

    def _items(self, value: Document, section: str) -> list[tuple[Way, Document]]:
        items = value.get(section)
        if items is None:
            return []
        if not isinstance(items, list):
            self._say((section,), f"{section} is no list; expected items that begin with '- '")
            return []
        good = [(at, item) for at, item in enumerate(items) if isinstance(item, dict)]
        for at, item in enumerate(items):
            if not isinstance(item, dict):
                self._say((section, at), f"{shown(item, 60)} is no object with a title")
        return [((section, at), item) for at, item in good]

    def _resource(self, kind: ResourceType, item: Document, way: Way) -> None:
        allowed = ("$id", "title", "description", *_SHORT[kind], *_API)
        extra = [name for name in item if name.startswith("meta:") or name in READ_ONLY_MEMBERS]
        check_members(item, (*allowed, *extra), way, self._say)
        title = self._text(item, "title", way)
        body = {
            name: value
            for name, value in item.items()
            if name not in READ_ONLY_MEMBERS and name not in _SHORT[kind]
        }
        body["type"] = item.get("type", "object")
        is_tagged = self._flag(item, "profile", way) or "union" in _tags(body)
        body.pop("meta:immutableTags", None)
        self._shapes(kind, body, item, way)
        self._reading.resources.append(
            WantedResource(
                kind=kind,
                title=title,
                resource_id=item.get("$id") if isinstance(item.get("$id"), str) else None,
                body=body,
                is_union_tagged=is_tagged,
                place=self._source.place(way),
            )
        )
        if kind is ResourceType.SCHEMA:
            self._identities(item, title, way)
            self._descriptors(item, title, way)

    def _shapes(self, kind: ResourceType, body: Document, item: Document, way: Way) -> None:
        """Turn the short form into the API's."""
        if kind is ResourceType.SCHEMA:
            self._parts(body, item, way)
        elif "fields" in item:
            clash = [name for name in ("definitions", "properties") if name in item]
            if clash:
                self._say((*way, clash[0]), f"{clash[0]} and fields say the same; keep one")
            members = members_of(item["fields"], (*way, "fields"), self._say)
            self._fields(kind, body, members, is_adhoc=item.get("behavior") == "adhoc")
        if kind is ResourceType.CLASS and "behavior" in item:
            behavior = self._text(item, "behavior", way)
            reference = named(ResourceType.BEHAVIOR, BEHAVIORS.get(behavior, behavior))
            body["allOf"] = [{"$ref": reference}, *body.get("allOf", ())]
        if kind is ResourceType.FIELD_GROUP and "meta:intendedToExtend" not in body:
            names = self._texts(item, "classes", way)
            body["meta:intendedToExtend"] = [named(ResourceType.CLASS, name) for name in names]

    @staticmethod
    def _fields(kind: ResourceType, body: Document, members: Document, *, is_adhoc: bool) -> None:
        own: Document = {"type": "object", **members}
        if kind is ResourceType.DATA_TYPE:
            body.update(members)
        elif is_adhoc:  # the registry looks for this name here, and gives it a namespace
            body["properties"] = {"_adhoc": own}
        else:
            body["definitions"] = {_CUSTOM: {"type": "object", "properties": {"_{tenant}": own}}}
            body["allOf"] = [*body.get("allOf", ()), {"$ref": f"#/definitions/{_CUSTOM}"}]

    def _parts(self, body: Document, item: Document, way: Way) -> None:
        if "class" not in item and "allOf" not in item:
            self._say(way, "class is missing: the title or the $id of the schema's class")
        groups = self._texts(item, "fieldGroups", way)
        parts = [named(ResourceType.FIELD_GROUP, name) for name in groups]
        if "class" in item:
            parts.insert(0, named(ResourceType.CLASS, self._text(item, "class", way)))
        body["allOf"] = [*({"$ref": part} for part in parts), *body.get("allOf", ())]

    def _identities(self, item: Document, title: str, way: Way) -> None:
        for at, identity in self._objects(item, "identities", way):
            check_members(identity, ("path", "namespace", "primary"), at, self._say)
            path = self._text(identity, "path", at)
            if not path.startswith("/"):
                path = "/" + path.replace(".", "/")
            namespace = identity.get("namespace")
            if not isinstance(namespace, str | int) or isinstance(namespace, bool):
                self._say(at, "namespace is missing: the code or the id of an identity namespace")
            self._descriptor(
                {
                    "@type": IDENTITY,
                    "xdm:sourceProperty": path,
                    "xdm:namespace": namespace,
                    "xdm:property": "xdm:id" if isinstance(namespace, int) else "xdm:code",
                    "xdm:isPrimary": self._flag(identity, "primary", at),
                },
                title,
                at,
            )

    def _descriptors(self, item: Document, title: str, way: Way) -> None:
        for at, descriptor in self._objects(item, "descriptors", way):
            if not isinstance(descriptor.get("@type"), str):
                self._say(at, "@type is missing: xdm:descriptorOneToOne, xdm:descriptorLabel, …")
            self._descriptor(descriptor, title, at)

    def _descriptor(self, body: Document, schema: str, way: Way) -> None:
        whole: Document = {"xdm:sourceVersion": 1} | body
        whole["xdm:sourceSchema"] = named(ResourceType.SCHEMA, schema)
        if isinstance(body.get("xdm:destinationSchema"), str):
            target = named(ResourceType.SCHEMA, body["xdm:destinationSchema"])
            whole["xdm:destinationSchema"] = target
        self._reading.descriptors.append(
            WantedDescriptor(body=whole, place=self._source.place(way))
        )

    def _dataset(self, item: Document, way: Way) -> None:
        check_members(item, _DATASET, way, self._say)
        description = item.get("description")
        self._reading.datasets.append(
            WantedDataset(
                name=self._text(item, "name", way),
                description=description if isinstance(description, str) else None,
                schema=named(ResourceType.SCHEMA, self._text(item, "schema", way)),
                is_profile_enabled=self._flag(item, "profile", way),
                place=self._source.place(way),
            )
        )

    def _exported(self, item: object, way: Way) -> None:
        """Read one member of an exported array: a resource in raw form, or a descriptor."""
        if not isinstance(item, dict):
            self._say(way, f"{shown(item, 60)} is no exported resource")
        elif "@type" in item:
            body = {k: v for k, v in item.items() if k not in OWNED_MEMBERS}
            self._descriptor(body, self._text(item, "xdm:sourceSchema", way), way)
        else:
            kind = item.get("meta:resourceType")
            kinds = {kind.value: kind for kind in _SECTIONS.values()}
            if kind not in kinds:
                right = ", ".join(kinds)
                self._say(way, f"meta:resourceType is {shown(kind)}; expected one of {right}")
                return
            self._resource(kinds[kind], item, way)

    def _text(self, item: Document, name: str, way: Way) -> str:
        value = item.get(name)
        if isinstance(value, str) and value.strip():
            return value
        found = "is missing" if value is None else f"is {shown(value)}"
        self._say((*way, name), f"{name} {found}; expected a text")
        return ""

    def _texts(self, item: Document, name: str, way: Way) -> list[str]:
        value = item.get(name, [])
        if isinstance(value, list) and all(isinstance(text, str) for text in value):
            return value
        self._say((*way, name), f"{name} is {shown(value)}; expected a list of titles or $ids")
        return []

    def _flag(self, item: Document, name: str, way: Way) -> bool:
        value = item.get(name, False)
        if not isinstance(value, bool):
            self._say((*way, name), f"{name} is {shown(value)}; expected true or false")
        return value is True

    def _objects(self, item: Document, name: str, way: Way) -> list[tuple[Way, Document]]:
        items = item.get(name, [])
        if not isinstance(items, list) or not all(isinstance(value, dict) for value in items):
            self._say((*way, name), f"{name} is no list of objects")
            return []
        return [((*way, name, at), value) for at, value in enumerate(items)]


def _tags(body: Document) -> list[Any]:
    tags = body.get("meta:immutableTags")
    return tags if isinstance(tags, list) else []
