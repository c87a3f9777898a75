"""
What it takes to make a sandbox what schema files say.

Everything is checked before anything is written: references are looked up, every resource is
built and composed with the registry's own code, and what would break a schema that holds data
is found. Steps come in the order in which the registry can take them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from graphlib import CycleError, TopologicalSorter
from typing import Any
from urllib.parse import quote

import msgspec

from forebay.cli import datasets
from forebay.cli.registry import API, COLLECTIONS, KINDS, TENANT, Document, Registry
from forebay.cli.schema.changes import Change, changes
from forebay.cli.schema.descriptor_faults import (
    PlacedDescriptor,
    descriptor_faults,
    lacks_identity,
)
from forebay.cli.schema.files import Wanted, WantedDataset, WantedDescriptor
from forebay.cli.schema.names import Names, Target
from forebay.cli.source_files import FilesInvalid, Place
from forebay.control.schemas import building
from forebay.control.schemas.model import (
    IDENTITY,
    READ_ONLY_MEMBERS,
    ResourceType,
    is_union_tagged,
)
from forebay.control.scope import Scope
from forebay.kernel.errors import PlatformError
from forebay.kernel.ids import OrgId, SandboxId
from forebay.xdm.composition import compose
from forebay.xdm.names import alt_id
from forebay.xdm.standard import StandardLibrary

CATALOG = "/data/foundation/catalog"
_TAGS = "meta:immutableTags"
_PROFILE_TAGS = {"unifiedProfile": ["enabled:true"], "unifiedIdentity": ["enabled:true"]}
_CONTENT_TYPE = "application/vnd.adobe.xed+json;version=1"
_WORD_START = re.compile(r"(?<=[a-z])(?=[A-Z])")
_DESCRIPTOR_KEY = ("@type", "xdm:sourceSchema", "xdm:sourceProperty")


class Action(StrEnum):
    """What a step does."""

    CREATE = "create"
    CHANGE = "change"
    NOTHING = "unchanged"


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One call of the API, or the finding that none is needed."""

    action: Action
    what: str
    place: Place
    method: str = ""
    path: str = ""
    body: Any = None
    local_id: str = ""
    """The stand-in for the ``$id`` that a creation answers with."""
    changes: tuple[Change, ...] = ()


class Plan(msgspec.Struct, frozen=True):
    """The steps, and every resource as it would be."""

    steps: tuple[Step, ...]
    library: "Overlay"
    targets: tuple[Target, ...]


class Overlay:
    """What references lead to: wanted resources, the tenant's, the standard library's."""

    def __init__(self, registry: Registry, standard: StandardLibrary) -> None:
        self._standard = standard
        self._documents: dict[str, Mapping[str, Any]] = {}
        for kind in KINDS:
            for document in registry.resources(kind):
                self.put(document)

    def put(self, document: Mapping[str, Any]) -> None:
        """Take a resource as if it were kept."""
        self._documents[document["$id"]] = document
        self._documents[alt_id(document["$id"])] = document

    def find(self, resource_id: str) -> Mapping[str, Any] | None:
        """Return a resource in raw form by its ``$id`` or ``meta:altId``."""
        return self._documents.get(resource_id) or self._standard.find(resource_id)


def plan(registry: Registry, wanted: Wanted, *, may_break: bool = False) -> Plan:
    """
    Return the steps from what the sandbox has to what files want.

    Args:
        registry: What the sandbox has.
        wanted: What the files want.
        may_break: Plan even what the registry would refuse because it breaks stored data.

    Raises:
        FilesInvalid: Something is wrong in the files, or the registry would refuse it; with all
            faults and their lines.
    """
    return _Planner(registry, wanted).plan(may_break=may_break)


class _Planner:
    def __init__(self, registry: Registry, wanted: Wanted) -> None:
        platform = registry.platform
        self._registry = registry
        self._wanted = wanted
        self._scope = Scope(
            org_id=OrgId(platform.org_id),
            sandbox_id=SandboxId(""),
            sandbox_name=platform.sandbox,
            tenant_id=registry.tenant_id,
        )
        for tenant, place in wanted.tenants:
            if tenant != registry.tenant_id:
                raise FilesInvalid(
                    [f"{place}: the file is for the tenant {tenant}; this is {registry.tenant_id}"]
                )
        self._names = Names(registry, self._scope, wanted)
        self._faults = self._names.faults
        standard = StandardLibrary(platform.library)
        self._before = Overlay(registry, standard)
        self._after = Overlay(registry, standard)
        self._built: dict[str, Document] = {}
        self._unbuilt: set[str] = set()

    def plan(self, *, may_break: bool) -> Plan:
        targets = self._names.targets
        bodies = {
            t.resource_id: self._names.resolved(t.wanted.body, t.wanted.place) for t in targets
        }
        descriptors = [
            (item, self._names.resolved(item.body, item.place)) for item in self._wanted.descriptors
        ]
        datasets = [
            (item, self._names.resolved(item.schema, item.place)) for item in self._wanted.datasets
        ]
        self._stop_at_faults()
        ordered = self._ordered(targets, bodies)
        steps = [self._resource_step(target, bodies[target.resource_id]) for target in ordered]
        self._stop_at_faults()
        if not may_break:
            self._check_dependents(ordered)
            self._stop_at_faults()
        # Identities first: a relationship leads to one, and the union tag needs one.
        descriptors.sort(key=lambda pair: pair[1]["@type"] != IDENTITY)
        present = self._registry.descriptors()
        described = list(self._descriptor_steps(descriptors, present))
        tagged = [target for target in ordered if target.wanted.is_union_tagged]
        tags = [self._tag_step(target) for target in tagged]
        if not may_break:
            placed = [
                PlacedDescriptor(body, item.place, step.action is not Action.NOTHING)
                for (item, body), step in zip(descriptors, described, strict=True)
            ]
            self._faults += descriptor_faults(placed, present, self._after)
            new = [target for target, tag in zip(tagged, tags, strict=True) if tag.method]
            self._check_identified(new, placed, present)
        steps += described + tags
        steps += self._dataset_steps(datasets)
        self._stop_at_faults()
        return Plan(tuple(steps), self._after, tuple(targets))

    def _stop_at_faults(self) -> None:
        if self._faults:
            raise FilesInvalid([self._by_title(fault) for fault in dict.fromkeys(self._faults)])

    def _by_title(self, fault: str) -> str:
        """Return a fault with titles for the ids of resources that have none yet."""
        for target in self._names.targets:
            if target.stored is None:
                title = repr(target.wanted.title)
                fault = fault.replace(f"'{target.resource_id}'", title)
                fault = fault.replace(target.resource_id, title)
        return fault

    def _ordered(self, targets: Sequence[Target], bodies: Mapping[str, Document]) -> list[Target]:
        """Return the resources so that each comes after what it refers to."""
        by_id = {target.resource_id: target for target in targets}
        graph = {key: [i for i in _texts(bodies[key]) if i in by_id and i != key] for key in by_id}
        try:
            return [by_id[resource_id] for resource_id in TopologicalSorter(graph).static_order()]
        except CycleError as error:
            circle = [by_id[resource_id].wanted for resource_id in error.args[1]]
            shown = " → ".join(item.title for item in circle)
            raise FilesInvalid(
                [f"{circle[0].place}: these refer to one another: {shown}"]
            ) from None

    def _resource_step(self, target: Target, body: Document) -> Step:
        wanted, stored = target.wanted, target.stored
        collection = f"{API}/{TENANT}/{COLLECTIONS[wanted.kind]}"
        step = Step(
            action=Action.CREATE,
            what=f"{wanted.kind.display_name} {wanted.title!r}",
            place=wanted.place,
            method="POST",
            path=collection,
            body=body,
            local_id=target.resource_id,
        )
        built = self._build(target, body)
        if built is None or stored is None:
            return step
        if _content(built) == _content(stored):
            return msgspec.structs.replace(step, action=Action.NOTHING, method="")
        tags = {_TAGS: stored[_TAGS]} if _TAGS in stored else {}
        return msgspec.structs.replace(
            step,
            action=Action.CHANGE,
            method="PUT",
            path=f"{collection}/{quote(stored['$id'], safe='')}",
            body=body | tags,
            local_id="",
            changes=tuple(self._changes(stored, built)),
        )

    def _build(self, target: Target, body: Document) -> Document | None:
        """Return what the registry would keep, and note why it would not."""
        kind, resource_id = target.wanted.kind, target.resource_id
        if self._unbuilt.intersection(_texts(body)):
            self._unbuilt.add(resource_id)  # what it is made of has the fault
            return None
        try:
            built = building.build(self._scope, kind, resource_id, body, self._after)
            self._after.put(built)
            compose(built, self._after)
        except PlatformError as error:
            self._faults.append(f"{target.wanted.place}: {error.message} [{error.code}]")
            self._unbuilt.add(resource_id)
            return None
        if target.stored is not None and _TAGS in target.stored:
            built[_TAGS] = target.stored[_TAGS]
        self._built[resource_id] = built
        return built

    def _changes(self, old: Document, new: Document) -> list[Change]:
        try:
            found = changes(compose(old, self._before), compose(new, self._after))
        except PlatformError:
            return []  # what it was made of cannot be composed any more; it will be
        if new["title"] != old["title"]:
            found.append(Change(sign="~", path="", text=f"title {old['title']} → {new['title']}"))
        return found or [Change(sign="~", path="", text="texts or references")]

    def _check_dependents(self, targets: Sequence[Target]) -> None:
        """Note what the registry would refuse because a schema holds data or is in a union."""
        changed = {
            target.resource_id: target
            for target in targets
            if target.stored is not None
            and _content(self._built[target.resource_id]) != _content(target.stored)
        }
        bound = (
            {item["schemaRef"]["id"] for item in datasets.every(self._registry.platform).values()}
            if changed
            else set()
        )
        for schema in self._registry.resources(ResourceType.SCHEMA) if changed else ():
            causes = [target for key, target in changed.items() if key in self._lineage(schema)]
            is_protected = is_union_tagged(schema) or schema["$id"] in bound
            if not causes or not is_protected:
                continue
            after = self._built.get(schema["$id"], schema)
            for change in self._changes(schema, after):
                place = self._cause(causes, change).wanted.place
                for reason in change.reasons:
                    self._faults.append(
                        f"{place}: {schema['title']!r} takes part in Profile or "
                        f"has a dataset, so that it can only grow: {reason}"
                    )

    def _cause(self, causes: Sequence[Target], change: Change) -> Target:
        """Return the resource in which a change of a schema was made."""
        for target in causes:
            own = self._changes(target.stored or {}, self._built[target.resource_id])
            if any(item.path and change.path.endswith(item.path) for item in own):
                return target
        return causes[0]

    def _lineage(self, schema: Document) -> set[str]:
        """Return the ids of everything that a schema is made of, before or after, and its own."""
        found: set[str] = set()
        waiting = [schema["$id"]]
        while waiting:
            resource_id = waiting.pop()
            if resource_id in found:
                continue
            found.add(resource_id)
            for library in (self._before, self._after):
                waiting.extend((library.find(resource_id) or {}).get("refs", ()))
        return found

    def _check_identified(
        self,
        targets: Sequence[Target],
        placed: Sequence[PlacedDescriptor],
        present: Sequence[Document],
    ) -> None:
        """Note which schemas cannot join a union: nothing tells their records apart."""
        for target in targets:
            if lacks_identity(target.resource_id, placed, present, self._after):
                self._faults.append(
                    f"{target.wanted.place}: the schema {target.wanted.title!r} cannot take part "
                    "in Profile: it has neither a primary identity nor an identityMap; give one "
                    "of its identities primary: true"
                )

    def _descriptor_steps(
        self,
        wanted: Sequence[tuple[WantedDescriptor, Document]],
        present: Sequence[Document],
    ) -> Iterator[Step]:
        titles = {target.resource_id: target.wanted.title for target in self._names.targets}
        path = f"{API}/{TENANT}/descriptors"
        for item, body in wanted:
            schema = titles.get(body["xdm:sourceSchema"], body["xdm:sourceSchema"])
            where = body.get("xdm:sourceProperty", "")
            name = body["@type"].removeprefix("xdm:descriptor").removeprefix("xdm:")
            words = _WORD_START.sub(" ", name).lower()
            what = f"{words} {where} of {schema!r}"
            same = [d for d in present if all(d.get(k) == body.get(k) for k in _DESCRIPTOR_KEY)]
            if not same:
                step = Step(
                    action=Action.CREATE,
                    what=what,
                    place=item.place,
                    method="POST",
                    path=path,
                    body=body,
                )
            elif any(_says(found, body) for found in same):
                step = Step(action=Action.NOTHING, what=what, place=item.place)
            else:
                step = Step(
                    action=Action.CHANGE,
                    what=what,
                    place=item.place,
                    method="PUT",
                    path=f"{path}/{same[0]['@id']}",
                    body=body,
                )
            yield step

    @staticmethod
    def _tag_step(target: Target) -> Step:
        path = f"{API}/{TENANT}/schemas/{quote(target.resource_id, safe='')}"
        step = Step(
            action=Action.CHANGE,
            what=f"Profile for the schema {target.wanted.title!r}",
            place=target.wanted.place,
            method="PATCH",
            path=path,
            body=[{"op": "add", "path": f"/{_TAGS}", "value": ["union"]}],
        )
        if target.stored is None or not is_union_tagged(target.stored):
            return step
        return msgspec.structs.replace(step, action=Action.NOTHING, method="")

    def _dataset_steps(self, wanted: Sequence[tuple[WantedDataset, str]]) -> Iterator[Step]:
        present = datasets.every(self._registry.platform) if wanted else {}
        for item, schema_id in wanted:
            same = [key for key, value in present.items() if value["name"] == item.name]
            what = f"dataset {item.name!r}"
            if len(same) > 1:
                self._faults.append(f"{item.place}: {len(same)} datasets are called {item.name!r}")
            elif same:
                yield self._known_dataset(item, schema_id, same[0], present[same[0]])
            else:
                reference = {"id": schema_id, "contentType": _CONTENT_TYPE}
                body: Document = {"name": item.name, "schemaRef": reference}
                body |= {"description": item.description} if item.description else {}
                body |= {"tags": _PROFILE_TAGS} if item.is_profile_enabled else {}
                yield Step(
                    action=Action.CREATE,
                    what=what,
                    place=item.place,
                    method="POST",
                    path=f"{CATALOG}/dataSets",
                    body=body,
                )

    def _known_dataset(
        self, item: WantedDataset, schema_id: str, dataset_id: str, stored: Document
    ) -> Step:
        if stored["schemaRef"]["id"] != schema_id:
            self._faults.append(
                f"{item.place}: the dataset {item.name!r} has the schema "
                f"{stored['schemaRef']['id']}; a dataset keeps its schema, so choose another name"
            )
        body: Document = {}
        if item.description is not None and item.description != stored.get("description", ""):
            body["description"] = item.description
        if item.is_profile_enabled and not _is_enabled(stored):
            body["tags"] = _PROFILE_TAGS
        return Step(
            action=Action.CHANGE if body else Action.NOTHING,
            what=f"dataset {item.name!r}",
            place=item.place,
            method="PATCH" if body else "",
            path=f"{CATALOG}/v2/dataSets/{dataset_id}",
            body=body,
        )


def _content(document: Document) -> Document:
    owned = READ_ONLY_MEMBERS | {_TAGS}
    return {name: value for name, value in document.items() if name not in owned}


def _says(stored: Document, wanted: Document) -> bool:
    return all(stored.get(name) == value for name, value in wanted.items())


def _is_enabled(dataset: Document) -> bool:
    tags = dataset.get("tags", {})
    return all("enabled:true" in str(tags.get(name)).replace(" ", "") for name in _PROFILE_TAGS)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value.partition("#")[0]
    elif isinstance(value, dict):
        for member in value.values():
            yield from _texts(member)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
