"""
Filter, order and page of a registry listing (1.6).

``limit`` is a hint, as AEP documents it: a page ends only where the first sort key changes,
because ``start`` means *strictly after this value*, and entries that share the value on both
sides of a page's end would otherwise be lost.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from forebay.control.schemas.errors import ListingInvalid
from forebay.control.schemas.filters import PropertyFilter, matches_all, parse_property_filters

LIMIT_MAX = 500
_LIMIT_DEFAULT = 300
_ORDER_DEFAULT = "updated"


class Entry(msgspec.Struct, frozen=True):
    """A listed document and the times that it can be ordered by."""

    document: Mapping[str, Any]
    created_ms: int = 0
    updated_ms: int = 0


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """What a listing asks for."""

    filters: tuple[PropertyFilter, ...] = ()
    order: tuple[str, ...] = (_ORDER_DEFAULT,)
    """Attributes, each with a leading ``-`` for descending."""
    limit: int = _LIMIT_DEFAULT
    start: str | None = None

    @property
    def orderby(self) -> str:
        """The order as the parameter writes it."""
        return ",".join(self.order)


class Page(msgspec.Struct, frozen=True):
    """One page of a listing."""

    entries: list[Entry]
    next: str | int | float | None
    """The ``start`` of the page that follows; None on the last page."""


def parse_query(parameters: Iterable[tuple[str, str]]) -> Query:
    """
    Read the query parameters of a listing; unknown ones are ignored.

    Raises:
        ListingInvalid: A filter or the limit cannot be understood.
    """
    filters: list[str] = []
    single: dict[str, str] = {}
    for name, value in parameters:
        if name == "property":
            filters.append(value)
        else:
            single[name.lower()] = value
    keys = tuple(key.strip() for key in single.get("orderby", "").split(",") if key.strip(" -"))
    return Query(
        filters=tuple(parse_property_filters(filters)),
        order=keys or (_ORDER_DEFAULT,),
        limit=_limit(single.get("limit")),
        start=single.get("start") or None,
    )


def page(entries: Iterable[Entry], query: Query) -> Page:
    """Return the page that a query asks for."""
    found = [entry for entry in entries if matches_all(entry.document, query.filters)]
    for key in reversed(query.order):
        name, is_descending = key.removeprefix("-"), key.startswith("-")
        found.sort(key=lambda entry: _rank(_value(entry, name)), reverse=is_descending)
    first = query.order[0]
    if query.start is not None:
        found = _after(found, first, query.start)
    return _cut(found, first.removeprefix("-"), query.limit)


def _cut(found: Sequence[Entry], name: str, limit: int) -> Page:
    end = min(limit, len(found))
    while 0 < end < len(found):
        last = _value(found[end - 1], name)
        if last is not None and last != _value(found[end], name):
            break
        end += 1
    is_last = end in {0, len(found)}
    return Page(list(found[:end]), None if is_last else _value(found[end - 1], name))


def _after(found: list[Entry], key: str, start: str) -> list[Entry]:
    name = key.removeprefix("-")

    def is_after(entry: Entry) -> bool:
        value = _value(entry, name)
        if value is None:
            return key.startswith("-")  # entries without the value come first, so last here
        bound = _rank(_like(value, start))
        return _rank(value) < bound if key.startswith("-") else _rank(value) > bound

    return [entry for entry in found if is_after(entry)]


def _like(value: str | float, start: str) -> str | float:
    if isinstance(value, str):
        return start
    try:
        return float(start)
    except ValueError:
        raise ListingInvalid(f"start is {start!r}; the first sort key holds numbers") from None


def _value(entry: Entry, name: str) -> str | int | float | None:
    if name in {"updated", "meta:updated"} and entry.updated_ms:
        return entry.updated_ms
    if name in {"created", "meta:created"} and entry.created_ms:
        return entry.created_ms
    value = entry.document.get(name)
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return value
    return None


def _rank(value: str | float | None) -> tuple[int, float, str]:
    """Order values of mixed types: without value first, then numbers, then texts."""
    if value is None:
        return (0, 0, "")
    if isinstance(value, str):
        return (2, 0, value)
    return (1, value, "")


def _limit(text: str | None) -> int:
    if text is None:
        return _LIMIT_DEFAULT
    if not (text.isascii() and text.isdigit() and len(text) < 10) or int(text) > LIMIT_MAX:  # noqa: PLR2004  no limit is longer
        raise ListingInvalid(f"limit is {text!r}; expected a number from 0 to {LIMIT_MAX}")
    return int(text)
