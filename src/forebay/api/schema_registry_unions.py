"""``/tenant/unions`` of the Schema Registry: read-only, made from their members (1.11)."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from forebay.api.context import context_of
from forebay.api.problems import json_response
from forebay.api.schema_registry_accept import is_summary_list, lookup_view
from forebay.control.schemas.errors import UnionReadOnly
from forebay.control.schemas.listing import Page, Query, parse_query
from forebay.control.schemas.service import SchemaService

_PATH = "/tenant/unions"
_ITEM = "/tenant/unions/{union_id:path}"

Listing = Callable[[Request, Page, Query], dict[str, Any]]


def add_routes(routes: APIRouter, service: SchemaService, listing: Listing) -> None:
    """
    Add the routes to those of the registry.

    Args:
        routes: Where to.
        service: What they ask.
        listing: How a page of resources is written.
    """

    @routes.get(_PATH)
    def list_unions(request: Request) -> Response:
        """List the unions of the classes of which schemas take part in Profile."""
        is_summary = is_summary_list(request.headers.get("accept"))
        query = parse_query(request.query_params.multi_items())
        page = service.list_unions(context_of(request).scope, query, is_summary=is_summary)
        return json_response(listing(request, page, query))

    @routes.get(_ITEM)
    def get_union(request: Request, union_id: str) -> Response:
        """Return a union in the form that Accept names."""
        view = lookup_view(request.headers.get("accept"))
        return json_response(service.get_union(context_of(request).scope, union_id, view))

    @routes.api_route(_PATH, methods=["POST"])
    @routes.api_route(_ITEM, methods=["PUT", "PATCH", "DELETE"])
    def refuse_to_write(request: Request) -> Response:
        """Refuse to write a union."""
        raise UnionReadOnly(
            f"{request.method} is not possible: a union follows from the schemas that carry the "
            "union tag; change those"
        )
