"""Catalog's batches, the newest of each dataset, and their files (schema-catalog-profile, 3.4)."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from forebay.api.batch_documents import (
    batch_document,
    dataset_file_documents,
    last_batches_document,
)
from forebay.api.batch_queries import list_batches, scan
from forebay.api.context import context_of
from forebay.api.problems import CATALOG, json_response
from forebay.control.datasets.listing import (
    given_of,
    parse_catalog_query,
    projected,
    words,
)
from forebay.control.datasets.service import DatasetService
from forebay.control.scope import Scope
from forebay.kernel.errors import Disposition, PlatformError
from forebay.lake.batches import Batch, BatchLedger, BatchQuery, Status


class BatchNotFound(PlatformError):
    """No such batch in this organization and sandbox."""

    code = "BATCH-1404"
    status = 404
    title = "Batch not found"
    disposition = Disposition.REJECT


def router(ledger: BatchLedger, datasets: DatasetService) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix=CATALOG, tags=["Catalog"])
    _add_batch_routes(routes, ledger)
    _add_dataset_routes(routes, ledger, datasets)
    return routes


def get_batch(ledger: BatchLedger, scope: Scope, batch_id: str) -> Batch:
    """
    Return a batch.

    Raises:
        BatchNotFound: The sandbox has no such batch.
    """
    batch = ledger.find(scope.sandbox_id, batch_id)
    if batch is None:
        raise BatchNotFound(f"The batch {batch_id[:100]} does not exist in this sandbox")
    return batch


def _add_batch_routes(routes: APIRouter, ledger: BatchLedger) -> None:
    @routes.get("/batches")
    def get_batches(request: Request) -> Response:
        """List the batches of the sandbox."""
        scope = context_of(request).scope
        properties = parse_catalog_query(request.query_params.multi_items()).properties
        return json_response(
            {
                batch.batch_id: projected(batch_document(batch, scope.org_id), properties)
                for batch in list_batches(ledger, scope, request)
            }
        )

    @routes.get("/batches/{batch_id}")
    def get_one_batch(request: Request, batch_id: str) -> Response:
        """Return one batch, in a map."""
        scope = context_of(request).scope
        batch = get_batch(ledger, scope, batch_id)
        return json_response({batch.batch_id: batch_document(batch, scope.org_id)})


def _add_dataset_routes(routes: APIRouter, ledger: BatchLedger, datasets: DatasetService) -> None:
    @routes.get("/lastBatches")
    def get_last_batches(request: Request) -> Response:
        """Return the newest batches of the sandbox's datasets, by dataset."""
        scope = context_of(request).scope
        parameters = request.query_params.multi_items()
        wanted = words(given_of(parameters), "dataSet")
        page = datasets.list_page(scope, parse_catalog_query(parameters))
        found = {
            dataset.dataset_id: ledger.last(scope.sandbox_id, dataset.dataset_id)
            for dataset in page
            if not wanted or dataset.dataset_id in wanted
        }
        return json_response(
            {
                dataset_id: last_batches_document(last, scope.org_id)
                for dataset_id, last in found.items()
                if last is not None
            }
        )

    @routes.get("/dataSetFiles")
    def list_dataset_files(request: Request) -> Response:
        """List the data files of datasets and batches, by id."""
        scope = context_of(request).scope
        parameters = request.query_params.multi_items()
        given, query = given_of(parameters), parse_catalog_query(parameters)
        views = {str(d.dataset_id): d.document["viewId"] for d in datasets.list_all(scope)}
        wanted = BatchQuery(
            dataset_ids=words(given, "dataSetId"),
            batch_ids=words(given, "batch"),
            statuses=(Status.SUCCESS,),
        )
        found: dict[str, object] = {}
        for batch in scan(ledger, scope, wanted):
            found |= dataset_file_documents(batch, scope.org_id, views.get(batch.dataset_id, ""))
            if len(found) >= query.start + query.limit:
                break
        names = list(found)[query.start : query.start + query.limit]
        return json_response({name: found[name] for name in names})
