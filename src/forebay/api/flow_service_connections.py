"""``/connections`` of Flow Service (flow-and-collection, 6)."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from forebay.api.context import context_of, document_of
from forebay.api.flow_service_listing import page_response, query_of, search_of
from forebay.api.problems import FLOW_SERVICE, json_response
from forebay.control.connections.errors import EntityIdMissing
from forebay.control.connections.service import ConnectionService, Receipt

_PATH = "/connections"


def router(connections: ConnectionService) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix=_PATH)
    _add_lists(routes, connections)
    _add_operations(routes, connections)

    @routes.post("")
    def create_connection(request: Request) -> Response:
        """Create a connection and its inlet."""
        context = context_of(request)
        receipt = connections.create_connection(
            context.scope, context.actor, body=document_of(request)
        )
        return _receipt(receipt, status=201)

    @routes.api_route("", methods=["PUT", "PATCH", "DELETE"], include_in_schema=False)
    def refuse_missing_id() -> Response:
        raise EntityIdMissing(
            f"Unable to retrieve entityId. Invalid request received with path "
            f"'{FLOW_SERVICE}{_PATH}'."
        )

    @routes.get("/{connection_id}")
    def get_connection(request: Request, connection_id: str) -> Response:
        """Return one connection, in a list."""
        item = connections.get_connection(context_of(request).scope, connection_id)
        return json_response({"items": [item]})

    @routes.patch("/{connection_id}")
    def patch_connection(request: Request, connection_id: str) -> Response:
        """Change a connection with a JSON Patch."""
        context = context_of(request)
        receipt = connections.patch_connection(
            context.scope,
            context.actor,
            connection_id,
            instructions=document_of(request),
            if_match=if_match_of(request),
        )
        return _receipt(receipt)

    @routes.delete("/{connection_id}")
    def delete_connection(request: Request, connection_id: str) -> Response:
        """Delete a connection and close its inlet."""
        connections.delete_connection(context_of(request).scope, connection_id)
        return Response(status_code=204)

    return routes


def if_match_of(request: Request) -> str | None:
    """Return the version a request means: of its header, else of its address (Postman)."""
    header = request.headers.get("if-match")
    if header is not None:
        return header
    for name, value in request.query_params.items():
        if name.lower() == "if-match":
            return value
    return None


def _add_lists(routes: APIRouter, connections: ConnectionService) -> None:
    @routes.get("")
    def list_connections(request: Request) -> Response:
        """List the connections of the sandbox."""
        query = query_of(request)
        page = connections.list_connections(context_of(request).scope, query)
        return page_response(page, query, path=_PATH)

    @routes.post("/search")
    def search_connections(request: Request) -> Response:
        """List the connections that a body describes."""
        query = search_of(request)
        page = connections.list_connections(context_of(request).scope, query)
        return page_response(page, query, path=f"{_PATH}/search")


def _add_operations(routes: APIRouter, connections: ConnectionService) -> None:
    @routes.get("/{connection_id}/test")
    def test_connection(request: Request, connection_id: str) -> Response:
        """Say whether a connection works; an inlet that exists does."""
        connections.get_connection(context_of(request).scope, connection_id)
        return json_response({"result": True})

    @routes.get("/{connection_id}/explore")
    def explore_connection(request: Request, connection_id: str) -> Response:
        """List what can be read from a connection; what is sent to us cannot be explored."""
        connections.get_connection(context_of(request).scope, connection_id)
        return json_response([])

    @routes.get("/{connection_id}/configs")
    def get_configs(request: Request, connection_id: str) -> Response:
        """List the columns of a connection; what is sent to us has none."""
        connections.get_connection(context_of(request).scope, connection_id)
        return json_response({"items": []})

    @routes.post("/{connection_id}/action")
    def run_action(request: Request, connection_id: str) -> Response:
        """Run an action on a connection; none applies to a streaming one."""
        parameters = request.query_params
        receipt = connections.run_action(
            context_of(request).scope,
            connection_id,
            operation=parameters.get("op", ""),
            sub_operation=parameters.get("subOp"),
        )
        return _receipt(receipt)


def _receipt(receipt: Receipt, *, status: int = 200) -> Response:
    return json_response({"id": receipt.id, "etag": receipt.etag}, status=status)
