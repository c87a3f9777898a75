"""
``/data/core/edge/inlet``: how inlets were managed before Flow Service (flow-and-collection, 18).

An inlet made here is a streaming connection like any other, and is listed there too.
"""

import re
from typing import Any

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from forebay.api.context import context_of, document_of
from forebay.api.problems import json_response
from forebay.control.connections.service import ConnectionService
from forebay.control.connections.specs import STREAMING_AUTH_SPEC
from forebay.control.listing import SEARCH_LIMIT_MAX, Query
from forebay.kernel.clock import utc
from forebay.kernel.ids import STREAMING_SPEC_ID

_INLET_ID = re.compile("[0-9a-f]{64}")
_PARAMETERS = ("sourceId", "dataType", "name", "authenticationRequired")


def router(connections: ConnectionService) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/data/core/edge/inlet", tags=["Inlets"])

    @routes.post("")
    def create_inlet(request: Request) -> Response:
        """Create a streaming connection and show its inlet."""
        context = context_of(request)
        receipt = connections.create_connection(
            context.scope, context.actor, body=_connection_body(document_of(request))
        )
        item = connections.get_connection(context.scope, receipt.id)
        return json_response(_inlet(item), status=201)

    @routes.get("")
    def list_inlets(request: Request) -> Response:
        """List the inlets of the sandbox, the newest first."""
        query = Query(limit=str(SEARCH_LIMIT_MAX), limit_max=SEARCH_LIMIT_MAX)
        page = connections.list_connections(context_of(request).scope, query)
        return json_response({"items": [_inlet(item) for item in page.items], "total": page.count})

    @routes.get("/{inlet_id}")
    def get_inlet(request: Request, inlet_id: str) -> Response:
        """Return one inlet."""
        if not _INLET_ID.fullmatch(inlet_id):
            raise HTTPException(404)
        query = Query(properties=(f"auth.params.inletId=={inlet_id}",))
        for item in connections.list_connections(context_of(request).scope, query).items:
            return json_response(_inlet(item))
        raise HTTPException(404)

    return routes


def _connection_body(body: object) -> object:
    if not isinstance(body, dict):
        return body
    params = {name: body[name] for name in _PARAMETERS if name in body}
    return {
        "name": body.get("name"),
        "description": body.get("description"),
        "connectionSpec": {"id": STREAMING_SPEC_ID},
        "auth": {"specName": STREAMING_AUTH_SPEC, "params": params},
    }


def _inlet(item: Any) -> dict[str, Any]:  # noqa: ANN401  a connection as Flow Service shows it
    params = item["auth"]["params"]
    return {
        "inletId": params["inletId"],
        "imsOrg": item["imsOrgId"],
        "sourceId": params["sourceId"],
        "dataType": params["dataType"],
        "name": params["name"],
        "description": item.get("description", ""),
        "createdBy": item["createdBy"],
        "createdAt": _date(item["createdAt"]),
        "modifiedAt": _date(item["updatedAt"]),
        "modifiedBy": item["updatedBy"],
        "authenticationRequired": params["authenticationRequired"],
        "validationRequired": True,
        "inletUrl": params["inletUrl"],
    }


def _date(epoch_ms: int) -> str:
    return utc(epoch_ms).strftime("%Y-%m-%dT%H:%M:%SZ")
