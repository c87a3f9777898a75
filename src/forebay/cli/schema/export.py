"""`forebay schema export`: resources of the registry as a schema file."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from forebay.cli.client import Platform
from forebay.cli.options import data_option, org_option, sandbox_option
from forebay.cli.registry import KINDS, TENANT, Component, Document, NotFound, Registry
from forebay.cli.schema.files import BEHAVIORS, wanted_by
from forebay.cli.schema.plan import Action, plan
from forebay.cli.schema.short import short_fields
from forebay.cli.source_files import Source, dump
from forebay.control.schemas.descriptor_rules import OWNED_MEMBERS
from forebay.control.schemas.model import (
    IDENTITY,
    NAMESPACE_URI,
    READ_ONLY_MEMBERS,
    ResourceType,
    is_union_tagged,
)
from forebay.kernel import json

_SECTIONS = {
    ResourceType.DATA_TYPE: "dataTypes",
    ResourceType.CLASS: "classes",
    ResourceType.FIELD_GROUP: "fieldGroups",
    ResourceType.SCHEMA: "schemas",
}
_IMPLIED = OWNED_MEMBERS | {"xdm:sourceSchema", "xdm:sourceVersion"}
"""Members of a descriptor that a file does not say."""
_BEHAVIOR_NAMES = {uri: name for name, uri in BEHAVIORS.items() if name != "adhoc"}
"""The fields of an ad-hoc class lie in a namespace of its own, which the short form cannot say."""


@click.command()
@click.argument("names", metavar="[ID|TITLE]...", nargs=-1)
@click.option("--all", "is_all", is_flag=True, help="Everything that is the tenant's.")
@click.option(
    "--format", "form", type=click.Choice(["yaml", "json"]), default="yaml", show_default=True
)
@data_option
@org_option
@sandbox_option
def command(
    names: tuple[str, ...],
    is_all: bool,
    form: str,
    data: Path | None,
    org_id: str | None,
    sandbox: str | None,
) -> None:
    """
    Print resources, and the tenant's own ones that they are made of, as a schema file.

    `forebay schema apply` of that file finds everything unchanged, and makes the same schemas
    in another sandbox or organization.

    \b
    forebay schema export 'Loyalty members' > schemas/loyalty.yaml
    """
    if is_all == bool(names):
        raise click.UsageError("Name resources, or ask for --all.")
    with Platform.of(data, org_id=org_id, sandbox=sandbox) as platform:
        registry = Registry(platform)
        chosen = _chosen(registry, names)
        sections = _Writer(registry, chosen, long=frozenset()).sections()
        # What the short form does not say exactly is written in the API's own.
        long = _inexact(registry, sections)
        if long:
            sections = _Writer(registry, chosen, long=long).sections()
    click.echo(dump(sections) if form == "yaml" else json.encode(sections), nl=form == "json")


def _chosen(registry: Registry, names: Sequence[str]) -> list[Document]:
    """Return the resources with those that they refer to, in the order of their kinds."""
    by_id = {item["$id"]: item for kind in KINDS for item in registry.resources(kind)}
    waiting = [_own(registry, name).resource_id for name in names] or list(by_id)
    found: set[str] = set()
    while waiting:
        resource_id = waiting.pop()
        if resource_id in by_id and resource_id not in found:
            found.add(resource_id)
            waiting.extend(by_id[resource_id]["refs"])
    return [item for item in by_id.values() if item["$id"] in found]


def _own(registry: Registry, name: str) -> Component:
    """Return the tenant's resource of this name; standard components are there everywhere."""
    found = registry.find(name)
    if found.container == TENANT:
        return found
    raise NotFound(
        f"{found} is one of Adobe's standard components, which every sandbox has; only the "
        "tenant's own resources are exported."
    )


def _inexact(registry: Registry, sections: Document) -> frozenset[str]:
    described = wanted_by([Source("export", sections, {})])
    planned = plan(registry, described, may_break=True)
    differing = {step.what for step in planned.steps if step.action is not Action.NOTHING}
    return frozenset(
        item.title
        for item in described.resources
        if f"{item.kind.display_name} {item.title!r}" in differing
    )


class _Writer:
    def __init__(
        self, registry: Registry, chosen: Sequence[Document], *, long: frozenset[str]
    ) -> None:
        self._registry = registry
        self._chosen = chosen
        self._long = long
        self._titles = {item["$id"]: item["title"] for item in chosen}
        self._tenant = re.compile(
            rf"(?<![A-Za-z0-9_-])_{re.escape(registry.tenant_id)}(?![A-Za-z0-9_-])"
        )

    def sections(self) -> Document:
        descriptors = self._registry.descriptors()
        sections: Document = {}
        for kind, section in _SECTIONS.items():
            items = [
                self._item(kind, document, descriptors)
                for document in self._chosen
                if document["meta:resourceType"] == kind.value
            ]
            if items:
                sections[section] = items
        return sections

    def _item(
        self, kind: ResourceType, document: Document, descriptors: Sequence[Document]
    ) -> Document:
        body = {name: v for name, v in document.items() if name not in READ_ONLY_MEMBERS}
        if kind is ResourceType.CLASS and "meta:datasetNamespace" in document:
            # The namespace of an ad-hoc class is made of its id, which is another one elsewhere.
            body = _renamed(body, document["meta:datasetNamespace"], "_adhoc")
        item: Document = {"title": body.pop("title")}
        if "description" in body:
            item["description"] = body.pop("description")
        for name in ("type", "meta:xdmType", "meta:immutableTags"):
            body.pop(name, None)
        is_short = item["title"] not in self._long
        members = self._short(kind, body) if is_short else None
        item |= self._named(body) if members is None else members
        if kind is ResourceType.SCHEMA:
            own = [d for d in descriptors if d["xdm:sourceSchema"] == document["$id"]]
            item |= {"profile": True} if is_union_tagged(document) else {}
            item |= dict(self._described(own))
        return item

    def _short(self, kind: ResourceType, body: Document) -> Document | None:
        parts = [part.get("$ref", "#") for part in body.get("allOf", ())]
        if kind is ResourceType.SCHEMA:
            class_id, *groups = parts or [""]
            item = {"class": self._name(class_id), "fieldGroups": [self._name(g) for g in groups]}
            return item if set(body) <= {"allOf", "required"} and parts else None
        item = {}
        if kind is ResourceType.FIELD_GROUP:
            item["classes"] = [self._name(name) for name in body["meta:intendedToExtend"]]
        if kind is ResourceType.CLASS:
            behavior = _BEHAVIOR_NAMES.get(parts[0]) if parts else None
            if behavior is None:
                return None
            item["behavior"] = behavior
        own = body if kind is ResourceType.DATA_TYPE else self._tenant_object(body)
        fields = short_fields(own, self._name) if own is not None else None
        return None if fields is None else item | {"fields": self._filled(fields)}

    def _tenant_object(self, body: Document) -> Document | None:
        """Return the object that holds a resource's own fields, if it is the only thing said."""
        definitions = list(body.get("definitions", {}).values())
        properties = definitions[0].get("properties", {}) if len(definitions) == 1 else {}
        if list(properties) != [f"_{self._registry.tenant_id}"]:
            return None
        (own,) = properties.values()
        return own if isinstance(own, dict) else None

    def _described(self, descriptors: Sequence[Document]) -> Iterator[tuple[str, Any]]:
        identities, others = [], []
        for descriptor in descriptors:
            path = descriptor.get("xdm:sourceProperty")
            if descriptor["@type"] == IDENTITY and isinstance(path, str):
                identity: Document = {"path": path, "namespace": descriptor["xdm:namespace"]}
                identity |= {"primary": True} if descriptor.get("xdm:isPrimary") else {}
                identities.append(self._filled(identity))
            else:
                rest = {k: v for k, v in descriptor.items() if k not in _IMPLIED}
                others.append(self._named(rest))
        if identities:
            yield "identities", identities
        if others:
            yield "descriptors", others

    def _named(self, value: Any) -> Any:  # noqa: ANN401  any JSON value
        """Return a document with titles for the ids of chosen resources."""
        if isinstance(value, dict):
            return {self._filled(name): self._named(member) for name, member in value.items()}
        if isinstance(value, list):
            return [self._named(item) for item in value]
        return self._filled(self._titles.get(value, value)) if isinstance(value, str) else value

    def _name(self, resource_id: str) -> str:
        return str(self._titles.get(resource_id, resource_id.removeprefix(NAMESPACE_URI)))

    def _filled(self, value: Any) -> Any:  # noqa: ANN401  any JSON value
        """Return a value with the placeholder for the tenant's namespace."""
        if isinstance(value, dict):
            return {self._filled(name): self._filled(member) for name, member in value.items()}
        if isinstance(value, list):
            return [self._filled(item) for item in value]
        return self._tenant.sub("_{tenant}", value) if isinstance(value, str) else value


def _renamed(value: Any, old: str, new: str) -> Any:  # noqa: ANN401  any JSON value
    if isinstance(value, dict):
        return {new if k == old else k: _renamed(v, old, new) for k, v in value.items()}
    if isinstance(value, list):
        return [_renamed(item, old, new) for item in value]
    return new if value == old else value
