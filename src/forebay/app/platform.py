"""The platform role: Adobe's APIs over the control store, and the inlet directory's only writer."""

import asyncio
from collections.abc import Callable
from typing import Any

import structlog
import uvicorn
from fastapi import APIRouter

from forebay.api import (
    catalog,
    catalog_batches,
    data_access,
    forebay,
    forebay_schemas,
    impact,
    query,
    schema_registry,
    validate,
)
from forebay.api.application import Services, create_application
from forebay.api.http import PlatformProtocol
from forebay.app import organizations
from forebay.app.data_directory import DataDirectory
from forebay.app.directory import DatasetEntry, DirectoryWriter, SchemaEntry, Snapshot
from forebay.app.dry_run import DryRun, Validators
from forebay.app.impact import Impact
from forebay.app.lake_query import LakeQueries
from forebay.app.settings import Settings
from forebay.app.supervisor import say_ready
from forebay.app.watermarks import Positions
from forebay.control.access.service import AccessService
from forebay.control.connections.service import ConnectionService
from forebay.control.datasets.service import DatasetService
from forebay.control.sandboxes.service import SandboxService
from forebay.control.schemas.proposal import Proposals
from forebay.control.schemas.service import SchemaService
from forebay.control.store.engine import ControlStore
from forebay.edge.ports import Inlet
from forebay.kernel.clock import SystemClock
from forebay.kernel.ids import OrgId
from forebay.kernel.tasks import spawn
from forebay.kernel.telemetry import MetricsDirectory
from forebay.lake.files import LakeFiles
from forebay.lake.ledger import SqliteLedger
from forebay.log.sqlite import SqliteLogReader
from forebay.xdm.standard import StandardLibrary

_LOOK_SECONDS = 0.25
"""How often changes by other processes (the command line) are looked for."""
_METRICS_SECONDS = 1.0
_STOP_SECONDS_MAX = 3

_log = structlog.get_logger()


class ControlPlane:
    """The control store and the services on it."""

    def __init__(self, settings: Settings, data: DataDirectory) -> None:
        clock = SystemClock()
        self.store = ControlStore.at(data.control)
        self.access = AccessService(self.store, clock)
        self.sandboxes = SandboxService(self.store)
        standard = StandardLibrary(data.library)
        if data.library.is_file():
            standard.load()  # a damaged one is told at the start, not to the first caller
        self.schemas = SchemaService(self.store, clock, standard=standard)
        self.proposals = Proposals(self.store, clock, standard)
        self.datasets = DatasetService(self.store, clock, self.schemas)
        self.connections = ConnectionService(
            self.store, clock, collection_url=settings.collection_base
        )

    def snapshot(self, keep: Callable[[dict[str, Any]], str]) -> Snapshot:
        """Return what edge and processing have to know now; `keep` stores a validation document."""
        # The revision is read first: a change during the reading shows as a newer one next time.
        revision = self.store.revision()
        return Snapshot(
            revision=revision,
            inlets=[
                Inlet(
                    inlet_id=row.inlet_id,
                    connection_id=row.connection_id,
                    org_id=row.org_id,
                    sandbox_id=row.sandbox_id,
                    sandbox_name=row.sandbox_name,
                    source_name=row.source_name,
                    data_type=row.data_type,
                    is_authentication_required=row.is_authentication_required,
                )
                for row in self.connections.list_inlets()
                if row.is_enabled
            ],
            datasets=[
                DatasetEntry(
                    org_id=dataset.org_id,
                    sandbox_id=dataset.sandbox_id,
                    dataset_id=dataset.dataset_id,
                    schema_id=dataset.schema_id,
                    has_unique_ids=dataset.has_unique_ids,
                )
                for dataset in self.datasets.list_datasets()
            ],
            schemas=[
                SchemaEntry(
                    org_id=schema.scope.org_id,
                    sandbox_id=schema.scope.sandbox_id,
                    schema_id=schema.schema_id,
                    version=schema.version,
                    digest=keep(self.schemas.validation_document(schema.scope, schema.schema_id)),
                )
                for schema in self.schemas.list_schemas()
            ],
            verifying_keys=self.access.verifying_keys(),
            clients={
                client_id: OrgId(org_id)
                for client_id, org_id in self.access.client_organizations().items()
            },
        )


def run(settings: Settings, data: DataDirectory) -> None:
    """Run the role until SIGTERM."""
    asyncio.run(_Platform(settings, data).run())


class _Platform:
    def __init__(self, settings: Settings, data: DataDirectory) -> None:
        self._settings = settings
        self._data = data
        self._control = ControlPlane(settings, data)
        self._directory = DirectoryWriter(
            data.snapshot,
            data.validation_schemas,
            take=self._control.snapshot,
            current_revision=self._control.store.revision,
        )
        self._metrics = MetricsDirectory(data.metrics)
        self._ledger = SqliteLedger(data.lake)
        self._unready = ["the inlet directory is not written yet"]

    async def run(self) -> None:
        created = self._control.access.ensure_development_organization()
        if created is not None:
            organizations.keep(self._data, created, is_default=True)
        self._control.store.subscribe(self._directory.publish)
        self._directory.publish()
        self._unready = []
        server = uvicorn.Server(
            uvicorn.Config(
                self._application(),
                host=self._settings.host,
                port=self._settings.platform_port,
                http=PlatformProtocol,
                loop="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=_STOP_SECONDS_MAX,
            )
        )
        background = [
            spawn(self._watch(), name="platform: changes from outside"),
            spawn(self._publish_metrics(), name="platform: metrics"),
            spawn(self._announce(server), name="platform: readiness"),
        ]
        await server.serve()
        for task in background:
            task.cancel()
        self._ledger.close()
        self._control.store.close()

    def _application(self) -> Any:  # noqa: ANN401  an ASGI application
        positions = Positions(SqliteLogReader(self._data.log), self._data.checkpoint, SystemClock())
        return create_application(
            Services(
                clock=SystemClock(),
                access=self._control.access,
                sandboxes=self._control.sandboxes,
                connections=self._control.connections,
                platform_url=self._settings.platform_base,
                unready_reasons=lambda: self._unready,
                metrics=self._metrics.collect,
                routers=[
                    schema_registry.router(self._control.schemas),
                    *self._catalog(),
                    forebay.router(positions),
                    *self._dry_runs(),
                    query.router(self._queries()),
                    forebay_schemas.router(self._control.schemas.versions),
                ],
            )
        )

    def _catalog(self) -> list[APIRouter]:
        datasets, ledger = self._control.datasets, self._ledger
        files, url = LakeFiles(self._data.lake), self._settings.platform_base
        return [
            catalog.router(datasets, ledger),
            catalog_batches.router(ledger, datasets),
            data_access.router(ledger, files, datasets, platform_url=url),
        ]

    def _queries(self) -> LakeQueries:
        return LakeQueries(self._control.schemas, self._control.datasets, self._data.lake)

    def _dry_runs(self) -> list[APIRouter]:
        control, validators = self._control, Validators()
        dry_run = DryRun(control.schemas, control.datasets, validators)
        impacts = Impact(
            control.schemas,
            control.datasets,
            control.proposals,
            validators,
            self._data.lake,
            SystemClock(),
        )
        return [validate.router(dry_run), impact.router(impacts)]

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                await asyncio.to_thread(self._directory.publish)
                self._unready = []
            except Exception as error:  # noqa: BLE001  the supervisor of this loop: readiness tells
                _log.exception("the inlet directory could not be written")
                self._unready = [f"the inlet directory could not be written: {error}"]

    async def _publish_metrics(self) -> None:
        while True:
            self._metrics.publish("platform")
            await asyncio.sleep(_METRICS_SECONDS)

    async def _announce(self, server: uvicorn.Server) -> None:
        while not server.started:  # noqa: ASYNC110  uvicorn tells it only this way
            await asyncio.sleep(0.01)
        say_ready(self._data, "platform", SystemClock().now_ms())
