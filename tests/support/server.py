"""A whole platform as its users start it: `forebay serve` as a process, spoken to over HTTP."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

import httpx2

from forebay.kernel import json

READY_SECONDS_MAX = 60.0
STREAMING_SPEC_ID = "bc7b00d6-623a-4dfc-9fdb-f1240aeadaeb"
CONTENT_TYPE = "application/vnd.adobe.xed-full+json;version=1"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """One installation; may be stopped, killed and started again on the same data and ports."""

    def __init__(self, data: Path, *, workers: int = 1, **environment: str) -> None:
        self.data = data
        self.platform_port = free_port()
        self.collection_port = free_port()
        self._workers = workers
        self._environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("FOREBAY_")},
            "FOREBAY_LAKE__FLUSH_SECONDS": "0.5",
            "FOREBAY_LOG__DISK_RESERVE_BYTES": "0",
            **environment,
        }
        self.output = data.with_name(f"{data.name}.log")
        self.process: subprocess.Popen[bytes] | None = None
        self.http = httpx2.Client(timeout=30)

    @property
    def platform_url(self) -> str:
        return f"http://127.0.0.1:{self.platform_port}"

    @property
    def collection_url(self) -> str:
        return f"http://127.0.0.1:{self.collection_port}"

    def start(self) -> Self:
        self.http.close()
        self.http = httpx2.Client(timeout=30)
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "forebay.cli", "serve"),
                    *("--data", str(self.data)),
                    *("--platform-port", str(self.platform_port)),
                    *("--collection-port", str(self.collection_port)),
                    *("--workers", str(self._workers)),
                ],
                stderr=output,
                stdout=output,
                env=self._environment,
                cwd=self.data.parent,
                start_new_session=True,
            )
        self.await_ready()
        return self

    def await_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS_MAX
        urls = [f"{base}/readyz" for base in (self.platform_url, self.collection_url)]
        while not all(self._is_ok(url) for url in urls) or not self._is_processing_ready():
            assert self.process is not None
            assert self.process.poll() is None, self.output.read_text()
            assert time.monotonic() < deadline, self.output.read_text()
            time.sleep(0.02)

    def _is_processing_ready(self) -> bool:
        return (self.data / "run" / "roles" / "processing.json").exists()

    def _is_ok(self, url: str) -> bool:
        try:
            return self.http.get(url).status_code == 200
        except httpx2.TransportError:
            return False

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)

    def kill(self) -> None:
        """SIGKILL to the whole process group at once."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.stop()
        self.http.close()

    def command(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run `forebay …` on this data directory."""
        finished = subprocess.run(
            [sys.executable, "-m", "forebay.cli", *arguments, "--data", str(self.data)],
            capture_output=True,
            text=True,
            env=self._environment | {"COLUMNS": "200"},
            cwd=self.data.parent,
            check=False,
        )
        assert not check or finished.returncode == 0, finished.stdout + finished.stderr
        return finished

    def query(self, sql: str) -> list[dict[str, Any]]:
        """Return the rows of `forebay query`."""
        rows: list[dict[str, Any]] = json.decode(
            self.command("query", sql, "--format", "json").stdout
        )
        return rows

    def credentials(self, *arguments: str) -> dict[str, str]:
        found: dict[str, str] = json.decode(
            self.command("credentials", "--format", "json", *arguments).stdout
        )
        return found

    def await_lake(self) -> None:
        """Return when everything that is durable now is in the lake."""
        deadline = time.monotonic() + READY_SECONDS_MAX
        while True:
            watermarks = self.http.get(f"{self.platform_url}/forebay/v1/watermarks").json()
            positions = watermarks["partitions"].values()
            if all(p["lake"] >= p["durable"] for p in positions):
                return
            assert time.monotonic() < deadline, watermarks
            time.sleep(0.05)


class Client:
    """One organization's client, with the headers that every platform call carries."""

    def __init__(self, server: Server, credentials: dict[str, str] | None = None) -> None:
        self.server = server
        self.members = credentials or server.credentials()
        self.org_id = self.members["org_id"]
        self.token = self.access_token()

    def access_token(self) -> str:
        answer = self.server.http.post(
            f"{self.members['ims_url']}/ims/token/v3",
            data={
                "grant_type": "client_credentials",
                "client_id": self.members["client_id"],
                "client_secret": self.members["client_secret"],
                "scope": self.members["scopes"],
            },
        )
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    @property
    def headers(self) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self.token}",
            "x-api-key": self.members["client_id"],
            "x-gw-ims-org-id": self.org_id,
            "x-sandbox-name": self.members["sandbox"],
        }

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> httpx2.Response:
        given = {k.replace("_", "-"): v for k, v in headers.items()}
        return self.server.http.request(
            method, f"{self.server.platform_url}{path}", json=body, headers=self.headers | given
        )

    def create_inlet(self, *, is_authenticated: bool = False, name: str = "Test") -> dict[str, Any]:
        """Create a streaming connection; return its item."""
        parameters: dict[str, Any] = {"sourceId": name, "dataType": "xdm", "name": name}
        if is_authenticated:
            parameters["authenticationRequired"] = True
        created = self.call(
            "POST",
            "/data/foundation/flowservice/connections",
            {
                "name": name,
                "providerId": "521eee4d-8cbe-4906-bb48-fb6bd4450033",
                "connectionSpec": {"id": STREAMING_SPEC_ID, "version": "1.0"},
                "auth": {"specName": "Streaming Connection", "params": parameters},
            },
        )
        assert created.status_code == 201, created.text
        found = self.call("GET", f"/data/foundation/flowservice/connections/{created.json()['id']}")
        item: dict[str, Any] = found.json()["items"][0]
        return item

    def create_dataset(
        self, name: str, components: list[str], identity: str | None
    ) -> tuple[str, str]:
        """Create schema, primary identity and dataset; return schema id and dataset id."""
        created = self.call(
            "POST",
            "/data/foundation/schemaregistry/tenant/schemas",
            {
                "type": "object",
                "title": name,
                "allOf": [{"$ref": f"https://ns.adobe.com/{c}"} for c in components],
                "meta:immutableTags": ["union"],
            },
        )
        assert created.status_code == 201, created.text
        schema_id = created.json()["$id"]
        if identity is not None:
            descriptor = self.call(
                "POST",
                "/data/foundation/schemaregistry/tenant/descriptors",
                {
                    "@type": "xdm:descriptorIdentity",
                    "xdm:sourceSchema": schema_id,
                    "xdm:sourceVersion": 1,
                    "xdm:sourceProperty": identity,
                    "xdm:namespace": "Email",
                    "xdm:property": "xdm:code",
                    "xdm:isPrimary": True,
                },
            )
            assert descriptor.status_code == 201, descriptor.text
        dataset = self.call(
            "POST",
            "/data/foundation/catalog/dataSets",
            {"name": name, "schemaRef": {"id": schema_id, "contentType": CONTENT_TYPE}},
        )
        assert dataset.status_code == 201, dataset.text
        return schema_id, dataset.json()[0].removeprefix("@/dataSets/")

    def message(self, schema_id: str, dataset_id: str, entity: Any) -> dict[str, Any]:
        reference = {"id": schema_id, "contentType": CONTENT_TYPE}
        return {
            "header": {
                "schemaRef": reference,
                "imsOrgId": self.org_id,
                "datasetId": dataset_id,
            },
            "body": {"xdmMeta": {"schemaRef": reference}, "xdmEntity": entity},
        }

    def people(self, name: str = "people") -> tuple[str, str]:
        """Create the record walk-through's dataset."""
        return self.create_dataset(name, PEOPLE, "/workEmail/address")

    def events(self, name: str = "events") -> tuple[str, str]:
        """Create the time-series walk-through's dataset."""
        return self.create_dataset(
            name, EVENTS, "/_experience/campaign/message/profileSnapshot/workEmail/address"
        )


PEOPLE = [
    "xdm/context/profile",
    "xdm/context/profile-person-details",
    "xdm/context/profile-work-details",
]
EVENTS = [
    "xdm/context/experienceevent",
    "xdm/context/experienceevent-environment-details",
    "xdm/context/experienceevent-commerce",
    "experience/campaign/experienceevent-profile-work-details",
]


def a_person(address: str = "ada@example.com", **changes: Any) -> dict[str, Any]:
    return {
        "person": {
            "name": {"firstName": "Ada", "lastName": "King"},
            "birthDate": "1985-12-10",
            "gender": "female",
        },
        "workEmail": {
            "primary": True,
            "address": address,
            "type": "work",
            "status": "active",
        },
    } | changes


def an_event(event_id: str = "evt-0001", **changes: Any) -> dict[str, Any]:
    return {
        "_id": event_id,
        "timestamp": "2024-02-23T22:07:01Z",
        "environment": {
            "browserDetails": {
                "userAgent": "UA/1.0",
                "acceptLanguage": "en-US",
                "cookiesEnabled": True,
                "javaScriptVersion": "1.6",
                "javaEnabled": True,
            },
            "colorDepth": 32,
            "viewportHeight": 799,
            "viewportWidth": 414,
        },
        "productListItems": [
            {"SKU": "CC", "name": "Sample item", "quantity": 30, "priceTotal": 7.8}
        ],
        "commerce": {"productViews": {"value": 1}},
        "_experience": {
            "campaign": {
                "message": {"profileSnapshot": {"workEmail": {"address": "ada@example.com"}}}
            }
        },
    } | changes
