"""Batches and their files as Catalog writes them (schema-catalog-profile, 3.4)."""

from typing import Any

from forebay.kernel.ids import OrgId
from forebay.lake.batches import Batch, BatchFile, LastBatches

_VERSION = "1.0.0"
_OTHER_STAGES = ("envelope", "routing", "lake", "duplicate")


def batch_document(batch: Batch, org_id: OrgId) -> dict[str, Any]:
    """Return a batch of Catalog."""
    author = "forebay"
    tags: dict[str, list[Any]] = {"acp_producer": [author], "acp_enableErrorDiagnostics": [True]}
    if batch.flow_ids:
        tags["flowId"] = list(batch.flow_ids)
    return {
        "id": batch.batch_id,
        "externalId": batch.batch_id,
        "imsOrg": org_id,
        "sandboxId": batch.sandbox_id,
        "status": batch.status,
        "relatedObjects": [{"type": "dataSet", "id": batch.dataset_id}],
        "inputFormat": {"format": "json"},
        "metrics": _metrics(batch),
        "tags": tags,
        "errors": [
            {"code": error.code, "description": error.description, "recordCount": error.count}
            for error in batch.errors
        ],
        "started": batch.started_ms,
        "completed": batch.completed_ms,
        "created": batch.started_ms,
        "updated": batch.completed_ms,
        "createdClient": author,
        "createdUser": author,
        "updatedUser": author,
        "version": _VERSION,
        "availableDates": {},
        "replay": {},
    }


def file_id(batch: Batch, number: int) -> str:
    """Return the id of a batch's file, which count from 1."""
    return f"{batch.batch_id}-{number}"


def find_file(batch: Batch, dataset_file_id: str) -> BatchFile | None:
    """Return the file that an id means."""
    for number, file in enumerate(batch.files, 1):
        if file_id(batch, number) == dataset_file_id:
            return file
    return None


def dataset_file_documents(batch: Batch, org_id: OrgId, view_id: str) -> dict[str, dict[str, Any]]:
    """Return the files of a batch as Catalog lists them, by id."""
    return {
        file_id(batch, number): {
            "id": file_id(batch, number),
            "batchId": batch.batch_id,
            "dataSetViewId": view_id,
            "imsOrg": org_id,
            "sandboxId": batch.sandbox_id,
            "created": batch.completed_ms,
            "updated": batch.completed_ms,
            "version": _VERSION,
            "availableDates": {},
            "records": file.records,
            "size": file.bytes,
            "isValid": True,
        }
        for number, file in enumerate(batch.files, 1)
    }


def last_batch_members(last: LastBatches | None) -> dict[str, Any]:
    """Return the members of a dataset that tell of its newest batches."""
    if last is None:
        return {}
    members: dict[str, Any] = {
        "lastBatchId": last.last.batch_id,
        "lastBatchStatus": last.last.status,
    }
    if last.successful is not None:
        members["lastSuccessfulBatch"] = last.successful.batch_id
    if last.failed is not None:
        members["lastFailedBatch"] = last.failed.batch_id
    return members


def last_batches_document(last: LastBatches, org_id: OrgId) -> dict[str, Any]:
    """Return one entry of ``/lastBatches``."""
    return {
        "lastBatchId": last.last.batch_id,
        "lastBatchStatus": last.last.status,
        "lastSuccessfulBatchId": last.successful.batch_id if last.successful else None,
        "lastFailedBatchId": last.failed.batch_id if last.failed else None,
        "imsOrg": org_id,
        "sandboxId": last.last.sandbox_id,
        "created": last.last.started_ms,
        "updated": last.last.completed_ms,
    }


def _metrics(batch: Batch) -> dict[str, int]:
    invalid = batch.failed_by_stage
    return {
        "inputRecordCount": batch.input_records,
        "inputByteSize": batch.input_bytes,
        "inputFileCount": 0,
        "outputRecordCount": batch.output_records,
        "outputByteSize": batch.output_bytes,
        "outputFileCount": len(batch.files),
        "failedRecordCount": batch.failed_records,
        "duplicateRecordCount": batch.duplicate_records,
        "partitionCount": len(batch.positions),
        "startTime": batch.started_ms,
        "endTime": batch.completed_ms,
        "recordsRead": batch.input_records,
        "recordsWritten": batch.output_records,
        "recordsFailed": batch.failed_records,
        "recordsSize": batch.input_bytes,
        "invalidRecordCount": batch.failed_records,
        "invalidRecordsStreamingValidation": invalid.get("validation", 0),
        "invalidRecordsMapper": 0,
        "invalidRecordsProfile": 0,
        "invalidRecordsIdentity": 0,
        "invalidRecordsUnknown": sum(invalid.get(stage, 0) for stage in _OTHER_STAGES),
    }
