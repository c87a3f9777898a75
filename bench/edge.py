"""
How many messages a second the edge acknowledges, beside what nginx answers without doing anything.

    python bench/edge.py [--seconds 5] [--connections 64] [--log none sqlite] [--workers 1]

Load comes from wrk on the same machine, so that the figures are ratios, not capacities. Each
figure is one JSON line on stdout: what was measured, requests and messages per second, errors.
`none` is a log that keeps nothing: the edge alone; `sqlite` is the log with its fsyncs.
"""

import argparse
import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import uvloop

from forebay.edge.application import EdgeApplication
from forebay.edge.collection import Collection, EdgeLimits, EdgePorts
from forebay.edge.ports import Caller, DatasetRef, Inlet
from forebay.edge.server import serve
from forebay.kernel import json
from forebay.kernel.clock import SystemClock
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
from forebay.log.ports import Done, LogWriter, wait_for
from forebay.log.sqlite import SqliteLogWriter

INLET = InletId("a" * 64)
ORG = OrgId("0123456789ABCDEF01234567@AdobeOrg")
DATASET = DatasetId("5e8f8c8b8c8b8c8b8c8b8c8b")
SCHEMA = SchemaId("https://ns.adobe.com/acme/schemas/0123456789abcdef0123456789abcdef01234567")
REFERENCE = {"id": SCHEMA, "contentType": "application/vnd.adobe.xed-full+json;version=1.0"}
BATCH = 100


class OneInlet:
    revision = 1
    inlet = Inlet(
        inlet_id=INLET,
        connection_id=ConnectionId("77a05521-91d6-451c-a055-2191d6851c34"),
        org_id=ORG,
        sandbox_id=SandboxId("d537df80-c5d7-11e9-aafb-87c71c35cac8"),
        sandbox_name="prod",
        source_name="bench",
        data_type="xdm",
        is_authentication_required=False,
    )

    def find_inlet(self, inlet_id: str) -> Inlet | None:
        return self.inlet if inlet_id == INLET else None

    def find_dataset(self, _inlet: Inlet, dataset_id: str) -> DatasetRef | None:
        if dataset_id != DATASET:
            return None
        return DatasetRef(dataset_id=DATASET, schema_id=SCHEMA)

    def has_schema(self, _inlet: Inlet, schema_id: str) -> bool:
        return schema_id == SCHEMA


class Nobody:
    def authenticate(self, _token: str) -> Caller | None:
        return None

    def validate(self, _inlet: Inlet, _schema_id: str, _entity: bytes) -> dict[str, Any] | None:
        return None


class NoLog:
    """A log that keeps nothing, at once."""

    partition = PartitionId(1)
    log_id = "none"

    def __init__(self) -> None:
        self._next = 0

    def submit(self, _payload: Sequence[bytes], done: Done) -> None:
        asyncio.get_running_loop().call_soon(done, Offset(self._next))
        self._next += 1

    async def append(self, payload: Sequence[bytes]) -> Offset:
        return await wait_for(self.submit, payload)

    def probe(self) -> str | None:
        return None

    async def drop_below(self, offset: Offset, *, older_than_ms: int) -> Offset:
        del older_than_ms
        return offset

    async def close(self) -> None:
        pass


def a_message(random: Random, index: int) -> dict[str, Any]:
    """An event of about 500 bytes in a message of about 950."""
    return {
        "header": {
            "schemaRef": REFERENCE,
            "imsOrgId": ORG,
            "datasetId": DATASET,
            "source": {"name": "bench"},
        },
        "body": {
            "xdmMeta": {"schemaRef": REFERENCE},
            "xdmEntity": {
                "_id": str(uuid.UUID(int=random.getrandbits(128))),
                "timestamp": "2026-01-02T03:04:05.678Z",
                "eventType": "commerce.productViews",
                "identityMap": {
                    "ECID": [
                        {
                            "id": str(random.getrandbits(126)),
                            "authenticatedState": "ambiguous",
                            "primary": True,
                        }
                    ]
                },
                "web": {
                    "webPageDetails": {
                        "name": "product",
                        "URL": f"https://shop.example.com/products/{index}",
                        "pageViews": {"value": 1},
                    }
                },
                "commerce": {"productViews": {"value": 1}},
                "productListItems": [
                    {"SKU": f"sku-{index}", "name": "Shoes", "quantity": 1, "priceTotal": 59.5}
                ],
            },
        },
    }


def serve_forever(port: int, log: str, data: Path, worker: int) -> None:
    async def run() -> None:
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        writer: LogWriter = (
            SqliteLogWriter.open(data, PartitionId(worker)) if log == "sqlite" else NoLog()
        )
        ports = EdgePorts(
            directory=OneInlet(),
            authenticator=Nobody(),
            validator=Nobody(),
            writer=writer,
            clock=SystemClock(),
            metrics_text=lambda: b"",
            unready_reason=writer.probe,
        )
        application = EdgeApplication(
            Collection(ports, EdgeLimits(validations_per_minute=0)), ports
        )
        await serve(application, host="127.0.0.1", port=port, stop=stop)

    uvloop.run(run())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def await_port(port: int) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


@contextmanager
def running(commands: list[list[str]], port: int) -> Iterator[list[int]]:
    processes = [subprocess.Popen(command) for command in commands]
    try:
        await_port(port)
        time.sleep(0.5 if len(processes) > 1 else 0)  # the others listen a moment later
        yield [process.pid for process in processes]
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(20)


def nginx(folder: Path, port: int) -> list[str]:
    config = folder / "nginx.conf"
    config.write_text(
        f"daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr crit;\n"
        "events { worker_connections 1024; }\n"
        f"http {{ access_log off; client_body_temp_path {folder}; keepalive_requests 100000000;\n"
        f"server {{ listen 127.0.0.1:{port}; location / {{ return 200 'ok'; }} }} }}\n"
    )
    found = shutil.which("nginx") or "/usr/sbin/nginx"
    return [found, "-p", str(folder), "-c", str(config)]


def cpu_seconds(pids: list[int]) -> float:
    """Return what processes have used of the CPU: steadier than a rate on a shared machine."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def load(
    url: str, body: bytes, folder: Path, options: argparse.Namespace, pids: list[int]
) -> dict[str, Any]:
    (folder / "body").write_bytes(body)
    script = folder / "post.lua"
    script.write_text(
        f'local f = io.open("{folder}/body", "rb")\n'
        'wrk.body = f:read("*a")\nf:close()\nwrk.method = "POST"\n'
        'wrk.headers["Content-Type"] = "application/json"\n'
        "done = function(summary, latency, requests)\n"
        "local e = summary.errors\n"
        'io.write(string.format("RESULT %d %d %d %d %d\\n", summary.requests, summary.duration,\n'
        "e.connect + e.read + e.write + e.status + e.timeout,\n"
        "latency:percentile(50), latency:percentile(99)))\nend\n"
    )
    command = ["wrk", "-t1", f"-c{options.connections}", f"-d{options.seconds}s"]
    used = cpu_seconds(pids)
    output = subprocess.run(
        [*command, "-s", str(script), url], check=True, capture_output=True, text=True
    ).stdout
    used = cpu_seconds(pids) - used
    line = next(line for line in output.splitlines() if line.startswith("RESULT"))
    requests, micros, errors, p50, p99 = map(int, line.split()[1:])
    return {
        "requests_per_s": round(requests * 1e6 / micros),
        "errors": errors,
        "p50_ms": p50 / 1000,
        "p99_ms": p99 / 1000,
        "cpu_us_per_request": round(used * 1e6 / max(requests, 1), 1),
    }


def measure(options: argparse.Namespace, folder: Path) -> None:
    random = Random(1)
    single = json.encode(a_message(random, 0))
    batch = json.encode({"messages": [a_message(random, i) for i in range(BATCH)]})
    port = free_port()
    with running([nginx(folder, port)], port) as pids:
        yardstick = load(f"http://127.0.0.1:{port}/", single, folder, options, pids)
    report("nginx return 200", single, yardstick, 1, yardstick)
    for log in options.log:
        port = free_port()
        data = folder / f"log-{log}"
        data.mkdir()
        command = [sys.executable, __file__, "--serve", log, "--port", str(port)]
        command += ["--data", str(data), "--worker"]
        workers = [[*command, str(number)] for number in range(1, options.workers + 1)]
        with running(workers, port) as pids:
            base = f"http://127.0.0.1:{port}/collection"
            figures = load(f"{base}/{INLET}", single, folder, options, pids)
            report(f"single, log {log}", single, figures, 1, yardstick)
            figures = load(f"{base}/batch/{INLET}", batch, folder, options, pids)
            report(f"batch of {BATCH}, log {log}", batch, figures, BATCH, yardstick)


def report(
    what: str, body: bytes, figures: dict[str, Any], messages: int, yardstick: dict[str, Any]
) -> None:
    ratio = figures["requests_per_s"] / yardstick["requests_per_s"]
    line = {
        "what": what,
        "body_bytes": len(body),
        **figures,
        "messages_per_s": figures["requests_per_s"] * messages,
        "of_nginx": round(ratio, 3),
    }
    print(json.encode(line).decode(), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--log", nargs="+", choices=("none", "sqlite"), default=["none", "sqlite"])
    parser.add_argument("--folder", type=Path, help="where the log lies; default: a temporary one")
    parser.add_argument("--serve", choices=("none", "sqlite"), help=argparse.SUPPRESS)
    parser.add_argument("--workers", type=int, default=1, help="processes that share the port")
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--worker", type=int, default=1, help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve_forever(options.port, options.serve, options.data, options.worker)
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        os.chmod(name, 0o755)  # noqa: PTH101  nginx's worker may be another user
        measure(options, Path(name))


if __name__ == "__main__":
    main()
