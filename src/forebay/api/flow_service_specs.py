"""``/connectionSpecs`` and ``/flowSpecs`` of Flow Service (flow-and-collection, 7 and 8)."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from forebay.api.flow_service_listing import page_response, query_of
from forebay.api.problems import json_response
from forebay.control.connections import specs
from forebay.control.connections.errors import UnhandledSpecField, not_found
from forebay.control.filters import Kind
from forebay.control.listing import Model, list_page
from forebay.control.listing_errors import InvalidFilterField

# Specs have no time of change; that they can be ordered by one makes the default order theirs too.
_TEXTS = dict.fromkeys(("id", "name", "providerId", "version", "updatedAt"), Kind.TEXT)
_LISTED = Model(_TEXTS, open_prefixes=("attributes.",))


def router() -> APIRouter:
    """Return the routes."""
    routes = APIRouter()

    @routes.get("/connectionSpecs")
    def list_connection_specs(request: Request) -> Response:
        """List the kinds of connections."""
        query = query_of(request)
        try:
            page = list_page(specs.connection_specs(), query, _LISTED)
        except InvalidFilterField as error:
            raise UnhandledSpecField(
                f"Unhandled field {error.report['field']} in connection-spec filtering."
            ) from None
        return page_response(page, query, path="/connectionSpecs")

    @routes.get("/connectionSpecs/{spec_id}")
    def get_connection_spec(spec_id: str) -> Response:
        """Return one kind of connections, in a list."""
        return json_response({"items": [_require_connection_spec(spec_id)]})

    @routes.get("/connectionSpecs/{spec_id}/explore")
    def explore_connection_spec(spec_id: str) -> Response:
        """List what can be read from such connections; what is sent to us cannot be explored."""
        _require_connection_spec(spec_id)
        return json_response([])

    @routes.get("/connectionSpecs/{spec_id}/configs")
    def get_connection_spec_configs(spec_id: str) -> Response:
        """Return the columns of such connections; streaming ones have none."""
        _require_connection_spec(spec_id)
        return json_response({"items": []})

    @routes.get("/flowSpecs")
    def list_flow_specs(request: Request) -> Response:
        """List the kinds of flows."""
        query = query_of(request)
        page = list_page(specs.flow_specs(), query, _LISTED)
        return page_response(page, query, path="/flowSpecs")

    @routes.get("/flowSpecs/{spec_id}")
    def get_flow_spec(spec_id: str) -> Response:
        """Return one kind of flows, in a list."""
        spec = specs.find_flow_spec(spec_id)
        if spec is None:
            raise not_found("flowSpecs", spec_id)
        return json_response({"items": [spec]})

    return routes


def _require_connection_spec(spec_id: str) -> dict[str, Any]:
    spec = specs.find_connection_spec(spec_id)
    if spec is None:
        raise not_found("connectionSpecs", spec_id)
    return spec
