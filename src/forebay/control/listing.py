"""
How Flow Service lists: filters, order and pages over documents (flow-and-collection, 5.5-5.7).

Pure: it takes the documents of one scope and returns a page of them. A `Model` says which
members can be asked for. A continuation token carries the whole question and the last item of
the page before, so that a page is right whatever was added or deleted in between.
"""

import base64
import binascii
import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from forebay.control import filters
from forebay.control.filters import Kind
from forebay.control.listing_errors import (
    IncorrectSortField,
    IncorrectSortOrder,
    InvalidQueryValue,
    LimitWithCount,
)
from forebay.kernel import json

Document = Mapping[str, Any]

LIMIT_DEFAULT = 100
LIMIT_MAX = 100
SEARCH_LIMIT_MAX = 1000
ORDER_DEFAULT = "-updatedAt"
"""Most recently created or updated first."""

_FILTERS_MAX = 100
_SORT_FIELDS_MAX = 10


class Model(msgspec.Struct, frozen=True):
    """The members of a kind of document that filters and order may name."""

    members: Mapping[str, Kind]
    open_prefixes: tuple[str, ...] = ()
    """Prefixes under which any member may be named; its values are text."""

    def find_kind(self, path: str) -> Kind | None:
        """Return what the values of a member are; None if the model has no such member."""
        if path in self.members:
            return self.members[path]
        return Kind.TEXT if path.startswith(self.open_prefixes) else None


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """One question to a list, as it came in; everything in it is still text."""

    properties: tuple[str, ...] = ()
    order_by: str | None = None
    limit: str | None = None
    is_count: bool = False
    continuation: str | None = None
    limit_max: int = LIMIT_MAX


class Page(msgspec.Struct, frozen=True):
    """The answer: items, how many match in all, and the token of the next page if there is one."""

    items: list[Document]
    count: int
    continuation: str | None


class _Continuation(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    properties: tuple[str, ...]
    order_by: str
    limit: int
    after: Any
    """The sort values and the id of the last item that was given out."""


def list_page(documents: Iterable[Document], query: Query, model: Model) -> Page:
    """
    Return the page of the documents that a query asks for.

    A continuation token wins over everything else in the query. The order is total: items
    that are equal in it are ordered by their id.

    Raises:
        PlatformError: The query breaks a rule of the grammar (`control.listing_errors`).
    """
    asked = _asked(query)
    tests = _read_filters(asked.properties, model)
    keys = _read_order(asked.order_by, model)
    matching = [document for document in documents if all(test(document) for test in tests)]
    count = len(matching)
    if query.is_count:
        return Page([], count, None)
    ordered = _sorted(matching, keys)
    if asked.after is not None:
        last = _ranks(_read_last(asked.after, len(keys)))
        ordered = [item for item in ordered if _is_after(_ranks(_values(item, keys)), last, keys)]
    page, rest = ordered[: asked.limit], ordered[asked.limit :]
    if not rest or not page:
        return Page(page, count, None)
    following = msgspec.structs.replace(asked, after=_values(page[-1], keys))
    return Page(page, count, _write_continuation(following))


def split_query_string(text: str) -> tuple[str, ...]:
    """
    Return the filters of a search body's `queryString`.

    They are joined by ``&``, each with or without ``property=`` before it; an ``&`` between
    double quotes belongs to a value.
    """
    parts, start, is_quoted = [], 0, False
    for index, character in enumerate(text):
        if character == '"':
            is_quoted = not is_quoted
        elif character == "&" and not is_quoted:
            parts.append(text[start:index])
            start = index + 1
    parts.append(text[start:])
    return tuple(part.removeprefix("property=") for part in parts if part)


def _asked(query: Query) -> _Continuation:
    if query.continuation:
        return _read_continuation(query.continuation, query.limit_max)
    if query.is_count and query.limit is not None:
        raise LimitWithCount(
            "The limit and count parameters cannot be given together in the same request. "
            "Please provide either only the limit or the count parameter and try again."
        )
    order_by = query.order_by if query.order_by is not None else ORDER_DEFAULT
    limit = _read_limit(query.limit, query.limit_max)
    return _Continuation(query.properties, order_by, limit, None)


def _read_filters(properties: tuple[str, ...], model: Model) -> list[Callable[[Document], bool]]:
    if len(properties) > _FILTERS_MAX:
        raise InvalidQueryValue(
            f"Invalid query value property provided in query param: {len(properties)} filters, "
            f"at most {_FILTERS_MAX} are possible."
        )
    tests: list[Callable[[Document], bool]] = []
    for condition in map(filters.parse, properties):
        kind = filters.checked_kind(condition, model.find_kind(condition.member))
        tests.append(functools.partial(filters.matches, condition, kind))
    return tests


# --- Order -------------------------------------------------------------------------------------

_SortKey = tuple[tuple[str, ...], bool]
"""The segments of a path, and whether it is descending."""
_Rank = tuple[int, Any]
"""The place of a value among values of all types."""


def _read_order(order_by: str, model: Model) -> list[_SortKey]:
    fields = order_by.split(",")
    if len(fields) > _SORT_FIELDS_MAX:
        raise InvalidQueryValue(
            f"Invalid query value orderby provided in query param: {len(fields)} fields, "
            f"at most {_SORT_FIELDS_MAX} are possible."
        )
    keys = []
    for field in fields:
        # A plus sign in a URL arrives as a blank.
        sign = field[:1]
        path = field[1:] if sign in {"+", "-", " "} else field
        if not path or not (path[0].isalnum() or path[0] == "_"):
            raise IncorrectSortOrder(
                "Sort order specified is not correct, prepend + for ascending order "
                "and - for descending order in the fieldName."
            )
        if model.find_kind(path) is None:
            raise IncorrectSortField(
                f"Incorrect field= {path} passed in orderBy, example are +name, -name, name.",
                field=path,
            )
        keys.append((tuple(path.split(".")), sign == "-"))
    return keys


def _sorted(documents: list[Document], keys: Sequence[_SortKey]) -> list[Document]:
    ranked = [(_ranks(_values(document, keys)), document) for document in documents]
    # Sorting keeps the order of equals, so the least important member is sorted by first.
    for index, is_descending in reversed(list(enumerate(_directions(keys)))):
        ranked.sort(key=functools.partial(_rank_at, index), reverse=is_descending)
    return [document for _, document in ranked]


def _rank_at(index: int, ranked: tuple[list[_Rank], Document]) -> _Rank:
    return ranked[0][index]


def _is_after(ranks: list[_Rank], last: list[_Rank], keys: Sequence[_SortKey]) -> bool:
    for rank, last_rank, is_descending in zip(ranks, last, _directions(keys), strict=True):
        if rank != last_rank:
            return (rank > last_rank) != is_descending
    return False


def _directions(keys: Sequence[_SortKey]) -> list[bool]:
    return [*(is_descending for _, is_descending in keys), False]


def _values(document: Document, keys: Sequence[_SortKey]) -> list[Any]:
    values = [filters.scalar_at(document, path) for path, _ in keys]
    return [*values, str(document.get("id", ""))]


def _ranks(values: list[Any]) -> list[_Rank]:
    return [_rank(value) for value in values]


def _rank(value: Any) -> _Rank:  # noqa: ANN401  values of JSON
    """Give values of all types one order: absent, flags, numbers, texts."""
    if isinstance(value, bool):
        return 1, float(value)
    if isinstance(value, int | float):
        return 2, value
    return (3, value) if isinstance(value, str) else (0, 0)


# --- Pages -------------------------------------------------------------------------------------


def _read_limit(limit: str | None, limit_max: int) -> int:
    if limit is None:
        return LIMIT_DEFAULT
    if not (limit.isascii() and limit.isdigit() and len(limit) < 10 and int(limit) > 0):  # noqa: PLR2004  digits that no limit has
        raise InvalidQueryValue(
            f"Invalid query value limit={limit} provided in query param. "
            f"The limit is a number from 1 to {limit_max}."
        )
    return min(int(limit), limit_max)


def _write_continuation(continuation: _Continuation) -> str:
    # Neither "=" nor anything else that a URL would escape: clients cut the token out of the
    # address of the next page with string functions.
    return base64.urlsafe_b64encode(json.encode(continuation)).rstrip(b"=").decode()


def _read_continuation(token: str, limit_max: int) -> _Continuation:
    try:
        padding = "=" * (-len(token) % 4)
        content = base64.b64decode(f"{token}{padding}", altchars=b"-_", validate=True)
        continuation = msgspec.json.decode(content, type=_Continuation)
    except (ValueError, binascii.Error, msgspec.MsgspecError, RecursionError):
        raise _unknown_token(token) from None
    if not 0 < continuation.limit <= limit_max:
        raise _unknown_token(token)
    return continuation


def _read_last(after: Any, keys: int) -> list[Any]:  # noqa: ANN401  it comes from a token
    is_ours = (
        isinstance(after, list)
        and len(after) == keys + 1
        and all(value is None or isinstance(value, str | int | float) for value in after)
    )
    if not is_ours:
        raise _unknown_token(str(after))
    return list(after)


def _unknown_token(token: str) -> InvalidQueryValue:
    return InvalidQueryValue(
        f"Invalid query value continuationToken={token[:100]} provided in query param."
    )
