"""
Catalog's query parameters (3.3): filters, order, projection, and a page by offset.

Unknown parameters are ignored: clients send some that have no effect.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from forebay.control.datasets.errors import CatalogQueryInvalid
from forebay.control.datasets.model import StoredDataset
from forebay.control.schemas.errors import ListingInvalid
from forebay.control.schemas.filters import PropertyFilter, matches_all, parse_property_filters

LIMIT_MAX = 100
_LIMIT_DEFAULT = 20
_LIMIT_OBSERVABLE_MAX = 20
_NUMBER_DIGITS_MAX = 15


class CatalogQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What a listing asks for."""

    filters: tuple[PropertyFilter, ...] = ()
    names: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    created_after_ms: int | None = None
    created_before_ms: int | None = None
    order: tuple[tuple[str, bool], ...] = ()
    """Attributes, each with whether it descends."""
    properties: tuple[str, ...] = ()
    limit: int = _LIMIT_DEFAULT
    start: int = 0


def parse_catalog_query(parameters: Iterable[tuple[str, str]]) -> CatalogQuery:
    """
    Read the query parameters of a listing.

    Raises:
        CatalogQueryInvalid: One of them holds what it cannot hold.
    """
    given = given_of(parameters)
    try:
        filters = tuple(parse_property_filters(given.get("property", ())))
    except ListingInvalid as error:
        raise CatalogQueryInvalid(error.message) from None
    properties = words(given, "properties")
    limit_max = _LIMIT_OBSERVABLE_MAX if "observableSchema" in properties else LIMIT_MAX
    return CatalogQuery(
        filters=filters,
        names=words(given, "name"),
        tags=tuple(_tag(text) for text in words(given, "tags")),
        created_after_ms=number(given, "createdAfter"),
        created_before_ms=number(given, "createdBefore"),
        order=tuple(_order(text) for text in words(given, "orderBy") or words(given, "sort")),
        properties=properties,
        limit=_limit(number(given, "limit"), limit_max),
        start=number(given, "start") or 0,
    )


def select(datasets: Iterable[StoredDataset], query: CatalogQuery) -> list[StoredDataset]:
    """Return the datasets of the page that a query asks for, in its order."""
    found = [dataset for dataset in datasets if _matches(dataset, query)]
    for attribute, is_descending in reversed(query.order):
        found.sort(key=_sort_key(attribute), reverse=is_descending)
    return found[query.start : query.start + query.limit]


def projected(document: Mapping[str, Any], properties: tuple[str, ...]) -> dict[str, Any]:
    """Return the asked members of a document, or all when none was asked for."""
    if not properties:
        return dict(document)
    return {name: document[name] for name in properties if name in document}


def given_of(parameters: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Return the values of each parameter, by its name in lower case."""
    given: dict[str, list[str]] = {}
    for name, value in parameters:
        given.setdefault(name.lower(), []).append(value)
    return given


def words(given: Mapping[str, list[str]], name: str) -> tuple[str, ...]:
    """Return the words of a parameter: it may come often, and hold several with commas."""
    words = [word.strip() for value in given.get(name.lower(), ()) for word in value.split(",")]
    return tuple(word for word in words if word)


def number(given: Mapping[str, list[str]], name: str) -> int | None:
    """
    Return the number that a parameter holds; None if it is not given.

    Raises:
        CatalogQueryInvalid: It is no whole number from 0.
    """
    values = given.get(name.lower())
    if not values:
        return None
    text = values[-1].strip()
    if not (text.isascii() and text.isdigit() and len(text) <= _NUMBER_DIGITS_MAX):
        raise CatalogQueryInvalid(f"{name} is {text!r}; expected a whole number from 0")
    return int(text)


def _matches(dataset: StoredDataset, query: CatalogQuery) -> bool:
    created_ms, after_ms, before_ms = (
        dataset.created_ms,
        query.created_after_ms,
        query.created_before_ms,
    )
    return (
        (after_ms is None or created_ms > after_ms)
        and (before_ms is None or created_ms < before_ms)
        and _has_name(dataset.name, query.names)
        and all(_has_tag(dataset.document["tags"], *tag) for tag in query.tags)
        and matches_all({"id": dataset.dataset_id, **dataset.document}, query.filters)
    )


def _has_name(name: str, patterns: tuple[str, ...]) -> bool:
    wanted = [pattern for pattern in patterns if not pattern.startswith("!")]
    unwanted = [pattern[1:] for pattern in patterns if pattern.startswith("!")]
    return (not wanted or any(_is_like(name, pattern) for pattern in wanted)) and not any(
        _is_like(name, pattern) for pattern in unwanted
    )


def _has_tag(tags: Mapping[str, list[Any]], name: str, pattern: str) -> bool:
    return any(_is_like(str(value), pattern) for value in tags.get(name, ()))


def _is_like(text: str, pattern: str) -> bool:
    """Match with ``*`` for anything and ``**`` for a star; in time linear in both."""
    literals = [part.replace("\0", "*") for part in pattern.replace("**", "\0").split("*")]
    if len(literals) == 1:
        return text == literals[0]
    first, *middle, last = literals
    if not text.startswith(first):
        return False
    position = len(first)
    for literal in middle:
        found = text.find(literal, position)
        if found < 0:
            return False
        position = found + len(literal)
    return len(text) - len(last) >= position and text.endswith(last)


def _tag(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name:
        raise CatalogQueryInvalid(f"tags holds {text!r}; expected name:value or name:*")
    return name, value


def _order(text: str) -> tuple[str, bool]:
    match = re.fullmatch(r"(?:(asc|desc):)?([^:]+)", text)
    if match is None:
        raise CatalogQueryInvalid(f"orderBy holds {text!r}; expected asc:name or desc:name")
    return match[2], match[1] == "desc"


def _limit(limit: int | None, limit_max: int) -> int:
    if limit is None:
        return _LIMIT_DEFAULT
    if not 1 <= limit <= limit_max:
        raise CatalogQueryInvalid(f"limit is {limit}; expected a number from 1 to {limit_max}")
    return limit


def _sort_key(attribute: str) -> Callable[[StoredDataset], tuple[int, float, str]]:
    def key(dataset: StoredDataset) -> tuple[int, float, str]:
        value = dataset.document.get(attribute)
        if isinstance(value, str):
            return (2, 0, value)
        if isinstance(value, int | float):
            return (1, value, "")
        return (0, 0, "")

    return key
