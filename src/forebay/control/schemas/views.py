"""
The forms in which a resource is shown (1.3): raw or composed, with or without texts, flat.

Pure functions; none changes the document that it is given.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from forebay.control.schemas.model import DEPRECATED, DISPLAY_INFO
from forebay.xdm.composition import Library
from forebay.xdm.notation import standard_form

Document = dict[str, Any]

_SUMMARY = ("$id", "meta:altId", "version", "title")
_TEXTS = frozenset({"title", "description", "meta:titleId", "meta:descriptionId"})
_BY_NAME = frozenset({"properties", "definitions", "patternProperties"})


class View(msgspec.Struct, frozen=True, kw_only=True):
    """What a lookup asks for."""

    is_composed: bool = False
    has_texts: bool = True
    has_descriptors: bool = False
    is_flat: bool = False
    has_deprecated_fields: bool = False
    is_standard: bool = False
    """Names in standard notation (``xdm:person``) instead of payload names (``person``)."""


def summary(document: Mapping[str, Any]) -> Document:
    """Return the four members of the ``xed-id`` form."""
    return {name: document[name] for name in _SUMMARY if name in document}


def raw(
    document: Mapping[str, Any],
    view: View,
    descriptors: Sequence[Mapping[str, Any]],
    *,
    library: Library | None = None,
) -> Document:
    """Return the form that keeps ``$ref`` and ``allOf``; `library` is what they refer to."""
    shown = standard_form(document, library) if view.is_standard else dict(document)
    if view.has_descriptors:
        shown["meta:descriptors"] = list(descriptors)
    return shown if view.has_texts else without_texts(shown)


def full(composed: Document, view: View, descriptors: Sequence[Mapping[str, Any]]) -> Document:
    """Return a resolved form of a composed document, which is consumed."""
    shown = composed
    mark_deprecated(shown, descriptors)
    for descriptor in descriptors if view.has_descriptors else ():
        if descriptor["@type"] == DISPLAY_INFO:
            _apply_display_info(shown, descriptor)
    if not view.has_deprecated_fields:
        hide_deprecated(shown)
    if view.is_standard:
        shown = standard_form(shown)
    if view.has_descriptors:
        shown["meta:descriptors"] = list(descriptors)
    if view.is_flat:
        shown = shown | {"properties": dict(_flat("", shown))}
        shown.pop("required", None)
    return shown if view.has_texts else without_texts(shown)


def mark_deprecated(composed: Document, descriptors: Sequence[Mapping[str, Any]]) -> None:
    """Give the fields that descriptors deprecate the same mark as those that say it themselves."""
    for descriptor in descriptors:
        for path in _paths(descriptor) if descriptor["@type"] == DEPRECATED else ():
            field = field_at(composed, path)
            if field is not None:
                field["meta:status"] = "deprecated"


def hide_deprecated(composed: Document) -> None:
    """Take the deprecated fields out of a composed document; records may have them all the same."""
    fields = composed.get("properties")
    if isinstance(fields, dict):
        for name in [n for n, field in fields.items() if _is_deprecated(field)]:
            del fields[name]
        for field in fields.values():
            hide_deprecated(field)
    for keyword in ("items", "additionalProperties"):
        if isinstance(composed.get(keyword), dict):
            hide_deprecated(composed[keyword])
    for keyword in ("oneOf", "anyOf"):
        for part in composed.get(keyword, ()):
            hide_deprecated(part)


def without_texts(document: Mapping[str, Any]) -> Document:
    """Return a document without titles and descriptions; fields of that name stay."""
    shown: Document = {}
    for keyword, value in document.items():
        if keyword in _BY_NAME and isinstance(value, Mapping):
            shown[keyword] = {name: _without_texts(field) for name, field in value.items()}
        elif keyword not in _TEXTS:
            shown[keyword] = _without_texts(value)
    return shown


def _without_texts(value: object) -> object:
    if isinstance(value, Mapping):
        return without_texts(value)
    if isinstance(value, list):
        return [_without_texts(item) for item in value]
    return value


def _paths(descriptor: Mapping[str, Any]) -> list[str]:
    path = descriptor.get("xdm:sourceProperty")
    return [path] if isinstance(path, str) else [p for p in path or () if isinstance(p, str)]


def field_at(composed: Mapping[str, Any], path: str) -> Document | None:
    """Return the field at a slash path; a name below an array is a field of its items."""
    field: Document | None = None
    node: Any = composed
    for name in path.removeprefix("/").split("/"):
        while isinstance(node.get("items"), dict):
            node = node["items"]
        field = node.get("properties", {}).get(name)
        if field is None:
            return None
        node = field
    return field


def _apply_display_info(composed: Document, descriptor: Mapping[str, Any]) -> None:
    for path in _paths(descriptor):
        field = field_at(composed, path)
        if field is None:
            continue
        for member in ("title", "description"):
            texts = descriptor.get(f"xdm:{member}")
            shown = texts.get("en_us", next(iter(texts.values()), "")) if texts else ""
            if shown:
                field[member] = shown
        labels = {**field.get("meta:enum", {}), **descriptor.get("meta:enum", {})}
        excluded = descriptor.get("xdm:excludeMetaEnum") or ()
        if labels:
            field["meta:enum"] = {v: text for v, text in labels.items() if v not in excluded}


def _is_deprecated(field: Mapping[str, Any]) -> bool:
    return field.get("meta:status") == "deprecated"


def _flat(prefix: str, node: Mapping[str, Any]) -> Iterable[tuple[str, Document]]:
    for name, field in node.get("properties", {}).items():
        path = f"{prefix}/{name}" if prefix else name
        if "properties" in field:
            yield from _flat(path, field)
        else:
            yield path, field
