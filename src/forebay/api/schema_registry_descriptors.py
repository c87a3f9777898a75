"""``/tenant/descriptors`` of the Schema Registry (schema-catalog-profile, 1.8)."""

import sys
from typing import Any

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from forebay.api.context import context_of, document_of
from forebay.api.problems import json_response
from forebay.api.schema_registry_accept import (
    DescriptorForm,
    check_descriptor_lookup,
    descriptor_list_form,
)
from forebay.control.schemas.descriptors import DescriptorService
from forebay.control.schemas.listing import parse_query

_PATH = "/tenant/descriptors"
_ITEM = "/tenant/descriptors/{descriptor_id}"


def add_routes(routes: APIRouter, descriptors: DescriptorService) -> None:
    """Add the routes to those of the registry."""

    @routes.get(_PATH)
    def list_descriptors(request: Request) -> Response:
        """List the descriptors of the sandbox, by type or in pages."""
        form = descriptor_list_form(request.headers.get("accept"))
        query = parse_query(request.query_params.multi_items())
        if not form.is_paged:  # this form has no way to say that there is more
            query = msgspec.structs.replace(query, limit=sys.maxsize, start=None)
        page = descriptors.list_descriptors(context_of(request).scope, query)
        shown = [(entry.document["@type"], _shown(entry.document, form)) for entry in page.entries]
        if form.is_paged:
            paging = {"orderby": query.orderby, "next": page.next, "count": len(shown)}
            return json_response({"results": [item for _, item in shown], "_page": paging})
        by_type: dict[str, list[Any]] = {}
        for name, item in shown:
            by_type.setdefault(name, []).append(item)
        return json_response(by_type)

    @routes.post(_PATH)
    def create_descriptor(request: Request) -> Response:
        """Create a descriptor."""
        context = context_of(request)
        created = descriptors.create(context.scope, context.actor, document_of(request))
        return json_response(created, status=201)

    @routes.get(_ITEM)
    def get_descriptor(request: Request, descriptor_id: str) -> Response:
        """Return a descriptor."""
        check_descriptor_lookup(request.headers.get("accept"))
        return json_response(descriptors.get(context_of(request).scope, descriptor_id))

    @routes.put(_ITEM)
    def replace_descriptor(request: Request, descriptor_id: str) -> Response:
        """Put a new description in the place of a descriptor's."""
        context = context_of(request)
        body = document_of(request)
        descriptors.replace(context.scope, context.actor, descriptor_id, body)
        return json_response({"@id": descriptor_id}, status=201)

    @routes.delete(_ITEM)
    def delete_descriptor(request: Request, descriptor_id: str) -> Response:
        """Delete a descriptor."""
        descriptors.delete(context_of(request).scope, descriptor_id)
        return Response(status_code=204)


def _shown(document: Any, form: DescriptorForm) -> Any:  # noqa: ANN401  an id, a link or an object
    if form.is_links:
        return f"/tenant/descriptors/{document['@id']}"
    return document["@id"] if form.is_ids else document
