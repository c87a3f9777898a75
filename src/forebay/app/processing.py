"""The processing role: from the log to the lake."""

import signal
import threading

from forebay.app.data_directory import DataDirectory
from forebay.app.directory import DirectoryReader
from forebay.app.settings import Settings
from forebay.app.supervisor import say_ready
from forebay.kernel.clock import SystemClock
from forebay.kernel.ids import OrgId, SandboxId
from forebay.kernel.telemetry import MetricsDirectory
from forebay.lake.iceberg import IcebergTables
from forebay.lake.ledger import SqliteLedger
from forebay.log.sqlite import SqliteLogReader
from forebay.processing.checkpoint import Checkpoint
from forebay.processing.identifiers.files import FileIndex
from forebay.processing.ports import Dataset
from forebay.processing.worker import Worker

_TICK_SECONDS = 0.2
_TICKS_PER_METRICS = 5


class Datasets:
    """The inlet directory as processing asks it (`processing.ports.DatasetDirectory`)."""

    def __init__(self, directory: DirectoryReader, *, has_duplicate_rule: bool) -> None:
        self._directory = directory
        self._has_duplicate_rule = has_duplicate_rule

    def find(self, org_id: OrgId, sandbox_id: SandboxId, dataset_id: str) -> Dataset | None:
        """Return a dataset of a sandbox, with the validator of its schema as it is now."""
        entry = self._directory.find_dataset_entry(org_id, sandbox_id, dataset_id)
        if entry is None:
            return None
        schema = self._directory.find_schema(org_id, sandbox_id, entry.schema_id)
        if schema is None:
            return None
        return Dataset(
            dataset_id=entry.dataset_id,
            schema_id=entry.schema_id,
            schema_version=schema.version,
            validator=self._directory.validator(schema),
            has_unique_ids=self._has_duplicate_rule and entry.has_unique_ids,
        )


def run(settings: Settings, data: DataDirectory) -> None:
    """Run the role until SIGTERM; what was read by then is in the lake when it returns."""
    clock = SystemClock()
    directory = DirectoryReader(data.snapshot, data.validation_schemas, clock)
    directory.refresh()
    reader, tables = SqliteLogReader(data.log), IcebergTables(data.lake)
    ledger = SqliteLedger(data.lake)
    window_ms = round(settings.processing.duplicate_window_hours * 3_600_000)
    identifiers = FileIndex(data.identifiers, window_ms=window_ms) if window_ms else None
    worker = Worker(
        reader,
        Datasets(directory, has_duplicate_rule=identifiers is not None),
        tables,
        Checkpoint(data.checkpoint),
        clock,
        ledger=ledger,
        identifiers=identifiers,
        flush_seconds=settings.lake.flush_seconds,
        flush_bytes=settings.lake.flush_bytes,
    )
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.stop())
    beside = threading.Thread(
        target=_tick, args=(directory, MetricsDirectory(data.metrics), stopped), name="tick"
    )
    beside.start()
    say_ready(data, "processing", clock.now_ms())
    try:
        worker.run()
    finally:
        stopped.set()
        beside.join()
        tables.close()
        ledger.close()
        if identifiers is not None:
            identifiers.close()
        reader.close()


def _tick(directory: DirectoryReader, metrics: MetricsDirectory, stopped: threading.Event) -> None:
    """Keep the directory fresh and the metrics published."""
    ticks = 0
    while not stopped.wait(_TICK_SECONDS):
        directory.refresh()
        ticks += 1
        if ticks % _TICKS_PER_METRICS == 0:
            metrics.publish("processing")
