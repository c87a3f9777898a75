from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from forebay.xdm.samples import sample
from support.dry_runs import IMPACT, DryRunClient, running_dry_runs
from support.xdm import EVENT, EVENT_IDENTITY, EVENT_SCHEMA, a_document

REQUIRED = [{"op": "add", "path": "/required", "value": ["environment"]}]


class Stored(NamedTuple):
    """A dataset with 100 events, of which 40 have an environment."""

    client: DryRunClient
    schema_id: str
    dataset_id: str


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DryRunClient]:
    with running_dry_runs(tmp_path_factory.mktemp("data")) as client:
        yield client


@pytest.fixture(scope="module")
def stored(client: DryRunClient) -> Stored:
    schema_id, dataset_id = client.events()
    bare = {name: value for name, value in EVENT.items() if name != "environment"}
    for part in range(4):
        events = [(EVENT if n < 10 else bare) | {"_id": f"{part}-{n}"} for n in range(25)]
        client.keep(schema_id, dataset_id, events)
    return Stored(client, schema_id, dataset_id)


def test_an_unchanged_schema_fails_no_record(client: DryRunClient) -> None:
    schema_id, dataset_id = client.events()
    document = a_document(EVENT_SCHEMA, EVENT_IDENTITY)
    client.keep(schema_id, dataset_id, [sample(document, seed=seed) for seed in range(500)])

    report = client.impact(dataset_id)

    assert report["rows"] == {"total": 500, "start": 0, "read": 500, "next": None}
    assert (report["isChanged"], report["failing"], report["summary"]) == (False, 0, [])


def test_records_that_would_fail_are_counted_with_an_example(stored: Stored) -> None:
    report = stored.client.impact(stored.dataset_id, {"id": stored.schema_id, "patch": REQUIRED})

    (kind,) = report["summary"]
    assert (report["failing"], report["failingToday"], report["violations"]) == (60, 0, 60)
    assert (kind["records"], kind["message"]) == (60, "required key [environment] not found")
    assert kind["first"]["id"].split("-")[1] == "10"
    assert kind["first"]["xactionId"].endswith(":10")
    assert report["refused"][0]["code"] == "REG-4003"
    assert report["refused"][0]["isTried"]
    assert report["proposedVersion"] == "1.1"


def test_a_change_that_the_registry_allows_may_still_fail_records(stored: Stored) -> None:
    client, namespace = stored.client, stored.client.namespace
    own = {"type": "object", "required": ["tier"], "properties": {"tier": {"type": "string"}}}
    group = {
        "type": "object",
        "title": "Tiers",
        "meta:intendedToExtend": [],
        "definitions": {"c": {"properties": {namespace: own}}},
        "allOf": [{"$ref": "#/definitions/c"}],
    }
    added = [{"op": "add", "path": "/allOf/-", "value": {"$ref": "tiers"}}]

    report = client.impact(
        stored.dataset_id,
        {"type": "fieldgroups", "id": "tiers", "body": group},
        {"id": stored.schema_id, "patch": added},
    )

    assert (report["refused"], report["failing"]) == ([], 100)
    assert report["summary"][0]["right"] == f"{namespace}: an object with tier"


def test_a_table_can_be_read_in_parts(stored: Stored) -> None:
    change = {"id": stored.schema_id, "patch": REQUIRED}
    parts: list[dict[str, Any]] = []
    start: int | None = 0
    more: dict[str, Any] = {}
    while start is not None:
        parts.append(stored.client.impact(stored.dataset_id, change, start=start, limit=30, **more))
        start, more = parts[-1]["rows"]["next"], {"snapshotId": parts[-1]["snapshotId"]}

    assert [part["rows"]["read"] for part in parts] == [30, 30, 30, 10]
    assert sum(part["failing"] for part in parts) == 60


def test_a_part_of_nothing_reads_nothing(stored: Stored) -> None:
    report = stored.client.impact(stored.dataset_id, limit=0)

    assert report["rows"] == {"total": 100, "start": 0, "read": 0, "next": 0}


def test_what_cannot_be_tried_reads_no_record(stored: Stored) -> None:
    nowhere = [{"op": "remove", "path": "/nowhere"}]

    report = stored.client.impact(stored.dataset_id, {"id": stored.schema_id, "patch": nowhere})

    assert [each["isTried"] for each in report["refused"]] == [False]
    assert (report["rows"], report["failing"]) == (None, None)


def test_nothing_is_changed_by_asking(stored: Stored) -> None:
    before = stored.client.lookup(stored.schema_id)

    stored.client.impact(stored.dataset_id, {"id": stored.schema_id, "patch": REQUIRED})

    assert stored.client.lookup(stored.schema_id) == before
    assert stored.client.dataset(stored.dataset_id)["name"]


def test_a_dataset_without_records_fails_none(client: DryRunClient) -> None:
    schema_id, dataset_id = client.events()

    report = client.impact(dataset_id, {"id": schema_id, "patch": REQUIRED})

    assert (report["snapshotId"], report["failing"]) == (None, 0)
    assert report["rows"] == {"total": 0, "start": 0, "read": 0, "next": None}


def test_a_snapshot_that_is_not_there_is_not_found(stored: Stored) -> None:
    asked = {"datasetId": stored.dataset_id, "changes": [], "snapshotId": "7"}

    answer = stored.client.call("POST", IMPACT, asked)

    assert (answer.status_code, answer.json()["type"][-13:]) == (404, "LAKE-1404-404")
