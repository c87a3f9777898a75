"""
Schema Registry: schemas, classes, field groups, data types (schema-catalog-profile, 1).

Ids stand in the path as ``meta:altId``, or as a ``$id`` whose slashes are encoded; they arrive
decoded, so an id takes the rest of the path.
"""

from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from forebay.api import (
    schema_registry_descriptors,
    schema_registry_rpc,
    schema_registry_unions,
)
from forebay.api.context import context_of, document_of
from forebay.api.problems import SCHEMA_REGISTRY, json_response
from forebay.api.schema_registry_accept import is_standard_list, is_summary_list, lookup_view
from forebay.control.schemas.listing import Page, Query, parse_query
from forebay.control.schemas.model import ResourceType
from forebay.control.schemas.service import SchemaService


class Collection(StrEnum):
    """The paths under which resources are listed; ``mixins`` is the older name of field groups."""

    SCHEMAS = "schemas"
    FIELD_GROUPS = "fieldgroups"
    MIXINS = "mixins"
    CLASSES = "classes"
    DATA_TYPES = "datatypes"

    @property
    def resource_type(self) -> ResourceType:
        """The type of the resources in the collection."""
        return ResourceType(Collection.MIXINS if self is Collection.FIELD_GROUPS else self.value)


def router(service: SchemaService, *, platform_url: str = "") -> APIRouter:
    """
    Return the routes.

    Args:
        service: What they ask.
        platform_url: The base of the links in listings; without one they are paths.
    """
    routes = APIRouter(prefix=SCHEMA_REGISTRY, tags=["Schema Registry"])
    schema_registry_descriptors.add_routes(routes, service.descriptors)
    schema_registry_rpc.add_routes(routes, service.rpc)
    schema_registry_unions.add_routes(
        routes, service, lambda request, page, query: _listing(request, page, query, platform_url)
    )

    @routes.get("/stats")
    def get_stats(request: Request) -> Response:
        """Return the tenant's id and what the tenant has."""
        return json_response(service.stats(context_of(request).scope))

    @routes.get("/global/behaviors")
    def list_behaviors(request: Request) -> Response:
        """List the behaviors that classes extend."""
        query = parse_query(request.query_params.multi_items())
        page = service.list_global(ResourceType.BEHAVIOR, query, **_form(request))
        return json_response(_listing(request, page, query, platform_url))

    @routes.get("/global/behaviors/{resource_id:path}")
    def get_behavior(request: Request, resource_id: str) -> Response:
        """Return a behavior."""
        view = lookup_view(request.headers.get("accept"))
        return json_response(service.get_global(ResourceType.BEHAVIOR, resource_id, view))

    for collection in Collection:
        _add_global_routes(routes, service, collection, platform_url)
        _add_tenant_routes(routes, service, collection, platform_url)
    return routes


def _add_global_routes(
    routes: APIRouter, service: SchemaService, collection: Collection, platform_url: str
) -> None:
    kind, path = collection.resource_type, f"/global/{collection.value}"

    @routes.get(path)
    def list_global(request: Request) -> Response:
        """List Adobe's resources of a type."""
        query = parse_query(request.query_params.multi_items())
        page = service.list_global(kind, query, **_form(request))
        return json_response(_listing(request, page, query, platform_url))

    @routes.get(f"{path}/{{resource_id:path}}")
    def get_global(request: Request, resource_id: str) -> Response:
        """Return one of Adobe's resources."""
        view = lookup_view(request.headers.get("accept"))
        return json_response(service.get_global(kind, resource_id, view))


def _add_tenant_routes(
    routes: APIRouter, service: SchemaService, collection: Collection, platform_url: str
) -> None:
    kind, path = collection.resource_type, f"/tenant/{collection.value}"
    item = f"{path}/{{resource_id:path}}"

    @routes.get(path)
    def list_resources(request: Request) -> Response:
        """List the tenant's resources of a type."""
        query = parse_query(request.query_params.multi_items())
        scope = context_of(request).scope
        page = service.list_resources(scope, kind, query, **_form(request))
        return json_response(_listing(request, page, query, platform_url))

    @routes.post(path)
    def create_resource(request: Request) -> Response:
        """Create a resource."""
        context = context_of(request)
        body = document_of(request)
        return json_response(service.create(context.scope, context.actor, kind, body), status=201)

    @routes.get(item)
    def get_resource(request: Request, resource_id: str) -> Response:
        """Return a resource in the form that Accept names."""
        view = lookup_view(request.headers.get("accept"))
        return json_response(service.get(context_of(request).scope, kind, resource_id, view))

    @routes.put(item)
    def replace_resource(request: Request, resource_id: str) -> Response:
        """Put a new description in the place of a resource's."""
        context = context_of(request)
        body = document_of(request)
        return json_response(service.replace(context.scope, context.actor, kind, resource_id, body))

    @routes.patch(item)
    def patch_resource(request: Request, resource_id: str) -> Response:
        """Change a resource with a JSON Patch."""
        context = context_of(request)
        body = document_of(request)
        return json_response(service.patch(context.scope, context.actor, kind, resource_id, body))

    @routes.delete(item)
    def delete_resource(request: Request, resource_id: str) -> Response:
        """Delete a resource."""
        context = context_of(request)
        service.delete(context.scope, context.actor, kind, resource_id)
        return Response(status_code=204)


def _form(request: Request) -> dict[str, bool]:
    """Return the form of a listing that Accept names."""
    header = request.headers.get("accept")
    return {"is_summary": is_summary_list(header), "is_standard": is_standard_list(header)}


def _listing(request: Request, page: Page, query: Query, platform_url: str) -> dict[str, Any]:
    """Return a listing with its paging members (1.6)."""
    path = request.url.path
    given = [(k, v) for k, v in request.query_params.multi_items() if k != "start"]
    following = None
    if page.next is not None:
        parameters = urlencode([*given, ("start", page.next)])
        following = {"href": f"{platform_url}{path}?{parameters}"}
    everywhere = f"{SCHEMA_REGISTRY}/global/{path.rpartition('/')[2]}"
    links: dict[str, Any] = {"next": following}
    if not path.startswith(f"{SCHEMA_REGISTRY}/global/"):
        suffix = f"?{urlencode(given)}" if given else ""
        links["global_schemas"] = {"href": f"{platform_url}{everywhere}{suffix}"}
    return {
        "results": [entry.document for entry in page.entries],
        "_page": {"orderby": query.orderby, "next": page.next, "count": len(page.entries)},
        "_links": links,
    }
