"""``/forebay/v1/schemas/…``: former versions of registry resources."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from forebay.api.context import context_of
from forebay.api.problems import json_response
from forebay.api.schema_registry_accept import lookup_view
from forebay.control.schemas.versions import VersionService
from forebay.control.schemas.views import View

_ANYTHING = frozenset({"", "*/*", "application/json"})


def router(versions: VersionService) -> APIRouter:
    """Return the routes. Ids are those of any tenant resource: schemas, field groups and so on."""
    routes = APIRouter(prefix="/forebay/v1/schemas", tags=["Forebay"])

    @routes.get("/{resource_id:path}/versions/{version}")
    def get_version(request: Request, resource_id: str, version: str) -> Response:
        """Return a version in the form that Accept names; without one in raw form."""
        header = request.headers.get("accept", "")
        view = View() if header.strip() in _ANYTHING else lookup_view(header)
        scope = context_of(request).scope
        return json_response(versions.get(scope, resource_id, version, view))

    @routes.get("/{resource_id:path}/versions")
    def list_versions(request: Request, resource_id: str) -> Response:
        """List the versions of a resource, newest first."""
        found = versions.list_versions(context_of(request).scope, resource_id)
        shown = [
            {
                "version": item.version,
                "written": item.written_ms,
                "title": item.document["title"],
                "writtenBy": item.document.get("meta:registryMetadata", {}).get(
                    "xdm:lastModifiedUserId"
                ),
            }
            for item in found
        ]
        return json_response({"results": shown})

    return routes
