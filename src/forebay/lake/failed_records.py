"""
Records that could not become rows: one table per sandbox, with everything a repair needs.

A failed record is kept whole, with the stage that refused it and every broken rule, and with
its address in the log, by which it is known when the same part of the log is read again.
"""

from enum import StrEnum

import msgspec

from forebay.kernel import json
from forebay.kernel.clock import utc
from forebay.kernel.ids import Offset, PartitionId
from forebay.lake.ports import Rows
from forebay.xdm.fields import Field, Object, Scalar, ScalarKind


class Stage(StrEnum):
    """Who refused a record."""

    ENVELOPE = "envelope"
    """It is not a message: no JSON, no entity."""
    ROUTING = "routing"
    """It belongs to no dataset, or not to the one it names."""
    VALIDATION = "validation"
    """It breaks the rules of its schema."""
    LAKE = "lake"
    """It holds a value that the table's columns cannot."""
    DUPLICATE = "duplicate"
    """Its id belongs to another record, which says something else."""


class FailedRecord(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A record and why it failed."""

    xaction_id: str
    log_id: str
    partition: PartitionId
    offset: Offset
    index: int
    dataset_id: str | None
    schema_id: str | None
    schema_version: str | None
    inlet_id: str
    connection_id: str
    flow_id: str | None
    received_at: str
    failed_at: str
    stage: Stage
    message: str
    violation_count: int
    violations: str
    """JSON text of the tree with all violations."""
    record: str
    """The JSON line that readers of failed records know (decisions, 7)."""
    attempt: int = 1
    batch_id: str | None = None
    """The batch that Catalog shows them under."""


def _field(name: str, kind: ScalarKind) -> Field:
    return Field(name=name, type=Scalar(kind))


FIELDS = Object(
    (
        _field("xactionId", ScalarKind.STRING),
        _field("index", ScalarKind.INT),
        _field("datasetId", ScalarKind.STRING),
        _field("schemaId", ScalarKind.STRING),
        _field("schemaVersion", ScalarKind.STRING),
        _field("inletId", ScalarKind.STRING),
        _field("connectionId", ScalarKind.STRING),
        _field("flowId", ScalarKind.STRING),
        _field("receivedAt", ScalarKind.DATE_TIME),
        _field("failedAt", ScalarKind.DATE_TIME),
        _field("stage", ScalarKind.STRING),
        _field("message", ScalarKind.STRING),
        _field("violationCount", ScalarKind.INT),
        _field("violations", ScalarKind.STRING),
        _field("record", ScalarKind.STRING),
        _field("attempt", ScalarKind.INT),
        _field("partition", ScalarKind.INT),
        _field("offset", ScalarKind.LONG),
        _field("logId", ScalarKind.STRING),
        _field("batchId", ScalarKind.STRING),
    )
)
"""The columns of the table."""


def time_text(epoch_ms: int) -> str:
    """Return a time as the table's columns read it."""
    return utc(epoch_ms).isoformat(timespec="milliseconds")


def rows_of(records: list[FailedRecord]) -> Rows:
    """Return failed records as rows of their table."""
    rows = Rows()
    rows.entities = [json.encode(record) for record in records]
    return rows
