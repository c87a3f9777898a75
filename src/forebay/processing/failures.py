"""
Failed records: the message as it was accepted and enriched, with every broken rule.

The line in the column ``record`` is the one readers of AEP's failed batches know: header and
body as received, the header with what the platform added (flow-and-collection, 17.1), the
violations under both documented names (decisions, 7).
"""

from typing import Any

import msgspec

from forebay.kernel import json
from forebay.lake.failed_records import FailedRecord, Stage, time_text
from forebay.lake.ports import TableId
from forebay.processing.messages import Request, parts
from forebay.processing.ports import Dataset
from forebay.xdm.violations import Violation

_MSG_VERSION = "1.0"


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Why a message cannot become a row."""

    stage: Stage
    message: str
    dataset: Dataset | None = None
    table: TableId | None = None
    """The table the record was meant for, if that is known."""
    violations: Violation | None = None
    """All broken rules."""
    shown: Violation | None = None
    """The same, stopped after five (flow-and-collection, 16.4)."""


def failed_record(request: Request, index: int, failure: Failure, *, now_ms: int) -> FailedRecord:
    """Return the failed record of one message of a request."""
    header, body = parts(request.raw_messages[index])
    head = request.head
    dataset = failure.dataset
    shown = failure.shown or failure.violations
    tree = shown.tree() if shown else {"message": failure.message}
    line = {
        "header": _enriched(header, request, index, now_ms=now_ms),
        "body": body,
        "_validationErrors": [tree],
        "_errors": {"_streamingValidation": [tree]},
    }
    violations = failure.violations
    return FailedRecord(
        xaction_id=request.xaction_id(index),
        log_id=request.log_id,
        partition=request.partition,
        offset=request.offset,
        index=index,
        dataset_id=dataset.dataset_id if dataset else _text(header.get("datasetId")),
        schema_id=dataset.schema_id if dataset else None,
        schema_version=dataset.schema_version if dataset else None,
        inlet_id=head.inlet_id,
        connection_id=head.connection_id,
        flow_id=_text(header.get("flowId")) or head.flow_id,
        received_at=time_text(head.received_ms),
        failed_at=time_text(now_ms),
        stage=failure.stage,
        message=failure.message,
        violation_count=len(violations.leaves()) if violations else 1,
        violations=json.encode(violations.tree() if violations else tree).decode(),
        record=json.encode(line).decode(),
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _enriched(
    header: dict[str, Any], request: Request, index: int, *, now_ms: int
) -> dict[str, Any]:
    """Return a header with what the platform adds; what the sender wrote is kept."""
    head = request.head
    xaction_id = request.xaction_id(index)
    enriched = {
        "imsOrgId": head.org_id,
        "msgId": xaction_id,
        "msgVersion": _MSG_VERSION,
        **header,
        "xactionId": xaction_id,
        "originalTimestamp": head.received_ms,
        "_dcsMeta": {"inletId": head.inlet_id, "authenticatedRequest": head.is_authenticated},
        "_dcvsMeta": {"processingTimestamp": now_ms},
        "sandboxId": head.sandbox_id,
        "sandboxName": head.sandbox_name,
    }
    source = header.get("source")
    if not isinstance(source, dict) or not source.get("name"):
        enriched["source"] = {
            **(source if isinstance(source, dict) else {}),
            "name": head.source_name,
        }
    if head.dataset_id:
        enriched.setdefault("datasetId", head.dataset_id)
    if head.flow_id:
        enriched.setdefault("flowId", head.flow_id)
    return enriched
