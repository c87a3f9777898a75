"""The query parameters of Catalog's batches (schema-catalog-profile, 3.3)."""

from collections.abc import Iterator, Mapping

import msgspec
from starlette.requests import Request

from forebay.api.batch_documents import batch_document
from forebay.control.datasets.errors import CatalogQueryInvalid
from forebay.control.datasets.listing import (
    CatalogQuery,
    given_of,
    number,
    parse_catalog_query,
    words,
)
from forebay.control.schemas.filters import matches_all, parse_property_filters
from forebay.control.scope import Scope
from forebay.lake.batches import Batch, BatchLedger, BatchQuery, Order, Status

_PAGE = 500
_SPELLINGS = {"failed": Status.FAILURE, "active": Status.SUCCESS}
"""Interchangeable by the documentation, and asked for by clients (3.4)."""

_ORDERS = {
    "created": Order.STARTED,
    "started": Order.STARTED,
    "updated": Order.COMPLETED,
    "completed": Order.COMPLETED,
    "recordCount": Order.INPUT,
    "failedRecordCount": Order.FAILED,
    "size": Order.SIZE,
    "status": Order.STATUS,
    "id": Order.ID,
}
_EQUAL = {
    "started": "started",
    "completed": "completed",
    "created": "created",
    "updated": "updated",
    "recordCount": "metrics.inputRecordCount",
    "failedRecordCount": "metrics.failedRecordCount",
    "size": "metrics.inputByteSize",
}
"""Parameters that name one number, and the member that has to have it."""


def list_batches(ledger: BatchLedger, scope: Scope, request: Request) -> list[Batch]:
    """
    Return the page of batches that a request asks for.

    Raises:
        CatalogQueryInvalid: A parameter holds what it cannot hold.
        LedgerUnavailable: The ledger cannot be read.
    """
    parameters = request.query_params.multi_items()
    query, given = parse_catalog_query(parameters), given_of(parameters)
    wanted = _wanted(query, given)
    filters = (*query.filters, *parse_property_filters(_equalities(given)))
    if not filters:
        page = msgspec.structs.replace(wanted, limit=query.limit, start=query.start)
        return ledger.list_batches(scope.sandbox_id, page)
    found: list[Batch] = []
    for batch in scan(ledger, scope, wanted):
        if matches_all(batch_document(batch, scope.org_id), filters):
            found.append(batch)
        if len(found) == query.start + query.limit:
            break
    return found[query.start :]


def scan(ledger: BatchLedger, scope: Scope, query: BatchQuery) -> Iterator[Batch]:
    """Yield all batches that a query restricts to, whatever its page."""
    start = 0
    while True:
        page = msgspec.structs.replace(query, limit=_PAGE, start=start)
        found = ledger.list_batches(scope.sandbox_id, page)
        yield from found
        if len(found) < _PAGE:
            return
        start += _PAGE


def _wanted(query: CatalogQuery, given: Mapping[str, list[str]]) -> BatchQuery:
    return BatchQuery(
        batch_ids=words(given, "batch") or words(given, "externalId"),
        dataset_ids=words(given, "dataSet"),
        statuses=tuple(_SPELLINGS.get(word, word) for word in words(given, "status")),
        started_after_ms=_latest(query.created_after_ms, number(given, "startAfter")),
        started_before_ms=_earliest(query.created_before_ms, number(given, "startBefore")),
        completed_after_ms=number(given, "endAfter"),
        completed_before_ms=number(given, "endBefore"),
        order=_order(query),
    )


def _order(query: CatalogQuery) -> tuple[tuple[Order, bool], ...]:
    for attribute, _ in query.order:
        if attribute not in _ORDERS:
            raise CatalogQueryInvalid(
                f"orderBy holds {attribute!r}; batches are ordered by {', '.join(_ORDERS)}"
            )
    return tuple((_ORDERS[attribute], descends) for attribute, descends in query.order)


def _equalities(given: Mapping[str, list[str]]) -> list[str]:
    wanted = {member: number(given, name) for name, member in _EQUAL.items()}
    return [f"{member}=={value}" for member, value in wanted.items() if value is not None]


def _latest(one: int | None, other: int | None) -> int | None:
    return max((value for value in (one, other) if value is not None), default=None)


def _earliest(one: int | None, other: int | None) -> int | None:
    return min((value for value in (one, other) if value is not None), default=None)
