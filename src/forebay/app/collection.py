"""The collection role: inlets over one log partition, in one process."""

import asyncio
import os
import signal
import sys

import structlog
import uvloop

from forebay.app.data_directory import DataDirectory
from forebay.app.directory import DirectoryReader
from forebay.app.settings import Settings
from forebay.app.supervisor import say_ready
from forebay.edge.application import EdgeApplication
from forebay.edge.collection import Collection, EdgeLimits, EdgePorts
from forebay.edge.server import serve
from forebay.kernel.clock import SystemClock
from forebay.kernel.ids import Offset, PartitionId
from forebay.kernel.tasks import spawn
from forebay.kernel.telemetry import REGISTRY, MetricsDirectory
from forebay.log.entry import unpack
from forebay.log.ports import LogDamaged
from forebay.log.sqlite import SqliteLogReader, SqliteLogWriter, WriterOptions
from forebay.log.sqlite.metrics import LogMetrics
from forebay.processing.checkpoint import read_positions

_REFRESH_SECONDS = 0.2
_METRICS_SECONDS = 1.0
_RETENTION_SECONDS = 10.0

_log = structlog.get_logger()


def run(settings: Settings, data: DataDirectory, *, worker: int) -> None:
    """Run the role until SIGTERM; `worker` is also the number of its log partition."""
    role = _CollectionRole(settings, data, PartitionId(worker))
    uvloop.run(role.run())
    if role.has_failed:
        sys.exit(1)


class _CollectionRole:
    def __init__(self, settings: Settings, data: DataDirectory, partition: PartitionId) -> None:
        self._settings = settings
        self._data = data
        self._partition = partition
        self._name = f"collection-{partition}"
        self._clock = SystemClock()
        self._stop = asyncio.Event()
        self._directory = DirectoryReader(data.snapshot, data.validation_schemas, self._clock)
        self._metrics = MetricsDirectory(data.metrics)
        self.has_failed = False
        """The log failed: the process must end, and must not look as if it had been asked to."""

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        log = self._settings.log
        writer = SqliteLogWriter.open(
            self._data.log,
            self._partition,
            options=WriterOptions(
                segment_bytes_max=log.segment_bytes_max,
                queue_bytes_max=log.queue_bytes_max,
                disk_reserve_bytes=log.disk_reserve_bytes,
            ),
            on_failure=self._fail_stop,
        )
        self._check_not_older(writer)
        self._directory.refresh()
        application = self._application(writer)
        background = [
            spawn(self._refresh(), name="collection: directory"),
            spawn(self._publish_metrics(), name="collection: metrics"),
            spawn(self._retain(writer), name="collection: retention"),
        ]
        await serve(
            application,
            host=self._settings.host,
            port=self._settings.collection_port,
            stop=self._stop,
            on_listening=lambda: say_ready(self._data, self._name, self._clock.now_ms()),
        )
        for task in background:
            task.cancel()

    def _application(self, writer: SqliteLogWriter) -> EdgeApplication:
        ports = EdgePorts(
            directory=self._directory,
            authenticator=self._directory,
            validator=self._directory,
            writer=writer,
            clock=self._clock,
            metrics_text=self._metrics.collect,
            unready_reason=lambda: self._unready_reason(writer),
        )
        limits = EdgeLimits(validations_per_minute=self._settings.sync_validation_per_minute)
        collection = Collection(ports, limits, received_ms_min=self._last_received_ms())
        REGISTRY.register(collection.metrics)
        REGISTRY.register(LogMetrics(writer))
        return EdgeApplication(collection, ports)

    def _check_not_older(self, writer: SqliteLogWriter) -> None:
        """
        Refuse a log that is an older copy of itself.

        Its next records would get offsets that processing has behind it, and would never be
        looked at. The log alone cannot know; the checkpoint does.
        """
        position = read_positions(self._data.checkpoint).get(self._partition)
        reader = SqliteLogReader(self._data.log)
        try:
            bounds = reader.bounds(self._partition)
        finally:
            reader.close()
        if position and position.log_id == writer.log_id and position.next > bounds.next:
            raise LogDamaged(
                f"partition {self._partition} ends at offset {bounds.next - 1}, but records up to "
                f"{position.next - 1} were processed: this is an older copy of the log"
            )

    def _unready_reason(self, writer: SqliteLogWriter) -> str | None:
        if self._directory.revision < 0:
            return "the inlet directory is not there yet"
        return writer.probe()

    def _last_received_ms(self) -> int:
        """Return the time of the last record: receipts never go back, whatever the clock does."""
        reader = SqliteLogReader(self._data.log)
        try:
            bounds = reader.bounds(self._partition)
            if bounds.next == bounds.first:
                return 0
            (record,) = reader.read(self._partition, Offset(bounds.next - 1), bytes_max=1)
            return unpack(record.payload)[0].received_ms
        finally:
            reader.close()

    async def _refresh(self) -> None:
        while True:
            await asyncio.sleep(_REFRESH_SECONDS)
            self._directory.refresh()

    async def _publish_metrics(self) -> None:
        while True:
            self._metrics.publish(self._name)
            await asyncio.sleep(_METRICS_SECONDS)

    async def _retain(self, writer: SqliteLogWriter) -> None:
        """Drop what the lake has and the retention has passed; only the writer may do it."""
        retention_ms = int(self._settings.log.retention_hours * 3_600_000)
        while True:
            await asyncio.sleep(_RETENTION_SECONDS)
            position = read_positions(self._data.checkpoint).get(self._partition)
            if position is not None and position.log_id == writer.log_id:
                await writer.drop_below(position.next, older_than_ms=retention_ms)

    def _fail_stop(self, error: BaseException) -> None:
        """
        End the process: a disk that failed once must not be asked again.

        The supervisor starts the role anew, which verifies the log. Called in the writer's
        thread, after every waiting request was given its answer.
        """
        _log.error("the log failed, stopping", error=f"{type(error).__name__}: {error}")
        self.has_failed = True
        os.kill(os.getpid(), signal.SIGTERM)
