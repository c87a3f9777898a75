"""
Data Access: files of batches, failed records, and the first rows of a dataset.

Listings are ``{"data": […], "_page": {…}}``, with lengths and times as texts
(schema-catalog-profile, 4.1). A name in ``path`` is compared with the names that are listed and
never becomes a path of ours.
"""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from forebay.api.batch_documents import file_id, find_file
from forebay.api.byte_ranges import FileContent, TextContent, download
from forebay.api.catalog_batches import get_batch
from forebay.api.context import context_of
from forebay.api.problems import EXPORT, json_response
from forebay.control.datasets.listing import LIMIT_MAX, parse_catalog_query
from forebay.control.datasets.service import DatasetService
from forebay.kernel.errors import Disposition, PlatformError
from forebay.lake.batches import Batch, BatchLedger, Status
from forebay.lake.ports import TableId

_MARKER = "_SUCCESS"
_PARQUET = "application/parquet"
_JSON_LINES = "application/octet-stream"


class FileMissing(PlatformError):
    """A batch has no such file."""

    code = "BATCH-1405"
    status = 404
    title = "File not found"
    disposition = Disposition.REJECT


class Files(Protocol):
    """What Data Access reads of the lake."""

    def find(self, path: str) -> Path | None:
        """Return where a data file lies."""

    def failed_lines(self, sandbox_id: str, batch_id: str) -> bytes:
        """Return the failed records of a batch, a JSON line each."""

    def first_rows(self, table: TableId, *, limit: int) -> list[dict[str, Any]]:
        """Return some rows of a table."""


def router(
    ledger: BatchLedger, files: Files, datasets: DatasetService, *, platform_url: str
) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix=EXPORT, tags=["Data Access"])
    base = f"{platform_url}{EXPORT}"
    _add_batch_routes(routes, ledger, files, datasets, base=base)
    _add_file_routes(routes, ledger, files, datasets, base=base)
    return routes


def _add_batch_routes(
    routes: APIRouter, ledger: BatchLedger, files: Files, datasets: DatasetService, *, base: str
) -> None:
    @routes.get("/batches/{batch_id}/files")
    def list_files(request: Request, batch_id: str) -> Response:
        """List the data files of a batch."""
        scope = context_of(request).scope
        batch = get_batch(ledger, scope, batch_id)
        view_id = ""
        if batch.files:
            view_id = datasets.get(scope, batch.dataset_id).document["viewId"]
        return _page(request, _dataset_files(batch, view_id, base))

    @routes.get("/batches/{batch_id}/failed")
    @routes.head("/batches/{batch_id}/failed", include_in_schema=False)
    def failed(request: Request, batch_id: str) -> Response:
        """List the files with the failed records of a batch, or download one."""
        scope = context_of(request).scope
        batch = get_batch(ledger, scope, batch_id)
        contents: dict[str, bytes] = {}
        if batch.status is Status.FAILURE:
            lines = files.failed_lines(scope.sandbox_id, batch.batch_id)
            contents = {_MARKER: b"", f"part-00000-{batch.batch_id.lower()}-c000.json": lines}
        path = request.query_params.get("path")
        if path is None:
            link = f"{base}/batches/{batch.batch_id}/failed"
            sizes = {name: len(content) for name, content in contents.items()}
            return _page(request, [_part(name, size, link) for name, size in sizes.items()])
        if path not in contents:
            raise _missing(f"batch {batch.batch_id}", path, list(contents))
        return download(request, TextContent(contents[path]), _JSON_LINES)


def _add_file_routes(
    routes: APIRouter, ledger: BatchLedger, files: Files, datasets: DatasetService, *, base: str
) -> None:
    @routes.get("/files/{dataset_file_id}")
    @routes.head("/files/{dataset_file_id}", include_in_schema=False)
    def parts(request: Request, dataset_file_id: str) -> Response:
        """List the parts of a data file, or download one."""
        scope = context_of(request).scope
        batch = get_batch(ledger, scope, dataset_file_id.rpartition("-")[0])
        file = find_file(batch, dataset_file_id)
        found = files.find(file.path) if file else None
        if file is None or found is None:
            ids = [file_id(batch, number) for number in range(1, len(batch.files) + 1)]
            raise _missing(f"batch {batch.batch_id}", dataset_file_id, ids)
        name, path = PurePosixPath(file.path).name, request.query_params.get("path")
        if path is None:
            return _page(request, [_part(name, file.bytes, f"{base}/files/{dataset_file_id}")])
        if path != name:
            raise _missing(f"file {dataset_file_id}", path, [name])
        return download(request, FileContent(found), _PARQUET)

    @routes.get("/datasets/{dataset_id}/preview")
    def preview(request: Request, dataset_id: str) -> Response:
        """Return up to a hundred rows of a dataset."""
        scope = context_of(request).scope
        dataset = datasets.get(scope, dataset_id)
        start, limit = _bounds(request)
        table = TableId(scope.sandbox_id, dataset.dataset_id)
        rows = files.first_rows(table, limit=LIMIT_MAX)[start : start + limit]
        return json_response({"data": rows, "_page": {"limit": limit, "count": len(rows)}})


def _dataset_files(batch: Batch, view_id: str, base: str) -> list[dict[str, Any]]:
    return [
        {
            "dataSetFileId": file_id(batch, number),
            "dataSetViewId": view_id,
            "version": "1.0.0",
            "created": str(batch.completed_ms),
            "updated": str(batch.completed_ms),
            "isValid": True,
            "records": file.records,
            "size": file.bytes,
            "_links": {"self": {"href": f"{base}/files/{file_id(batch, number)}"}},
        }
        for number, file in enumerate(batch.files, 1)
    ]


def _part(name: str, size: int, link: str) -> dict[str, Any]:
    return {
        "name": name,
        "length": str(size),
        "_links": {"self": {"href": f"{link}?path={name}"}},
    }


def _bounds(request: Request) -> tuple[int, int]:
    query = parse_catalog_query(request.query_params.multi_items())
    return query.start, query.limit if "limit" in request.query_params else LIMIT_MAX


def _page(request: Request, items: Sequence[dict[str, Any]]) -> Response:
    start, limit = _bounds(request)
    page = items[start : start + limit]
    return json_response({"data": page, "_page": {"limit": limit, "count": len(page)}})


def _missing(owner: str, asked: str, names: Sequence[str]) -> FileMissing:
    known = ", ".join(names) or "none"
    return FileMissing(f"The {owner} has no file {asked[:200]!r}; its files are: {known}")
