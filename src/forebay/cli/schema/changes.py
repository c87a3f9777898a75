"""
What differs between two composed schemas, field by field, and what of it would break.

Pure. Whether a difference breaks is not judged here: the registry's own rules say it
(`control.schemas.evolution`), in the words that the registry would refuse the change with.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from forebay.control.schemas.evolution import breaking_changes
from forebay.control.schemas.model import IDENTITY
from forebay.kernel import json
from forebay.xdm.types import xdm_type

Document = Mapping[str, Any]

_RULES = (
    *("format", "pattern", "enum", "const", "default", "multipleOf", "uniqueItems"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength"),
    *("minItems", "maxItems", "minProperties", "maxProperties", "meta:enum", "meta:status"),
    *("title", "description", "anyOf", "oneOf", "allOf", "not"),
)
_VALUE_LENGTH_MAX = 60
_INNER = (("items", "[]"), ("additionalProperties", "{}"))


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One difference."""

    sign: str
    """``+`` added, ``-`` removed, ``~`` changed."""
    path: str
    """Dotted, with ``[]`` and ``{}`` for arrays and maps."""
    text: str
    reasons: tuple[str, ...] = ()
    """Why it would break, in the registry's words; empty if it is additive."""

    @property
    def is_breaking(self) -> bool:
        """Whether records or rows of the old schema would not fit the new one."""
        return bool(self.reasons)


def changes(
    old: Document,
    new: Document,
    *,
    old_descriptors: Sequence[Document] = (),
    new_descriptors: Sequence[Document] = (),
) -> list[Change]:
    """Return the differences between two composed schemas, in the order of their fields."""
    reasons: dict[str, list[str]] = {}
    for reason in breaking_changes(old, new):
        reasons.setdefault(reason.partition(" ")[0], []).append(reason)
    found = [
        msgspec.structs.replace(change, reasons=tuple(reasons.pop(pointer, ())))
        for pointer, change in _node("", "", old, new)
    ]
    for pointer, rest in reasons.items():  # at a place where nothing else differs
        found.append(Change(sign="~", path=pointer, text="", reasons=tuple(rest)))
    found.extend(_identities(old_descriptors, new_descriptors))
    return found


def _node(path: str, pointer: str, old: Document, new: Document) -> Iterator[tuple[str, Change]]:
    before, after = old.get("properties", {}), new.get("properties", {})
    for name in (*before, *(name for name in after if name not in before)):
        here = f"{path}.{name}" if path else name
        place = f"{pointer}/{name}"
        if name not in after:
            kind = _kind(before[name])
            yield place, Change(sign="-", path=here, text=kind)
        elif name not in before:
            required = "required " if name in new.get("required", ()) else ""
            text = f"{required}{_kind(after[name])}{_below(after[name])}"
            yield place, Change(sign="+", path=here, text=text)
        else:
            is_now = name in new.get("required", ())
            aspects = list(_aspects(before[name], after[name]))
            if is_now != (name in old.get("required", ())):
                aspects.append("now required" if is_now else "no longer required")
            if aspects:
                yield place, Change(sign="~", path=here, text="; ".join(aspects))
            yield from _inside(here, place, before[name], after[name])


def _inside(path: str, pointer: str, old: Document, new: Document) -> Iterator[tuple[str, Change]]:
    yield from _node(path, pointer, old, new)
    for keyword, brackets in _INNER:
        before, after = old.get(keyword), new.get(keyword)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            here, place = path + brackets, f"{pointer}/*"
            aspects = list(_aspects(before, after))
            if aspects:
                yield place, Change(sign="~", path=here, text="; ".join(aspects))
            yield from _inside(here, place, before, after)


def _aspects(old: Document, new: Document) -> Iterator[str]:
    before, after = _kind(old), _kind(new)
    if before != after:
        yield f"{before} → {after}"
    for name in _RULES:
        if old.get(name) == new.get(name):
            continue
        if name in {"title", "description"}:
            yield f"{name} changed"
        elif name not in new:
            yield f"{name} {_shown(old[name])} removed"
        elif name not in old:
            yield f"{name} {_shown(new[name])} added"
        else:
            yield f"{name} {_shown(old[name])} → {_shown(new[name])}"


def _kind(node: Document) -> str:
    inner = node.get("items")
    if isinstance(inner, Mapping):
        return f"{_kind(inner)}[]"
    inner = node.get("additionalProperties")
    if "properties" not in node and isinstance(inner, Mapping):
        return f"{_kind(inner)}{{}}"
    return xdm_type(node) or "any"


def _below(node: Document) -> str:
    number = _count(node)
    return f" with {number} field{'s' if number > 1 else ''}" if number else ""


def _count(node: Document) -> int:
    number = sum(1 + _count(field) for field in node.get("properties", {}).values())
    inner = (node[keyword] for keyword, _ in _INNER if isinstance(node.get(keyword), Mapping))
    return number + sum(_count(value) for value in inner)


def _identities(old: Sequence[Document], new: Sequence[Document]) -> Iterator[Change]:
    before, after = _by_path(old), _by_path(new)
    for path, namespace in before.items():
        if path not in after:
            yield Change(sign="-", path=path, text=f"identity {namespace[0]}", reasons=_lost(path))
        elif after[path] != namespace:
            text = f"identity {' '.join(namespace)} → {' '.join(after[path])}"
            reasons = _lost(path) if namespace[1] else ()
            yield Change(sign="~", path=path, text=text, reasons=reasons)
    for path, namespace in after.items():
        if path not in before:
            yield Change(sign="+", path=path, text=f"identity {' '.join(namespace).strip()}")


def _by_path(descriptors: Sequence[Document]) -> dict[str, tuple[str, str]]:
    return {
        str(item["xdm:sourceProperty"]).strip("/").replace("/", "."): (
            str(item.get("xdm:namespace")),
            "(primary)" if item.get("xdm:isPrimary") is True else "",
        )
        for item in descriptors
        if item.get("@type") == IDENTITY
    }


def _lost(path: str) -> tuple[str, ...]:
    return (f"{path} would not be the identity it is; stitched profiles depend on it",)


def _shown(value: object) -> str:
    return json.shown(value, _VALUE_LENGTH_MAX)
