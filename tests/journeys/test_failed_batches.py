"""The documentation's walk from a refused record to its reason, over Catalog and Data Access."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from forebay.kernel import json
from support.server import READY_SECONDS_MAX, Client, Server, an_event

CATALOG = "/data/foundation/catalog"


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Server]:
    started = Server(tmp_path / "data").start()
    yield started
    started.close()


def await_batches(client: Client, query: str, count: int) -> dict[str, Any]:
    """Return the batches that a query finds, as soon as there are so many of them."""
    deadline = time.monotonic() + READY_SECONDS_MAX
    while True:
        found: dict[str, Any] = client.call("GET", f"{CATALOG}/batches?{query}").json()
        if len(found) >= count:
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.05)


def test_a_month_of_zero_is_found_in_the_failed_file_of_its_batch(
    client: Client, server: Server
) -> None:
    inlet = client.create_inlet()["auth"]["params"]["inletUrl"]
    schema_id, dataset_id = client.events("month zero")
    wrong = client.message(
        schema_id, dataset_id, an_event("evt-0", timestamp="2018-00-23T22:07:01Z")
    )
    right = client.message(schema_id, dataset_id, an_event("evt-1"))

    receipts = [server.http.post(inlet, json=message).json() for message in (wrong, right)]

    failed = await_batches(client, f"dataSet={dataset_id}&status=failed", 1)
    good = await_batches(client, f"dataSet={dataset_id}&status=success", 1)
    (failed_id,), (good_id,) = failed, good
    assert failed[failed_id]["metrics"]["failedRecordCount"] == 1
    assert failed[failed_id]["errors"][0]["code"] == "DCVS-1105-400"
    listing = client.call("GET", f"/data/foundation/export/batches/{failed_id}/failed").json()
    marker, part = listing["data"]
    assert (marker["name"], marker["length"]) == ("_SUCCESS", "0")
    href = part["_links"]["self"]["href"]
    assert href.startswith(server.platform_url)
    content = client.call("GET", href.removeprefix(server.platform_url)).text
    assert len(content.encode()) == int(part["length"])
    (line,) = [json.decode(text) for text in content.splitlines()]
    assert line["header"]["xactionId"] == receipts[0]["xactionId"]
    assert line["body"]["xdmEntity"]["_id"] == "evt-0"
    (violation,) = line["_validationErrors"]
    assert violation["pointerToViolation"] == "#/timestamp"
    assert violation["keyword"] == "format"
    assert "[2018-00-23T22:07:01Z] is not a valid date-time" in violation["message"]
    assert line["_errors"] == {"_streamingValidation": [violation]}
    dataset = client.call("GET", f"{CATALOG}/dataSets/{dataset_id}").json()[dataset_id]
    assert dataset["lastFailedBatch"] == failed_id
    assert dataset["lastSuccessfulBatch"] == good_id
    preview = client.call("GET", f"/data/foundation/export/datasets/{dataset_id}/preview").json()
    assert [row["_id"] for row in preview["data"]] == ["evt-1"]


def test_batches_are_there_after_the_ledger_was_lost(own: Server) -> None:
    client = Client(own)
    inlet = client.create_inlet()["auth"]["params"]["inletUrl"]
    schema_id, dataset_id = client.events("lost ledger")
    own.http.post(inlet, json=client.message(schema_id, dataset_id, an_event("evt-2")))
    before = await_batches(client, f"dataSet={dataset_id}", 1)

    own.stop()
    (own.data / "lake" / "batches.db").unlink()
    own.start()

    assert await_batches(client, f"dataSet={dataset_id}", 1) == before
