"""
Catalog's datasets (schema-catalog-profile, 3).

Listings are maps from id to object without an envelope; a write answers with references such
as ``@/dataSets/5c8c3c555033b814b69f947f``.
"""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from forebay.api.batch_documents import last_batch_members
from forebay.api.context import context_of, document_of
from forebay.api.problems import CATALOG, json_response
from forebay.control.datasets.listing import parse_catalog_query, projected
from forebay.control.datasets.model import StoredDataset
from forebay.control.datasets.service import DatasetService
from forebay.control.scope import Scope
from forebay.lake.batches import BatchLedger

_PATH = "/dataSets"
_ITEM = "/dataSets/{dataset_id}"


def router(service: DatasetService, ledger: BatchLedger) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix=CATALOG, tags=["Catalog"])
    _add_collection_routes(routes, service, ledger)
    _add_item_routes(routes, service, ledger)
    return routes


def _add_collection_routes(routes: APIRouter, service: DatasetService, ledger: BatchLedger) -> None:
    @routes.post(_PATH)
    def create_dataset(request: Request) -> Response:
        """Create a dataset for a schema."""
        context = context_of(request)
        dataset_id = service.create(
            context.scope,
            context.actor,
            document_of(request),
            is_dry_run=_is_dry_run(request),
        )
        location = {"Location": f"{CATALOG}{_PATH}/{dataset_id}"}
        return json_response([_reference(dataset_id)], status=201, headers=location)

    @routes.get(_PATH)
    def list_datasets(request: Request) -> Response:
        """List the datasets of the sandbox."""
        query = parse_catalog_query(request.query_params.multi_items())
        scope = context_of(request).scope
        found = service.list_page(scope, query)
        return json_response(
            {
                item.dataset_id: projected(_document(item, scope, ledger), query.properties)
                for item in found
            }
        )


def _add_item_routes(routes: APIRouter, service: DatasetService, ledger: BatchLedger) -> None:
    @routes.get(_ITEM)
    def get_dataset(request: Request, dataset_id: str) -> Response:
        """Return one dataset, in a map."""
        query = parse_catalog_query(request.query_params.multi_items())
        scope = context_of(request).scope
        found = service.get(scope, dataset_id)
        return json_response(
            {found.dataset_id: projected(_document(found, scope, ledger), query.properties)},
            headers={"ETag": found.etag},
        )

    @routes.put(_ITEM)
    def replace_dataset(request: Request, dataset_id: str) -> Response:
        """Put a new description in the place of a dataset's."""
        context = context_of(request)
        service.replace(
            context.scope,
            context.actor,
            dataset_id,
            document_of(request),
            if_match=request.headers.get("if-match"),
            is_dry_run=_is_dry_run(request),
        )
        return json_response([_reference(dataset_id)])

    @routes.patch(_ITEM)
    def patch_dataset(request: Request, dataset_id: str) -> Response:
        """Change a dataset: JSON Patch, or members to replace."""
        return _patch(service, request, dataset_id, is_deep=False)

    @routes.patch(f"/v2{_ITEM}")
    def merge_dataset(request: Request, dataset_id: str) -> Response:
        """Change a dataset: JSON Patch, or members to merge at every depth."""
        return _patch(service, request, dataset_id, is_deep=True)

    @routes.delete(_ITEM)
    def delete_dataset(request: Request, dataset_id: str) -> Response:
        """Delete a dataset; without one of this id the list in the answer is empty."""
        is_deleted = service.delete(context_of(request).scope, dataset_id)
        return json_response([_reference(dataset_id)] if is_deleted else [])


def _patch(
    service: DatasetService, request: Request, dataset_id: str, *, is_deep: bool
) -> Response:
    context = context_of(request)
    service.patch(
        context.scope,
        context.actor,
        dataset_id,
        document_of(request),
        is_deep=is_deep,
        if_match=request.headers.get("if-match"),
        is_dry_run=_is_dry_run(request),
    )
    return json_response([_reference(dataset_id)])


def _document(dataset: StoredDataset, scope: Scope, ledger: BatchLedger) -> dict[str, Any]:
    """Return a dataset with its newest batches."""
    last = ledger.last(scope.sandbox_id, dataset.dataset_id)
    return dataset.document | last_batch_members(last)


def _reference(dataset_id: str) -> str:
    return f"@{_PATH}/{dataset_id}"


def _is_dry_run(request: Request) -> bool:
    """Say whether the caller wants the checks only (``Pragma: validate-only``)."""
    return request.headers.get("pragma", "").strip().lower() == "validate-only"
