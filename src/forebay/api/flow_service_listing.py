"""List requests and list answers of Flow Service (flow-and-collection, 5.2, 5.5 and 5.7)."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from forebay.api.context import document_of
from forebay.api.problems import json_response
from forebay.control.listing import SEARCH_LIMIT_MAX, Page, Query, split_query_string
from forebay.control.listing_errors import InvalidQueryValue


def query_of(request: Request) -> Query:
    """Return what the address of a list request asks for."""
    parameters = request.query_params
    return Query(
        properties=tuple(parameters.getlist("property")),
        # An unset variable of Postman arrives as an empty value.
        order_by=parameters.get("orderby") or None,
        limit=parameters.get("limit") or None,
        is_count=is_true(parameters.get("count")),
        continuation=parameters.get("continuationToken"),
    )


def search_of(request: Request) -> Query:
    """Return what the body of a search request asks for; the token is in its address."""
    body = document_of(request) or {}
    if not isinstance(body, dict):
        raise InvalidQueryValue("Invalid query value provided in the body: it must be an object.")
    query_string = _text(body, "queryString") or ""
    return Query(
        properties=split_query_string(query_string),
        order_by=_text(body, "orderby"),
        limit=_text(body, "limit"),
        is_count=is_true(_text(body, "count")),
        continuation=request.query_params.get("continuationToken"),
        limit_max=SEARCH_LIMIT_MAX,
    )


def page_response(page: Page, query: Query, *, path: str) -> Response:
    """
    Return a page as Flow Service writes it.

    The address of the next page is relative to the service, and the token is its only
    parameter: clients cut it out after the first equals sign.
    """
    if query.is_count:
        return json_response({"count": page.count})
    links: dict[str, Any] = {}
    if page.continuation is not None:
        links["next"] = {"href": f"{path}?continuationToken={page.continuation}"}
    return json_response({"items": page.items, "_links": links})


def is_true(value: str | None) -> bool:
    """Read a flag of a query, as JavaScript and as Python write it."""
    return value is not None and value.lower() == "true"


def _text(body: dict[str, Any], name: str) -> str | None:
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, str | int):
        raise InvalidQueryValue(f"Invalid query value {name} provided in the body.")
    return str(value)
