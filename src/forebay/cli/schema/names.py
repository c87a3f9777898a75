"""From the names in schema files to the ids of one sandbox: references, placeholders, new ids."""

from collections.abc import Sequence
from typing import Any

import msgspec

from forebay.cli.registry import (
    GLOBAL,
    KINDS,
    TENANT,
    Component,
    Document,
    Registry,
    matching,
    nearest,
)
from forebay.cli.schema.fields import named_parts
from forebay.cli.schema.files import PLACEHOLDERS, Wanted, WantedResource
from forebay.control.schemas.model import ResourceType, new_resource_id
from forebay.control.scope import Scope
from forebay.xdm.names import alt_id

_URI = ("https://", "http://")


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A wanted resource and what it is in the sandbox."""

    wanted: WantedResource
    resource_id: str
    """Its ``$id``; for a new one a stand-in until the registry gives it one."""
    stored: Document | None
    """What the registry has of it."""

    @property
    def component(self) -> Component:
        """The resource as a listing would name it."""
        return Component(
            resource_id=self.resource_id,
            title=self.wanted.title,
            version="",
            kind=self.wanted.kind,
            container=TENANT,
        )


class Names:
    """Finds what the names in files stand for; what it cannot find it notes as faults."""

    def __init__(self, registry: Registry, scope: Scope, wanted: Wanted) -> None:
        self._registry = registry
        self._tenant = registry.tenant_id
        self.faults: list[str] = []
        self.targets = [self._target(scope, item) for item in wanted.resources]
        self._stated = {
            str(self._filled(target.wanted.resource_id)): target.resource_id
            for target in self.targets
            if target.wanted.resource_id is not None
        }

    def resolved(self, value: Any, place: object) -> Any:  # noqa: ANN401  any JSON value
        """Return a body with ids for names and the tenant's id for its placeholder."""
        if isinstance(value, dict):
            return {self._filled(name): self._member(name, value[name], place) for name in value}
        if isinstance(value, list):
            return [self.resolved(item, place) for item in value]
        if not isinstance(value, str):
            return value
        named = named_parts(value)
        if named is not None:
            kind, name = named
            return self.resource_id(kind, name, place)
        filled = self._filled(value)
        return self._stated.get(filled, filled)

    def resource_id(self, kind: ResourceType, name: str, place: object) -> str:
        """Return the id of a resource that is named by title, ``$id`` or ``meta:altId``."""
        return self._find(name, (kind,), place)

    def _member(self, name: str, value: Any, place: object) -> Any:  # noqa: ANN401  any JSON
        is_title = (
            name == "$ref"
            and isinstance(value, str)
            and named_parts(value) is None
            and not value.startswith((*_URI, "#", "_"))
        )
        return self._find(value, KINDS, place) if is_title else self.resolved(value, place)

    def _find(self, name: str, kinds: Sequence[ResourceType], place: object) -> str:
        filled = self._filled(name)
        if filled in self._stated:
            return self._stated[filled]
        new = [target.component for target in self.targets if target.wanted.kind in kinds]
        every = list(new)
        found = matching(new, filled)
        for container in (TENANT, GLOBAL):
            if not found:
                listed = [i for kind in kinds for i in self._registry.components(kind, container)]
                found = matching(listed, filled)
                every += listed
        if len(found) == 1:
            return found[0].resource_id
        if not found and filled.startswith(_URI):
            return filled  # some standard resources stand in no listing; building judges them
        kind = " or ".join(kind.display_name for kind in kinds)
        if found:
            ids = ", ".join(item.alt_id for item in found)
            self.faults.append(f"{place}: {name!r} is the title of several; use an id: {ids}")
        else:
            hint = self._registry.of_other_kind(filled, kinds) or nearest(filled, every)
            self.faults.append(f"{place}: there is no {kind} {name!r}. {hint}")
        return filled

    def _target(self, scope: Scope, wanted: WantedResource) -> Target:
        stated = self._filled(wanted.resource_id or "")
        every = [item for kind in KINDS for item in self._registry.resources(kind)]
        by_id = [item for item in every if stated in {item["$id"], alt_id(item["$id"])}]
        by_title = [item for item in every if item["title"] == wanted.title]
        stored = next(iter(by_id or by_title), None)
        if stored is not None and stored["meta:resourceType"] != wanted.kind.value:
            kind = ResourceType(stored["meta:resourceType"]).display_name
            self.faults.append(
                f"{wanted.place}: {wanted.title!r} is already the title of a {kind}, "
                f"{stored['$id']}; titles are unique"
            )
            stored = None
        resource_id = stored["$id"] if stored else new_resource_id(scope, wanted.kind)
        return Target(wanted=wanted, resource_id=resource_id, stored=stored)

    def _filled(self, text: str | None) -> str:
        filled = text or ""
        for placeholder in PLACEHOLDERS:
            filled = filled.replace(placeholder, self._tenant)
        return filled
