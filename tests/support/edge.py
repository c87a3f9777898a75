"""An edge on a real port, with everything around it in memory."""

import asyncio
import socket
import threading
from collections.abc import Callable, Sequence
from typing import Any, Self

import httpx2
import uvloop

from forebay.edge.application import EdgeApplication
from forebay.edge.collection import Collection, EdgeLimits, EdgePorts
from forebay.edge.ports import Caller, DatasetRef, Inlet
from forebay.edge.server import serve
from forebay.kernel import json
from forebay.kernel.clock import Clock, SystemClock
from forebay.kernel.ids import (
    ConnectionId,
    DatasetId,
    InletId,
    Offset,
    OrgId,
    PartitionId,
    SandboxId,
    SchemaId,
)
from forebay.kernel.tasks import spawn
from forebay.log.entry import Head, unpack
from forebay.log.ports import Done, LogClosed, wait_for

ORG = OrgId("0123456789ABCDEF01234567@AdobeOrg")
OTHER_ORG = OrgId("76543210FEDCBA9876543210@AdobeOrg")
OPEN, LOCKED, RAW = (InletId(c * 64) for c in "abc")
DATASET = DatasetId("5e8f8c8b8c8b8c8b8c8b8c8b")
OTHER_DATASET = DatasetId("6e8f8c8b8c8b8c8b8c8b8c8b")
SCHEMA = SchemaId("https://ns.adobe.com/acme/schemas/0123456789abcdef")
OTHER_SCHEMA = SchemaId("https://ns.adobe.com/acme/schemas/fedcba9876543210")
CONTENT_TYPE = "application/vnd.adobe.xed-full+json;version=1.0"
TOKEN, FOREIGN_TOKEN = "good-token", "foreign-token"
PREFIX = f"inletId: [{OPEN}] imsOrgId: [{ORG}] "


def an_inlet(inlet_id: InletId, **changes: Any) -> Inlet:
    members: dict[str, Any] = {
        "inlet_id": inlet_id,
        "connection_id": ConnectionId("77a05521-91d6-451c-a055-2191d6851c34"),
        "org_id": ORG,
        "sandbox_id": SandboxId("d537df80-c5d7-11e9-aafb-87c71c35cac8"),
        "sandbox_name": "prod",
        "source_name": "Sample source",
        "data_type": "xdm",
        "is_authentication_required": False,
    }
    return Inlet(**members | changes)


class StaticDirectory:
    def __init__(self) -> None:
        self.revision = 1
        self.inlets = {
            OPEN: an_inlet(OPEN),
            LOCKED: an_inlet(LOCKED, is_authentication_required=True),
            RAW: an_inlet(RAW, data_type="raw"),
        }
        self.datasets = {DATASET: SCHEMA, OTHER_DATASET: OTHER_SCHEMA}

    def find_inlet(self, inlet_id: str) -> Inlet | None:
        return self.inlets.get(InletId(inlet_id))

    def find_dataset(self, _inlet: Inlet, dataset_id: str) -> DatasetRef | None:
        schema_id = self.datasets.get(DatasetId(dataset_id))
        if schema_id is None:
            return None
        return DatasetRef(dataset_id=DatasetId(dataset_id), schema_id=schema_id)

    def has_schema(self, _inlet: Inlet, schema_id: str) -> bool:
        return schema_id in {SCHEMA, OTHER_SCHEMA}


class FixedAuthenticator:
    def authenticate(self, token: str) -> Caller | None:
        callers = {TOKEN: ORG, FOREIGN_TOKEN: OTHER_ORG}
        org_id = callers.get(token)
        return Caller(org_id=org_id, client_id="client") if org_id else None


VIOLATION = {
    "schemaLocation": "#",
    "pointerToViolation": "#",
    "causingExceptions": [],
    "keyword": "required",
    "message": "required key [_id] not found",
}


class NeedsAnId:
    """A validator with one rule: an entity has an _id."""

    def validate(self, _inlet: Inlet, _schema_id: str, entity: bytes) -> dict[str, Any] | None:
        value = json.decode(entity)
        return None if isinstance(value, dict) and "_id" in value else VIOLATION


class KeptLog:
    """A log writer that keeps what it is given, and fails when told to."""

    def __init__(self) -> None:
        self.partition = PartitionId(7)
        self.log_id = "11111111-1111-4111-8111-111111111111"
        self.payloads: list[bytes] = []
        self.failure: Exception | None = None
        self.gate: asyncio.Event | None = None
        self.is_closed = False

    async def append(self, payload: Sequence[bytes]) -> Offset:
        return await wait_for(self.submit, payload)

    def submit(self, payload: Sequence[bytes], done: Done) -> None:
        if self.is_closed:
            raise LogClosed("closed")
        if self.failure is not None:
            raise self.failure
        self.payloads.append(b"".join(payload))
        offset = Offset(len(self.payloads) - 1)
        if self.gate is None:
            asyncio.get_running_loop().call_soon(done, offset)
        else:
            spawn(self._answer_later(self.gate, done, offset), name="log")

    async def _answer_later(self, gate: asyncio.Event, done: Done, offset: Offset) -> None:
        await gate.wait()
        done(offset)

    def probe(self) -> str | None:
        return None

    async def drop_below(self, _offset: Offset, *, older_than_ms: int) -> Offset:
        return Offset(older_than_ms * 0)

    async def close(self) -> None:
        self.is_closed = True

    def entries(self) -> list[tuple[Head, bytes]]:
        return [(head, bytes(body)) for head, body in map(unpack, self.payloads)]


class Edge:
    """A running edge; its port answers between `start` and `stop`."""

    def __init__(
        self,
        *,
        validations_per_minute: int = 0,
        body_seconds_max: float = 10.0,
        clock: Clock | None = None,
    ) -> None:
        self.directory = StaticDirectory()
        self.log = KeptLog()
        self.unready: str | None = None
        self.port = free_port()
        self.http = httpx2.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=20)
        ports = EdgePorts(
            directory=self.directory,
            authenticator=FixedAuthenticator(),
            validator=NeedsAnId(),
            writer=self.log,
            clock=clock or SystemClock(),
            metrics_text=lambda: b"forebay_up 1\n",
            unready_reason=lambda: self.unready,
        )
        limits = EdgeLimits(
            validations_per_minute=validations_per_minute, body_seconds_max=body_seconds_max
        )
        self.application = EdgeApplication(Collection(ports, limits), ports)
        self._listening = threading.Event()
        self._thread = threading.Thread(target=lambda: uvloop.run(self._run()))
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        await serve(
            self.application,
            host="127.0.0.1",
            port=self.port,
            stop=self._stop,
            on_listening=self._listening.set,
        )

    def start(self) -> Self:
        self._thread.start()
        assert self._listening.wait(10)
        return self

    def call(self, action: Callable[[], Any]) -> None:
        """Do something on the server's loop."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(action)

    def begin_stop(self) -> None:
        assert self._stop is not None
        self.call(self._stop.set)

    def join(self) -> None:
        self.http.close()
        self._thread.join(20)
        assert not self._thread.is_alive()

    def stop(self) -> None:
        self.begin_stop()
        self.join()

    def post(self, path: str, body: Any, **options: Any) -> httpx2.Response:
        content = body if isinstance(body, bytes) else json.encode(body)
        headers = {"content-type": "application/json"} | options.pop("headers", {})
        return self.http.post(path, content=content, headers=headers, **options)

    def raw(self, data: bytes, *, is_ended: bool = False, seconds_max: float = 20) -> bytes:
        """Send bytes as they are; return everything that comes until the server closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds_max) as client:
            client.sendall(data)
            if is_ended:
                client.shutdown(socket.SHUT_WR)
            answer = b""
            while chunk := client.recv(65_536):
                answer += chunk
            return answer


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def a_reference(schema_id: str = SCHEMA) -> dict[str, str]:
    return {"id": schema_id, "contentType": CONTENT_TYPE}


def a_header(**changes: Any) -> dict[str, Any]:
    header: dict[str, Any] = {
        "schemaRef": a_reference(),
        "imsOrgId": ORG,
        "datasetId": DATASET,
        "source": {"name": "Sample"},
    }
    return without_none(header | changes)


def a_message(*, entity: Any = None, meta: Any = None, **header: Any) -> dict[str, Any]:
    return {
        "header": a_header(**header),
        "body": {
            "xdmMeta": meta or {"schemaRef": a_reference()},
            "xdmEntity": {"_id": "e1", "n": 1} if entity is None else entity,
        },
    }


def without_none(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
