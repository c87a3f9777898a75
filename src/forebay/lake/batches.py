"""
Batches: what each commit of the lake was, as Catalog tells it.

One commit of a dataset's table is one batch, and the failed records of one flush and one
dataset are another: the documentation's *error batch* (schema-catalog-profile, 3.4). What a
batch says is part of the commit itself, in the snapshot's summary; the *ledger* is a projection
of the summaries that can be searched, and that outlives the snapshots.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

import msgspec

from forebay.kernel.errors import Disposition, PlatformError

UNKNOWN_DATASET = ""
"""Stands for the dataset of failed records that belong to none of the sandbox's."""


class Operation(StrEnum):
    """Why a batch came to be."""

    INGEST = "ingest"


class Status(StrEnum):
    """What became of a batch, in Catalog's words."""

    SUCCESS = "success"
    FAILURE = "failure"


class BatchError(msgspec.Struct, frozen=True):
    """One kind of error in a batch: its code, one case of it in words, and how many there are."""

    code: str
    description: str
    count: int


class BatchFile(msgspec.Struct, frozen=True):
    """A data file that a batch added."""

    path: str
    """Below the lake's directory."""
    records: int
    bytes: int


class Span(msgspec.Struct, frozen=True):
    """The part of a partition's log that records come from; both offsets are included."""

    first: int
    last: int


class Batch(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A batch."""

    batch_id: str
    sandbox_id: str
    dataset_id: str
    operation: Operation = Operation.INGEST
    status: Status = Status.SUCCESS
    snapshot_id: int | None = None
    started_ms: int
    """When the flush that made it began."""
    completed_ms: int
    """When its rows were ready for the commit that also holds this."""
    input_records: int = 0
    output_records: int = 0
    failed_records: int = 0
    duplicate_records: int = 0
    input_bytes: int = 0
    output_bytes: int = 0
    failed_by_stage: dict[str, int] = {}
    errors: tuple[BatchError, ...] = ()
    positions: dict[str, Span] = {}
    """By the number of the log's partition."""
    flow_ids: tuple[str, ...] = ()
    inlet_ids: tuple[str, ...] = ()
    files: tuple[BatchFile, ...] = ()
    """Not in the summary: the snapshot itself knows its files."""


class Order(StrEnum):
    """What batches can be ordered by."""

    STARTED = "started_ms"
    COMPLETED = "completed_ms"
    INPUT = "input_records"
    FAILED = "failed_records"
    SIZE = "input_bytes"
    STATUS = "status"
    ID = "batch_id"


class BatchQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which batches of a sandbox are wanted; what is empty does not restrict."""

    batch_ids: tuple[str, ...] = ()
    dataset_ids: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    started_after_ms: int | None = None
    started_before_ms: int | None = None
    completed_after_ms: int | None = None
    completed_before_ms: int | None = None
    order: tuple[tuple[Order, bool], ...] = ()
    """Each with whether it descends; after these, oldest first."""
    limit: int = 100
    start: int = 0


class LastBatches(msgspec.Struct, frozen=True, kw_only=True):
    """The newest batches of a dataset."""

    last: Batch
    successful: Batch | None
    failed: Batch | None


class LedgerUnavailable(PlatformError):
    """The ledger of batches cannot be read or written now; the lake's tables are not concerned."""

    code = "LAKE-2504"
    status = 503
    title = "Ledger of batches unavailable"
    disposition = Disposition.RETRY


class BatchLedger(Protocol):
    """The batches of all sandboxes. Whatever it cannot do raises `LedgerUnavailable`."""

    def record(self, batches: Sequence[Batch]) -> None:
        """
        Keep batches; those that are known by their id stay as they are.

        When this returns they survive the loss of power; if it raises, none was kept.
        """

    def has(self, batch_id: str) -> bool:
        """Say whether a batch is kept."""

    def find(self, sandbox_id: str, batch_id: str) -> Batch | None:
        """Return a batch of a sandbox."""

    def list_batches(self, sandbox_id: str, query: BatchQuery) -> list[Batch]:
        """Return one page of a sandbox's batches."""

    def last(self, sandbox_id: str, dataset_id: str) -> LastBatches | None:
        """Return the newest batches of a dataset; None if it has none."""

    def close(self) -> None:
        """Release what is held."""


def age_of(batch: Batch) -> tuple[int, str]:
    """Return what batches are ordered by where nothing else is asked for: the oldest first."""
    return batch.started_ms, batch.batch_id


def last_of(successful: Batch | None, failed: Batch | None) -> LastBatches | None:
    """Return the newest batches of a dataset, given the newest of each status; None if none is."""
    found = [batch for batch in (successful, failed) if batch is not None]
    if not found:
        return None
    return LastBatches(last=max(found, key=age_of), successful=successful, failed=failed)


def completed(batch: Batch, snapshot_id: int, files: tuple[BatchFile, ...]) -> Batch:
    """Return a batch with what is known of it after its commit."""
    kept = files if batch.status is Status.SUCCESS else ()
    return msgspec.structs.replace(
        batch,
        snapshot_id=snapshot_id,
        files=kept,
        output_bytes=sum(file.bytes for file in kept),
    )


def summary_of(batches: Sequence[Batch]) -> str:
    """Return batches as the text that a snapshot's summary holds."""
    return msgspec.json.encode([msgspec.structs.replace(b, files=()) for b in batches]).decode()


def read_summary(text: str) -> list[Batch]:
    """
    Read what `summary_of` wrote.

    Raises:
        ValueError: The text is something else.
    """
    return msgspec.json.decode(text, type=list[Batch])
