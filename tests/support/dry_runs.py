"""Dry runs on a real platform API: records tried against schemas and datasets."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from forebay.api import catalog, impact, schema_registry, validate
from forebay.app.dry_run import DryRun, Validators
from forebay.app.impact import Impact
from forebay.control.datasets.service import DatasetService
from forebay.control.schemas.proposal import Proposals
from forebay.control.schemas.service import SchemaService
from forebay.control.store.engine import ControlStore
from forebay.kernel import json
from forebay.kernel.clock import SystemClock
from forebay.lake.iceberg import IcebergTables
from forebay.lake.ledger_memory import MemoryLedger
from forebay.lake.ports import TableId, table_fields
from forebay.xdm.standard import StandardLibrary
from forebay.xdm.validator import Validator
from support.lake import rows_of
from support.platform import Platform, running_platform
from support.registry import (
    EVENT_EMAIL,
    RegistryClient,
    a_dataset,
    an_event_schema,
    an_identity,
)

VALIDATE = "/forebay/v1/validate"
IMPACT = "/forebay/v1/schemas/impact"
CONTENT_TYPE = "application/vnd.adobe.xed-full+json;version=1"


class DryRunClient(RegistryClient):
    """One organization's client that tries records and changes."""

    def __init__(
        self, platform: Platform, *of: Any, lake: Path | None = None, **headers: str
    ) -> None:
        super().__init__(platform, *of, **headers)
        self._lake = lake

    def events(self) -> tuple[str, str]:
        """Create the time-series walk-through's schema and a dataset; return both ids."""
        schema_id = str(self.create("schemas", an_event_schema())["$id"])
        identity = self.registry("POST", "/tenant/descriptors", an_identity(schema_id, EVENT_EMAIL))
        assert identity.status_code == 201, identity.text
        return schema_id, self.create_dataset(a_dataset(schema_id))

    def post(self, path: str, content: bytes, content_type: str) -> httpx2.Response:
        """Send bytes."""
        return self.http.post(path, content=content, headers={"Content-Type": content_type})

    def validate(self, body: Any, **query: str) -> dict[str, Any]:
        """Return the answer to a JSON body."""
        answer = self.http.post(
            VALIDATE,
            content=body if isinstance(body, bytes) else json.encode(body),
            params=query,
            headers={"Content-Type": "application/json"},
        )
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def validate_lines(self, lines: list[bytes], **query: str) -> dict[str, Any]:
        """Return the answer to NDJSON."""
        answer = self.http.post(
            VALIDATE,
            content=b"\n".join(lines),
            params=query,
            headers={"Content-Type": "application/x-ndjson"},
        )
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def impact(self, dataset_id: str, *changes: Any, **more: Any) -> dict[str, Any]:
        """Return what changes would do to the records of a dataset."""
        asked = {"datasetId": dataset_id, "changes": list(changes), **more}
        answer = self.call("POST", IMPACT, asked)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def keep(self, schema_id: str, dataset_id: str, records: list[Any]) -> None:
        """Put records into the lake, as if they had been streamed."""
        scope = self.platform.sandboxes.resolve(self.credentials.org_id)
        schemas = SchemaService(self.platform.store, SystemClock())
        fields = table_fields(Validator(schemas.validation_document(scope, schema_id)).fields)
        table = TableId(scope.sandbox_id, dataset_id)
        assert self._lake is not None
        tables = IcebergTables(self._lake)
        tables.ensure(table, fields)
        tables.append(table, tables.prepare(fields, rows_of(records)), {})
        tables.close()

    def message(self, schema_id: str, dataset_id: str, entity: Any, **header: Any) -> Any:
        """Return a whole streaming message."""
        reference = {"id": schema_id, "contentType": CONTENT_TYPE}
        return {
            "header": {
                "schemaRef": reference,
                "imsOrgId": self.credentials.org_id,
                "datasetId": dataset_id,
                **header,
            },
            "body": {"xdmMeta": {"schemaRef": reference}, "xdmEntity": entity},
        }


@contextmanager
def running_dry_runs(directory: Path) -> Iterator[DryRunClient]:
    """Serve registry, Catalog and dry runs until the end of the block."""
    lake = directory / "lake"

    def routers(store: ControlStore) -> list[Any]:
        clock, standard, validators = SystemClock(), StandardLibrary(), Validators()
        schemas = SchemaService(store, clock, standard=standard)
        datasets = DatasetService(store, clock, schemas)
        proposals = Proposals(store, clock, standard)
        impacts = Impact(schemas, datasets, proposals, validators, lake, clock)
        return [
            schema_registry.router(schemas),
            catalog.router(datasets, MemoryLedger()),
            validate.router(DryRun(schemas, datasets, validators)),
            impact.router(impacts),
        ]

    with running_platform(directory, routers=routers) as platform:
        client = DryRunClient(platform, lake=lake)
        try:
            yield client
        finally:
            client.http.close()
