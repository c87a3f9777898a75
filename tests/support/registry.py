"""Schema Registry and Catalog on a real platform API: sample bodies and a short-spoken client."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2

from forebay.api import catalog, catalog_batches, data_access, forebay_schemas, schema_registry
from forebay.control.access.model import NewCredentials
from forebay.control.datasets.service import DatasetService
from forebay.control.schemas.service import SchemaService
from forebay.control.store.engine import ControlStore
from forebay.kernel import json
from forebay.kernel.clock import SystemClock
from forebay.kernel.ids import new_hex
from forebay.lake.files import LakeFiles
from forebay.lake.ledger import SqliteLedger
from support.platform import Platform, running_platform

PUBLIC_URL = "https://platform.example"
"""What links of Data Access begin with."""

REGISTRY = "/data/foundation/schemaregistry"
CATALOG = "/data/foundation/catalog"
HOME = "https://ns.adobe.com/"
PROFILE = f"{HOME}xdm/context/profile"
EVENT = f"{HOME}xdm/context/experienceevent"
PERSON_DETAILS = f"{HOME}xdm/context/profile-person-details"
WORK_DETAILS = f"{HOME}xdm/context/profile-work-details"
EVENT_GROUPS = (
    f"{HOME}xdm/context/experienceevent-environment-details",
    f"{HOME}xdm/context/experienceevent-commerce",
    f"{HOME}experience/campaign/experienceevent-profile-work-details",
)
EVENT_EMAIL = "/_experience/campaign/message/profileSnapshot/workEmail/address"
LIST = "application/vnd.adobe.xed-id+json"
RAW = "application/vnd.adobe.xed+json; version=1"
FULL = "application/vnd.adobe.xed-full+json; version=1"


def a_title() -> str:
    """Return a title that nothing else has."""
    return f"Title {new_hex(12)}"


def a_schema(*parts: str, **members: object) -> dict[str, Any]:
    """Return a schema's body: the record walk-through's unless parts are named."""
    named = parts or (PROFILE, PERSON_DETAILS, WORK_DETAILS)
    return {"type": "object", "title": a_title(), "allOf": [{"$ref": p} for p in named], **members}


def an_event_schema(**members: object) -> dict[str, Any]:
    """Return the body of the time-series walk-through's schema."""
    return a_schema(EVENT, *EVENT_GROUPS, **members)


def a_field_group(
    fields: dict[str, Any], *, extends: tuple[str, ...] = (PROFILE,), **members: object
) -> dict[str, Any]:
    """Return a field group's body; its fields stand where they are put."""
    return {
        "type": "object",
        "title": a_title(),
        "meta:intendedToExtend": list(extends),
        "definitions": {"custom": {"properties": fields}},
        "allOf": [{"$ref": "#/definitions/custom"}],
        **members,
    }


def an_identity(
    schema_id: str, path: str = "/workEmail/address", **members: object
) -> dict[str, Any]:
    """Return a primary identity descriptor's body."""
    return {
        "@type": "xdm:descriptorIdentity",
        "xdm:sourceSchema": schema_id,
        "xdm:sourceVersion": 1,
        "xdm:sourceProperty": path,
        "xdm:namespace": "Email",
        "xdm:property": "xdm:code",
        "xdm:isPrimary": True,
        **members,
    }


def a_dataset(schema_id: str, **members: object) -> dict[str, Any]:
    """Return a dataset's body."""
    content_type = "application/vnd.adobe.xed-full+json;version=1"
    return {
        "name": a_title(),
        "schemaRef": {"id": schema_id, "contentType": content_type},
        **members,
    }


class RegistryClient:
    """One organization's client of Schema Registry and Catalog."""

    def __init__(
        self, platform: Platform, credentials: NewCredentials | None = None, **headers: str
    ) -> None:
        self.platform = platform
        self.credentials = credentials or platform.credentials
        self.http = httpx2.Client(
            base_url=platform.url, headers=platform.headers(credentials, **headers), timeout=60
        )

    @property
    def namespace(self) -> str:
        """The tenant's field."""
        return f"_{self.credentials.tenant_id}"

    def call(self, method: str, path: str, body: object = None, **headers: str) -> httpx2.Response:
        """Send a request; a body becomes JSON."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is None:
            return self.http.request(method, path, headers=named)
        return self.http.request(
            method,
            path,
            content=json.encode(body),
            headers={"Content-Type": "application/json", **named},
        )

    def registry(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> httpx2.Response:
        """Send a request to the registry."""
        return self.call(method, f"{REGISTRY}{path}", body, **headers)

    def catalog(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> httpx2.Response:
        """Send a request to Catalog."""
        return self.call(method, f"{CATALOG}{path}", body, **headers)

    def create(self, collection: str, body: dict[str, Any]) -> dict[str, Any]:
        """Create a registry resource."""
        answer = self.registry("POST", f"/tenant/{collection}", body)
        assert answer.status_code == 201, answer.text
        created: dict[str, Any] = answer.json()
        return created

    def lookup(
        self, resource_id: str, collection: str = "schemas", accept: str = FULL
    ) -> dict[str, Any]:
        """Return a tenant resource."""
        path = f"/tenant/{collection}/{quote(resource_id, safe='')}"
        answer = self.registry("GET", path, accept=accept)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def create_dataset(self, body: dict[str, Any]) -> str:
        """Create a dataset and return its id."""
        answer = self.catalog("POST", "/dataSets", body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()[0]).removeprefix("@/dataSets/")

    def dataset(self, dataset_id: str) -> dict[str, Any]:
        """Return a dataset."""
        answer = self.catalog("GET", f"/dataSets/{dataset_id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()[dataset_id]
        return found


@contextmanager
def running_registry(directory: Path) -> Iterator[RegistryClient]:
    """Serve the platform API with registry and Catalog until the end of the block."""
    lake = directory / "lake"
    ledger = SqliteLedger(lake)

    def routers(store: ControlStore) -> list[Any]:
        schemas = SchemaService(store, SystemClock())
        datasets = DatasetService(store, SystemClock(), schemas)
        return [
            schema_registry.router(schemas),
            catalog.router(datasets, ledger),
            catalog_batches.router(ledger, datasets),
            data_access.router(ledger, LakeFiles(lake), datasets, platform_url=PUBLIC_URL),
            forebay_schemas.router(schemas.versions),
        ]

    with running_platform(directory, routers=routers) as platform:
        client = RegistryClient(platform)
        try:
            yield client
        finally:
            client.http.close()
            ledger.close()
