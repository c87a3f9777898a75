"""
May this schema change, now that data was written under it?

Additive only (1.10): new fields, and rules that let more through. What was a valid record must
stay one, and what is a column must keep its type.
"""

from collections.abc import Iterator, Mapping
from typing import Any

_LOWER_BOUNDS = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER_BOUNDS = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_SHAPES = ("type", "meta:xdmType")
_RULES = ("format", "pattern", "multipleOf", "uniqueItems")


def breaking_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """
    Return what a change would break, one sentence for each field; nothing if it is additive.

    Args:
        old: The composed schema under which data exists.
        new: The composed schema that is to replace it.
    """
    return list(_compare("", old, new))


def _compare(path: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    if path:
        yield from _narrowed(path, old, new)
    before, after = old.get("properties", {}), new.get("properties", {})
    for name, field in before.items():
        if name in after:
            yield from _compare(f"{path}/{name}", field, after[name])
        else:
            yield f"{path}/{name} would be removed"
    for keyword in ("items", "additionalProperties"):
        inner = old.get(keyword)
        if isinstance(inner, Mapping):
            replacement = new.get(keyword)
            yield from _compare(
                f"{path}/*", inner, replacement if isinstance(replacement, Mapping) else {}
            )


def _narrowed(path: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for keyword in _SHAPES:
        if old.get(keyword) != new.get(keyword):
            yield (
                f"{path} would change its {keyword} from {old.get(keyword)} to {new.get(keyword)}"
            )
    for keyword in _RULES:
        if keyword in new and new[keyword] != old.get(keyword):
            yield f"{path} would get the {keyword} {new[keyword]}"
    for keyword in (*_LOWER_BOUNDS, *_UPPER_BOUNDS):
        if keyword in new and _is_stricter(keyword, new[keyword], old.get(keyword)):
            yield f"{path} would get the {keyword} {new[keyword]}"
    if "enum" in new:
        lost = [value for value in old.get("enum", ()) if value not in new["enum"]]
        if lost or "enum" not in old:
            yield f"{path} would allow fewer values"


def _is_stricter(keyword: str, new: object, old: object) -> bool:
    if isinstance(new, bool) or isinstance(old, bool):
        return new is True and old is not True
    if not isinstance(new, int | float) or not isinstance(old, int | float):
        return True
    return new > old if keyword in _LOWER_BOUNDS else new < old
