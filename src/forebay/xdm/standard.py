"""
The standard library: Adobe's published classes, field groups and data types as facts.

The table lies beside this module and is read at the first question; each resource is decoded when
somebody asks for it. Titles are made from names (see ``standard/NOTICE.md`` for the origin).
An operator may have imported a whole checkout, with texts: its resources stand over the packaged
ones, and what only the package has stays.
"""

import gzip
import zlib
from collections.abc import Mapping
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from forebay.kernel import json
from forebay.kernel.errors import Disposition, PlatformError
from forebay.xdm.names import alt_id, title_of
from forebay.xdm.types import xdm_type


class LibraryUnreadable(PlatformError):
    """The imported library in the data directory is not one that an import has written."""

    code = "XDM-1004"
    status = 500
    title = "Imported library unreadable"
    disposition = Disposition.STOP


class Kind(StrEnum):
    """What a resource is, as ``meta:resourceType`` says it."""

    BEHAVIOR = "behaviors"
    CLASS = "classes"
    FIELD_GROUP = "mixins"
    DATA_TYPE = "datatypes"
    SCHEMA = "schemas"
    DESCRIPTOR = "descriptors"


_KINDS = {
    "behavior": Kind.BEHAVIOR,
    "class": Kind.CLASS,
    "fieldgroup": Kind.FIELD_GROUP,
    "datatype": Kind.DATA_TYPE,
    "other": Kind.SCHEMA,
    "descriptor": Kind.DESCRIPTOR,
}

_TITLES = {
    "https://ns.adobe.com/xdm/data/record": "Record Schema",
    "https://ns.adobe.com/xdm/data/time-series": "Time-series Schema",
    "https://ns.adobe.com/xdm/data/adhoc": "Ad Hoc Schema",
    "https://ns.adobe.com/xdm/context/profile": "XDM Individual Profile",
    "https://ns.adobe.com/xdm/context/experienceevent": "XDM ExperienceEvent",
    "https://ns.adobe.com/xdm/context/profile-person-details": "Demographic Details",
    "https://ns.adobe.com/xdm/context/profile-personal-details": "Personal Contact Details",
    "https://ns.adobe.com/xdm/context/profile-work-details": "Work Contact Details",
    "https://ns.adobe.com/xdm/context/profile-segmentation": "Segment Membership Details",
    "https://ns.adobe.com/xdm/context/profile-privacy": "Privacy Details",
    "https://ns.adobe.com/xdm/context/experienceevent-privacy": "Privacy Details",
    "https://ns.adobe.com/xdm/context/experienceevent-environment-details": "Environment Details",
    "https://ns.adobe.com/xdm/context/experienceevent-commerce": "Commerce Details",
    "https://ns.adobe.com/xdm/context/experienceevent-web": "Web Details",
    "https://ns.adobe.com/xdm/context/experienceevent-enduserids": "End User ID Details",
}
"""Names that clients, unions and AEP's UI show (2.6); every other title follows from the id."""


class _Entry(msgspec.Struct, frozen=True):
    kind: str
    status: str
    document: msgspec.Raw


class _Table(msgspec.Struct, frozen=True):
    version: str
    resources: list[_Entry]


class _Id(msgspec.Struct, frozen=True):
    value: str = msgspec.field(name="$id")


class StandardLibrary:
    """
    Every resource of the global container, in raw form: ``allOf`` and ``$ref`` kept.

    The documents handed out are shared; nobody may change them.
    """

    def __init__(self, imported: Path | bytes | None = None) -> None:
        """
        Look into the packaged library.

        Args:
            imported: A packed library that stands over it, or the file of one, if there is such a
                file; it is read with the package, at the first question.
        """
        self._imported = imported
        self._entries: dict[str, _Entry] | None = None
        self._ids: dict[str, str] = {}
        self._version = ""
        self._documents: dict[str, Mapping[str, Any]] = {}

    @property
    def version(self) -> str:
        """The library's release, which answers carry as ``meta:globalLibVersion``."""
        self._load()
        return self._version

    def load(self) -> None:
        """
        Read the library now instead of at the first question.

        Raises:
            LibraryUnreadable: The imported one is damaged.
        """
        self._load()

    def find(self, resource_id: str) -> Mapping[str, Any] | None:
        """Return a resource by ``$id`` or ``meta:altId``, None if the library has none such."""
        entries = self._load()
        identifier = self._ids.get(resource_id, resource_id)
        if identifier not in entries:
            return None
        if identifier not in self._documents:
            self._documents[identifier] = self._present(identifier, entries[identifier])
        return self._documents[identifier]

    def list(self, kind: Kind) -> list[Mapping[str, Any]]:
        """Return all resources of a kind, in the order of their ids."""
        found = (
            self.find(identifier)
            for identifier, entry in self._load().items()
            if _KINDS[entry.kind] is kind
        )
        return [document for document in found if document is not None]

    def _load(self) -> dict[str, _Entry]:
        if self._entries is None:
            packed = resources.files("forebay.xdm").joinpath("standard", "library.json.gz")
            version, entries = _unpacked(packed.read_bytes())
            if isinstance(self._imported, bytes) or (self._imported and self._imported.is_file()):
                version, imported = _read_imported(self._imported)
                entries = dict(sorted((entries | imported).items()))
            self._version = version
            self._ids = {alt_id(identifier): identifier for identifier in entries}
            self._entries = entries
        return self._entries

    def _present(self, identifier: str, entry: _Entry) -> Mapping[str, Any]:
        facts = json.decode(bytes(entry.document))
        last = identifier.rstrip("/").rpartition("/")[2]
        document: dict[str, Any] = {
            "$id": identifier,
            "meta:altId": alt_id(identifier),
            "meta:resourceType": _KINDS[entry.kind].value,
            "version": self._version,
            "title": _TITLES.get(identifier, title_of(last)),
        }
        document.update(facts)
        _describe(document)
        document["meta:containerId"] = "global"
        document["meta:status"] = entry.status
        document.setdefault("meta:xdmType", "object")
        return document


def _unpacked(packed: bytes) -> tuple[str, dict[str, _Entry]]:
    table = msgspec.json.decode(gzip.decompress(packed), type=_Table)
    ids = (msgspec.json.decode(entry.document, type=_Id).value for entry in table.resources)
    return table.version, dict(zip(ids, table.resources, strict=True))


def _read_imported(source: Path | bytes) -> tuple[str, dict[str, _Entry]]:
    try:
        return _unpacked(source if isinstance(source, bytes) else source.read_bytes())
    except (OSError, EOFError, zlib.error, msgspec.MsgspecError) as error:
        raise unreadable(source, error) from None


def unreadable(source: Path | bytes, error: Exception) -> LibraryUnreadable:
    """Return the error for a library that cannot be read."""
    name = source if isinstance(source, Path) else "the library"
    return LibraryUnreadable(
        f"{name} cannot be read ({error}). Remove the file to go back to the packaged library, "
        "then import the checkout again."
    )


def _describe(node: dict[str, Any]) -> None:
    """Add what a reader expects at every field: title, type, labels of suggested values."""
    for name, field in node.get("properties", {}).items():
        if not field.get("meta:xedConverted"):
            field.setdefault("title", title_of(name))
    for child in _children(node):
        _describe(child)
    kind = xdm_type(node)
    if kind is not None:
        node.setdefault("meta:xdmType", kind)
    if isinstance(node.get("meta:enum"), list):
        node["meta:enum"] = {value: title_of(value) or value for value in node["meta:enum"]}


def _children(node: dict[str, Any]) -> list[dict[str, Any]]:
    children = [*node.get("properties", {}).values(), *node.get("definitions", {}).values()]
    for key in ("allOf", "oneOf", "anyOf"):
        children.extend(node.get(key, ()))
    keys = ("items", "additionalProperties")
    children.extend(node[key] for key in keys if isinstance(node.get(key), dict))
    return children
