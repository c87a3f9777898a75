"""Remote procedures of the Schema Registry; they read no ``Accept`` (spec section 1.13)."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from forebay.api.context import context_of, document_of
from forebay.api.problems import json_response
from forebay.control.schemas.rpc import RpcService


def add_routes(routes: APIRouter, service: RpcService) -> None:
    """Add the routes below ``/rpc`` to those of the registry."""

    @routes.get("/rpc/export/{resource_id:path}")
    def export_resource(request: Request, resource_id: str) -> Response:
        """Return a resource with its dependencies, for an import elsewhere."""
        return json_response(service.export(context_of(request).scope, resource_id))

    # The public Python client posts what it imports to the path of the export.
    @routes.post("/rpc/import")
    @routes.post("/rpc/export")
    def import_resources(request: Request) -> Response:
        """Keep all resources of an export, or none."""
        context = context_of(request)
        body = document_of(request)
        return json_response(service.import_resources(context.scope, context.actor, body))

    @routes.get("/rpc/sampledata/{schema_id:path}")
    def get_sample_data(request: Request, schema_id: str) -> Response:
        """Return the sample record of a schema."""
        return json_response(service.sample_data(context_of(request).scope, schema_id))

    @routes.get("/rpc/auditlog/{resource_id:path}")
    def list_changes(request: Request, resource_id: str) -> Response:
        """Return what was changed in a resource, newest first."""
        return json_response(service.list_changes(context_of(request).scope, resource_id))
