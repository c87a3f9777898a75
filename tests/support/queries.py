"""Queries on a real platform API over a lake with records."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx2

from forebay.api import catalog, query, schema_registry
from forebay.app.lake_query import LakeQueries
from forebay.control.access.model import NewCredentials
from forebay.control.datasets.service import DatasetService
from forebay.control.schemas.service import SchemaService
from forebay.control.store.engine import ControlStore
from forebay.kernel.clock import SystemClock
from forebay.lake.ledger_memory import MemoryLedger
from forebay.xdm.standard import StandardLibrary
from support.dry_runs import DryRunClient
from support.platform import Platform, running_platform
from support.xdm import EVENT

QUERY = "/forebay/v1/query"


class Asking(NamedTuple):
    """A sandbox whose dataset ``events`` has three events."""

    platform: Platform
    client: DryRunClient
    dataset_id: str
    table_name: str

    def ask(self, sql: Any, *, of: NewCredentials | None = None, **more: Any) -> httpx2.Response:
        """Return the answer to a query, by default of the organization with the dataset."""
        with self.platform.client(of) as http:
            return http.post(QUERY, json={"sql": sql, **more}, timeout=60)

    def rows(self, sql: str, **more: Any) -> list[list[Any]]:
        """Return the rows of a query that is answered."""
        answer = self.ask(sql, **more)
        assert answer.status_code == 200, answer.text
        found: list[list[Any]] = answer.json()["rows"]
        return found


@contextmanager
def running_queries(directory: Path) -> Iterator[Asking]:
    """Serve registry, Catalog and queries until the end of the block."""
    lake = directory / "lake"

    def routers(store: ControlStore) -> list[Any]:
        clock = SystemClock()
        schemas = SchemaService(store, clock, standard=StandardLibrary())
        datasets = DatasetService(store, clock, schemas)
        return [
            schema_registry.router(schemas),
            catalog.router(datasets, MemoryLedger()),
            query.router(LakeQueries(schemas, datasets, lake)),
        ]

    with running_platform(directory, routers=routers) as platform:
        client = DryRunClient(platform, lake=lake)
        try:
            schema_id, dataset_id = client.events()
            client.keep(schema_id, dataset_id, [EVENT | {"_id": f"e{n}"} for n in range(3)])
            answer = client.call("GET", f"/data/foundation/catalog/dataSets/{dataset_id}")
            table_name = answer.json()[dataset_id]["tags"]["adobe/pqs/table"][0]
            yield Asking(platform, client, dataset_id, table_name)
        finally:
            client.http.close()
