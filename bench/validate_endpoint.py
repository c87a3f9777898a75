"""
What the dry run costs over HTTP: ``python bench/validate_endpoint.py``.

Starts a server, sends 700-byte events to ``/forebay/v1/validate`` in bodies of 20,000 lines, one
request after the other, and asks ``/livez`` beside it: the platform has to stay responsive. Then
20,000 stored records are read back for an impact report. Prints one line for each.
"""

import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from statistics import quantiles

import httpx2

from forebay.kernel import json

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
from support.server import Client, Server, an_event

RECORDS = 20_000
REPEAT = 5


def rate(work: Callable[[], object]) -> float:
    work()
    began = time.perf_counter()
    for _ in range(REPEAT):
        work()
    return REPEAT * RECORDS / (time.perf_counter() - began)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "data").start()
        try:
            measure(server, Client(server))
        finally:
            server.close()


def measure(server: Server, client: Client) -> None:
    schema_id, dataset_id = client.events("bench")
    good = [json.encode(an_event(f"evt-{n}", **MORE)) for n in range(RECORDS)]
    some = [line if n % 50 else line.replace(b'"UA/1.0"', b"7") for n, line in enumerate(good)]
    bad = [line.replace(b'"UA/1.0"', b"7") for line in good]
    whole = [json.encode(client.message(schema_id, dataset_id, an_event(**MORE)))] * RECORDS

    def sent(lines: list[bytes]) -> Callable[[], object]:
        halves = [b"\n".join(lines[: RECORDS // 2]), b"\n".join(lines[RECORDS // 2 :])]

        def send() -> None:
            for body in halves:
                answer = server.http.post(
                    f"{server.platform_url}/forebay/v1/validate?datasetId={dataset_id}&limit=0",
                    content=body,
                    headers=client.headers | {"content-type": "application/x-ndjson"},
                )
                assert answer.status_code == 200, answer.text

        return send

    print(f"bytes of a record {len(good[0])}")
    waits, stop = beside(server)
    for name, lines in (
        ("valid records", good),
        ("valid whole messages", whole),
        ("one of fifty invalid", some),
        ("all invalid", bad),
    ):
        print(f"{name:<24} {rate(sent(lines)):>9,.0f} records/s")
    stop()
    cut = quantiles(waits, n=100)
    print(f"livez beside it          p50 {cut[49] * 1e3:.1f} ms, p99 {cut[98] * 1e3:.1f} ms")

    server.command("send", "--dataset", "bench", "--samples", str(RECORDS))
    server.await_lake()
    for name, changes in (
        ("impact, none fails", []),
        (
            "impact, most fail",
            [{"id": schema_id, "patch": [{"op": "remove", "path": "/allOf/1"}]}],
        ),
    ):
        began = time.perf_counter()
        asked = {"datasetId": dataset_id, "changes": changes}
        answer = client.call("POST", "/forebay/v1/schemas/impact", asked)
        assert answer.json()["rows"]["read"] == RECORDS, answer.text
        print(f"{name:<24} {RECORDS / (time.perf_counter() - began):>9,.0f} records/s")


def beside(server: Server) -> tuple[list[float], Callable[[], None]]:
    """Ask for /livez all the time; return the waits, and what ends it."""
    waits: list[float] = []
    stopped = threading.Event()

    def ask() -> None:
        with httpx2.Client() as http:
            while not stopped.wait(0.005):
                began = time.perf_counter()
                http.get(f"{server.platform_url}/livez")
                waits.append(time.perf_counter() - began)

    thread = threading.Thread(target=ask)
    thread.start()

    def stop() -> None:
        stopped.set()
        thread.join()

    return waits, stop


MORE = {
    "eventType": "commerce.productViews",
    "identityMap": {"ECID": [{"id": "38400000-8cf0-11bd-b23e-10b96e40000d", "primary": False}]},
}

if __name__ == "__main__":
    main()
