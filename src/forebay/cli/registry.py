"""
The Schema Registry as the `schema` commands use it: what there is, found by title or id.

One object serves one command: listings are asked for once and remembered.
"""

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote

import click
import msgspec

from forebay.cli.client import Platform
from forebay.control.schemas.model import NAMESPACE_URI, ResourceType
from forebay.xdm.names import alt_id

Document = dict[str, Any]

API = "/data/foundation/schemaregistry"
RAW = "application/vnd.adobe.xed+json; version=1"
FULL = "application/vnd.adobe.xed-full-deprecated+json; version=1"
"""Composed, deprecated fields too."""
TENANT = "tenant"
GLOBAL = "global"
LIST_RAW = "application/vnd.adobe.xed+json"
COLLECTIONS = {
    ResourceType.SCHEMA: "schemas",
    ResourceType.FIELD_GROUP: "fieldgroups",
    ResourceType.CLASS: "classes",
    ResourceType.DATA_TYPE: "datatypes",
    ResourceType.BEHAVIOR: "behaviors",
    ResourceType.UNION: "unions",
}
KINDS = (
    ResourceType.SCHEMA,
    ResourceType.FIELD_GROUP,
    ResourceType.CLASS,
    ResourceType.DATA_TYPE,
)
_ONLY_IN = {ResourceType.BEHAVIOR: GLOBAL, ResourceType.UNION: TENANT}
_LIST_SHORT = "application/vnd.adobe.xed-id+json"
_VERSIONS = "/forebay/v1/schemas"
_VERSIONED = re.compile(r"(.+)@([0-9]+\.[0-9]+)", re.DOTALL)
_PAGE = "300"
_SHOWN_MAX = 8
_NEAR_MAX = 3
_LIKENESS_MIN = 0.65
_START_WEIGHT = 0.85
_WORDS_LIKENESS = 0.7
_WORD_MIN = 3


class Component(msgspec.Struct, frozen=True, kw_only=True):
    """A resource as listings name it."""

    resource_id: str
    title: str
    version: str
    kind: ResourceType
    container: str

    @property
    def alt_id(self) -> str:
        """The id without slashes."""
        return alt_id(self.resource_id)

    @property
    def path(self) -> str:
        """Where the API has it."""
        collection = COLLECTIONS[self.kind]
        return f"{API}/{self.container}/{collection}/{quote(self.resource_id, safe='')}"

    def __str__(self) -> str:
        return f"{self.title} ({self.kind.display_name}, {self.alt_id})"


class NotFound(click.ClickException):
    """Nothing, or more than one thing, is called so."""


class Registry:
    """The registry of one sandbox."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self._raw: dict[ResourceType, list[Document]] = {}
        self._short: dict[tuple[str, ResourceType], list[Component]] = {}
        self._tenant_id = ""

    @property
    def tenant_id(self) -> str:
        """The tenant's id, without the underscore."""
        if not self._tenant_id:
            self._tenant_id = str(self.platform.get(f"{API}/stats")["tenantId"])
        return self._tenant_id

    def resources(self, kind: ResourceType) -> list[Document]:
        """Return the tenant's resources of a kind in raw form."""
        if kind not in self._raw:
            path = f"{API}/{TENANT}/{COLLECTIONS[kind]}"
            self._raw[kind] = self.list_pages(path, accept=LIST_RAW)
        return self._raw[kind]

    def components(self, kind: ResourceType, container: str) -> list[Component]:
        """Return the resources of a kind and container by name."""
        if _ONLY_IN.get(kind, container) != container:
            return []
        if (container, kind) not in self._short:
            path = f"{API}/{container}/{COLLECTIONS[kind]}"
            self._short[container, kind] = [
                Component(
                    resource_id=item["$id"],
                    title=str(item.get("title", "")),
                    version=str(item.get("version", "")),
                    kind=kind,
                    container=container,
                )
                for item in self.list_pages(path, accept=_LIST_SHORT)
            ]
        return self._short[container, kind]

    def list_pages(self, path: str, *, accept: str) -> list[Document]:
        """Return every page of a listing."""
        parameters = {"limit": _PAGE, "orderby": "title"}
        found: list[Document] = []
        while True:
            page = self.platform.get(path, params=parameters, accept=accept)
            found += page["results"]
            following = page["_page"].get("next")
            if following is None:
                return found
            parameters["start"] = str(following)

    def find(
        self,
        name: str,
        kinds: Sequence[ResourceType] = KINDS,
        containers: Sequence[str] = (TENANT, GLOBAL),
    ) -> Component:
        """
        Return the one resource with this title, ``$id`` or ``meta:altId``.

        The tenant's own come first; standard components are looked at where there is none.

        Raises:
            NotFound: There is none, or there are several; the message names what is near.
        """
        every: list[Component] = []
        for container in containers:
            listed = [item for kind in kinds for item in self.components(kind, container)]
            found = matching(listed, name)
            if len(found) == 1:
                return found[0]
            if found:
                raise NotFound(f"{name!r} is ambiguous: {_enumerated(found)}. Use the id.")
            every += listed
        other = self.of_other_kind(name, kinds)
        if other:
            expected = " or ".join(kind.display_name for kind in kinds)
            raise NotFound(f"There is no {expected} {name!r}. {other}")
        raise NotFound(f"Nothing is called {name!r}. {nearest(name, every)}")

    def of_other_kind(self, name: str, kinds: Sequence[ResourceType]) -> str:
        """Return a sentence if the name is that of something which cannot stand here."""
        found = {
            f"a {kind.display_name}"
            for container in (TENANT, GLOBAL)
            for kind in KINDS
            if kind not in kinds and matching(self.components(kind, container), name)
        }
        return f"It is the name of {' and of '.join(sorted(found))}." if found else ""

    def descriptors(self, schema_id: str | None = None) -> list[Document]:
        """Return the descriptors of a schema, or of the sandbox."""
        chosen = None if schema_id is None else {"property": f"xdm:sourceSchema=={schema_id}"}
        by_type: dict[str, list[Document]] = self.platform.get(
            f"{API}/{TENANT}/descriptors", params=chosen, accept="application/vnd.adobe.xdm+json"
        )
        return [item for items in by_type.values() for item in items]

    def document(self, component: Component, *, accept: str = FULL, version: str = "") -> Document:
        """Return a resource in the form asked for, as it is or as it was in a version."""
        path = component.path
        if version:
            resource_id = quote(component.resource_id, safe="")
            path = f"{_VERSIONS}/{resource_id}/versions/{quote(version, safe='')}"
        found: Document = self.platform.get(path, accept=accept)
        return found


def name_and_version(text: str) -> tuple[str, str]:
    """Return what stands before and behind the @ of NAME@VERSION; no version is the present."""
    versioned = _VERSIONED.fullmatch(text)
    return (versioned[1], versioned[2]) if versioned else (text, "")


def matching(components: Iterable[Component], name: str) -> list[Component]:
    """
    Return what has this id or title.

    An id may lack its host; a title may differ in case where none is the same.
    """
    listed = list(components)
    for test in (
        lambda item: (
            name in {item.resource_id, item.alt_id, item.resource_id.removeprefix(NAMESPACE_URI)}
        ),
        lambda item: item.title == name,
        lambda item: item.title.casefold() == name.casefold(),
    ):
        found = [item for item in listed if test(item)]
        if found:
            return found
    return []


def nearest(name: str, components: Iterable[Component]) -> str:
    """Return a sentence with what may have been meant."""
    wanted = name.removeprefix(NAMESPACE_URI).casefold()
    scores: dict[str, tuple[float, Component]] = {}
    for item in components:
        texts = (item.title.casefold(), item.resource_id.removeprefix(NAMESPACE_URI).casefold())
        score = max(_likeness(wanted, text) for text in texts)
        scores[item.resource_id] = (score, item)
    by_score = sorted(scores.values(), key=lambda pair: -pair[0])
    meant = [item for score, item in by_score[:_NEAR_MAX] if score >= _LIKENESS_MIN]
    if meant:
        return f"Did you mean {_enumerated(meant)}?"
    return "`forebay schema list` shows what there is; with --global, Adobe's components."


def _likeness(wanted: str, text: str) -> float:
    """Return how much a text is like another, or begins like it, or has it as words: 0 to 1."""
    whole = difflib.SequenceMatcher(None, wanted, text).ratio()
    if len(wanted) < _WORD_MIN:
        return whole
    start = difflib.SequenceMatcher(None, wanted, text[: len(wanted)]).ratio()
    has_words = f" {wanted} " in f" {text} "
    return max(whole, _START_WEIGHT * start, _WORDS_LIKENESS if has_words else 0.0)


def _enumerated(components: Sequence[Component]) -> str:
    shown = ", ".join(str(item) for item in components[:_SHOWN_MAX])
    rest = len(components) - _SHOWN_MAX
    return f"{shown} and {rest} more" if rest > 0 else shown
