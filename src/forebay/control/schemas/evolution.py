"""
May this schema change, now that data was written under it?

Additive only (1.10): new fields, and rules that let more through. What was a valid record must
stay one, and what is a column must stay one that its rows can be read from. Each reason says what
would be allowed instead.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from forebay.xdm.fields import ArrayOf, FieldType, MapOf, Object, Scalar
from forebay.xdm.keywords import LOWER_BOUNDS, UPPER_BOUNDS
from forebay.xdm.shape import fields_of
from forebay.xdm.strict import validation_document
from forebay.xdm.types import INTEGER_RANGES, xdm_type

_RULES = (
    "format",
    "pattern",
    "multipleOf",
    "const",
    "not",
    "allOf",
    "anyOf",
    "oneOf",
    "contains",
    "propertyNames",
    "patternProperties",
    "dependencies",
)
_INTEGERS = tuple(INTEGER_RANGES)
"""From the narrowest to the widest."""


def breaking_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """
    Return what a change would break, one sentence for each field; nothing if it is additive.

    Args:
        old: The composed schema under which data exists.
        new: The composed schema that is to replace it.
    """
    broken = list(_compare("", old, new))
    return broken or list(
        _columns("", fields_of(validation_document(old)), fields_of(validation_document(new)))
    )


def _compare(path: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    if path:
        yield from _retyped(path, old, new)
    yield from _narrowed(path or "/", old, new)
    before, after = old.get("properties", {}), new.get("properties", {})
    for name, field in before.items():
        if name in after:
            yield from _compare(f"{path}/{name}", field, after[name])
        else:
            yield (
                f"{path}/{name} would be removed; keep it, and hide it with a descriptor "
                "xdm:descriptorDeprecated"
            )
    for keyword in ("items", "additionalProperties"):
        inner = old.get(keyword)
        if isinstance(inner, Mapping):
            replacement = new.get(keyword)
            yield from _compare(
                f"{path}/*", inner, replacement if isinstance(replacement, Mapping) else {}
            )


def _retyped(path: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for keyword in ("type", "meta:xdmType"):
        before, after = old.get(keyword), new.get(keyword)
        is_wider = before in _INTEGERS and after in _INTEGERS[_INTEGERS.index(before) :]
        if before != after and not is_wider:
            yield (
                f"{path} would change its {keyword} from {before} to {after}; keep it, and add a "
                "field with another name"
            )
            return


def _narrowed(path: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for keyword in _RULES:
        if keyword in new and new[keyword] != old.get(keyword):
            yield (
                f"{path} would get the {keyword} {new[keyword]!r:.80}; "
                f"{_kept(keyword, old)}, and can only be taken away"
            )
    for keyword in (*LOWER_BOUNDS, *UPPER_BOUNDS):
        if keyword in new and _is_stricter(keyword, new[keyword], _bound(old, keyword)):
            wider = "below" if keyword in LOWER_BOUNDS else "above"
            yield (
                f"{path} would get the {keyword} {new[keyword]}; {_kept(keyword, old)}, and can "
                f"only be taken away or changed to one {wider}"
            )
    yield from _demands(path, old, new)
    if "enum" in new:
        yield from _chosen(path, old.get("enum"), new["enum"])
    if new.get("uniqueItems") is True and old.get("uniqueItems") is not True:
        yield f"{path} would demand uniqueItems; a list that could hold an item twice keeps that"
    is_open = not old.get("properties") and old.get("additionalProperties") in (None, True)
    if new.get("additionalProperties") is False and is_open:
        yield f"{path} would be closed; an object with free members stays open"


def _kept(keyword: str, old: Mapping[str, Any]) -> str:
    return f"it is {old[keyword]!r:.80} now" if keyword in old else "it has none now"


def _demands(path: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    before, after = old.get("properties", {}), new.get("properties", {})
    demanded = frozenset(old.get("required", ()))
    for name in new.get("required", ()):
        is_demanded = name in before and name not in demanded
        if is_demanded and not _holds_new_demand(before[name], after.get(name, {})):
            place = f"{path.rstrip('/')}/{name}"
            yield f"{place} would become required; only new fields can be required"


def _holds_new_demand(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Say whether an object is required only because a new field in it is."""
    before, after = old.get("properties", {}), new.get("properties", {})
    return any(
        name not in before
        or (name not in old.get("required", ()) and _holds_new_demand(before[name], after[name]))
        for name in new.get("required", ())
        if name in after
    )


def _chosen(path: str, old: object, new: list[Any]) -> Iterator[str]:
    if not isinstance(old, list):
        yield (
            f"{path} would get the enum {new!r:.80}; it takes any value now. meta:enum suggests "
            "values and demands none"
        )
        return
    kept = frozenset(new)  # an enum holds scalars, and may hold very many
    lost = [value for value in old if value not in kept]
    if lost:
        yield f"{path} would not allow {lost!r:.80} any more; values can only be added to its enum"


def _bound(node: Mapping[str, Any], keyword: str) -> object:
    """Return a bound that is stated, or that the type of an integer has by itself."""
    kind = xdm_type(node)
    if keyword not in node and kind in _INTEGERS:
        low, high = INTEGER_RANGES[kind]
        return {"minimum": low, "maximum": high}.get(keyword)
    return node.get(keyword)


def _is_stricter(keyword: str, new: object, old: object) -> bool:
    if isinstance(new, bool) or isinstance(old, bool):
        return new is True and old is not True
    if not isinstance(new, int | float) or not isinstance(old, int | float):
        return True
    return new > old if keyword in LOWER_BOUNDS else new < old


def _columns(path: str, old: FieldType, new: FieldType) -> Iterator[str]:
    """Yield the fields whose rows could not be read as the new type."""
    match old, new:
        case Object(), Object():
            after = new.by_name()
            for field in old.fields:
                if field.name in after:
                    yield from _columns(f"{path}/{field.name}", field.type, after[field.name].type)
        case ArrayOf(), ArrayOf():
            yield from _columns(f"{path}/*", old.item, new.item)
        case MapOf(), MapOf():
            yield from _columns(f"{path}/*", old.value, new.value)
        case Scalar(), Scalar() if old.kind == new.kind or old.kind in _INTEGERS:
            pass  # whether an integer only grows is judged with its type
        case _:
            yield (
                f"{path} would be kept as {_word(new)} instead of {_word(old)}; keep it, and add a "
                "field with another name"
            )


def _word(kind: FieldType) -> str:
    match kind:
        case Scalar():
            return f"a {kind.kind}" + (" text" if kind.kind == "json" else "")
        case ArrayOf():
            return "a list"
        case MapOf():
            return "a map"
        case Object():
            return "an object with fields"
