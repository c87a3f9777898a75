"""Flow Service: connections and specs under ``/data/foundation/flowservice``."""

from fastapi import APIRouter

from forebay.api import flow_service_connections, flow_service_specs
from forebay.api.problems import FLOW_SERVICE
from forebay.control.connections.service import ConnectionService


def router(connections: ConnectionService) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix=FLOW_SERVICE, tags=["Flow Service"])
    routes.include_router(flow_service_connections.router(connections))
    routes.include_router(flow_service_specs.router())
    return routes
