from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from forebay.kernel import json
from forebay.kernel.limits import (
    REQUEST_BYTES_MAX,
    VALIDATE_BODY_BYTES_MAX,
    VALIDATE_RECORDS_MAX,
)
from support.dry_runs import VALIDATE, DryRunClient, running_dry_runs
from support.xdm import EVENT


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DryRunClient]:
    with running_dry_runs(tmp_path_factory.mktemp("data")) as client:
        yield client


@pytest.fixture(scope="module")
def schema_id(client: DryRunClient) -> str:
    return client.events()[0]


def broken_event() -> dict[str, Any]:
    """Return an event that breaks seven rules, two more than Adobe's paths tell of."""
    event = deepcopy(EVENT)
    del event["_id"]
    event["timestamp"] = "yesterday"
    event["comerce"] = {}
    event["environment"]["colorDepth"] = "32"
    event["environment"]["type"] = "tube"
    event["productListItems"][0]["quantity"] = None
    event["productListItems"][0]["priceTotal"] = "7.80"
    return event


def test_a_valid_record_has_nothing_wrong(client: DryRunClient, schema_id: str) -> None:
    answer = client.validate({"schemaId": schema_id, "record": EVENT})

    assert answer == {
        "schemaId": schema_id,
        "schemaVersion": "1.0",
        "datasetId": None,
        "records": 1,
        "valid": 1,
        "invalid": 0,
        "violations": 0,
        "summary": [],
        "summaryLeftOut": 0,
        "results": [],
        "resultsLeftOut": 0,
    }


def test_all_violations_of_a_record_are_told(client: DryRunClient, schema_id: str) -> None:
    answer = client.validate({"schemaId": schema_id, "record": broken_event()})

    (result,) = answer["results"]
    found = {(each["path"], each["keyword"], each["value"]) for each in result["violations"]}
    assert (result["index"], result["valid"], result["violationCount"]) == (0, False, 7)
    assert found == {
        ("", "required", None),
        ("", "additionalProperties", "{}"),
        ("timestamp", "format", '"yesterday"'),
        ("environment.type", "enum", '"tube"'),
        ("environment.colorDepth", "type", '"32"'),
        ("productListItems[0].quantity", "type", "null"),
        ("productListItems[0].priceTotal", "type", '"7.80"'),
    }
    assert result["report"]["message"] == "7 schema violations found"
    assert len(answer["summary"]) == 7


def test_every_violation_says_what_would_be_right(client: DryRunClient, schema_id: str) -> None:
    answer = client.validate({"schemaId": schema_id, "record": broken_event()})

    right = {each["path"]: each["right"] for each in answer["results"][0]["violations"][1:]}
    assert right == {
        "": "did you mean commerce?",
        "timestamp": "a time with its offset from UTC, like 2026-01-31T12:30:00Z",
        "environment.type": "one of browser, application, iot, external, widget",
        "environment.colorDepth": "an integer, at least 0 and at most 2147483647",
        "productListItems[0].quantity": (
            "leave the member out, or write an integer, at least -2147483648 and at most 2147483647"
        ),
        "productListItems[0].priceTotal": "a number",
    }


def test_lines_are_counted_and_summed_up(client: DryRunClient, schema_id: str) -> None:
    late = [EVENT | {"timestamp": f"day {number}"} for number in range(3)]
    lines = [json.encode(EVENT), b"", *map(json.encode, late), b"  ", b'{"_id"', b""]

    answer = client.validate_lines(lines, schemaId=schema_id)

    assert (answer["records"], answer["valid"], answer["invalid"]) == (5, 1, 4)
    assert [each["line"] for each in answer["results"]] == [3, 4, 5, 7]
    assert [each["index"] for each in answer["results"]] == [1, 2, 3, 4]
    wrong_times, no_json = answer["summary"]
    assert (wrong_times["path"], wrong_times["records"]) == ("timestamp", 3)
    assert wrong_times["first"]["line"] == 3
    assert wrong_times["first"]["value"] == '"day 0"'
    assert no_json["keyword"] is None
    assert no_json["message"].startswith("the record is not valid JSON")


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (b'{"_id":"a","_id":"b"}', "duplicate key [_id]"),
        (b'{"_id":"a","timestamp":NaN}', "not valid JSON"),
        (b'{"environment":{"colorDepth":%d}}' % 2**64, f"{2**64} is not less or equal to"),
        (b'{"environment":{"colorDepth":32.0}}', "expected type: Integer, found: BigDecimal"),
        (b"[" * 100 + b"]" * 100, "nested more than 64 levels deep"),
        (b'{"_id":"\xff"}', "not valid JSON"),
        (b"7", "expected type: JSONObject, found: Long"),
        (b"null", "expected type: JSONObject, found: Null"),
    ],
)
def test_records_are_judged_by_their_bytes(
    client: DryRunClient, schema_id: str, written: bytes, told: str
) -> None:
    in_lines = client.validate_lines([written], schemaId=schema_id)

    messages = [each["message"] for each in in_lines["results"][0]["violations"]]
    assert any(told in message for message in messages), messages


def test_a_record_in_a_json_body_is_judged_by_its_bytes(
    client: DryRunClient, schema_id: str
) -> None:
    body = b'{"schemaId":%b,"records":[{"_id":"a","_id":"b"}, {"_id" : 1e400}]}'

    answer = client.validate(body % json.encode(schema_id))

    first, second = answer["results"]
    assert first["violations"][0]["message"] == "duplicate key [_id]"
    assert second["violations"][0]["message"].startswith("the record is not valid JSON")


def test_whole_messages_are_judged_as_an_inlet_and_the_lake_would(client: DryRunClient) -> None:
    schema_id, dataset_id = client.events()
    good = client.message(schema_id, dataset_id, EVENT)
    bad_record = client.message(schema_id, dataset_id, EVENT | {"timestamp": 1})
    elsewhere = client.message(schema_id, "5" * 24, EVENT)
    of_others = client.message(schema_id, dataset_id, EVENT, imsOrgId="B" * 24 + "@AdobeOrg")
    of_nothing = {"body": {"xdmEntity": EVENT}}

    answer = client.validate(
        {"datasetId": dataset_id, "records": [good, bad_record, elsewhere, of_others, of_nothing]},
        results="all",
    )

    results = answer["results"]
    assert [each["valid"] for each in results] == [True, False, False, False, False]
    assert all(each["isMessage"] for each in results)
    assert results[1]["violations"][0]["path"] == "timestamp"
    messages = [each["violations"][0]["message"] for each in results[2:]]
    assert messages[0] == f"header.datasetId is {'5' * 24}; this is tried against {dataset_id}"
    assert messages[1].startswith("Message has an absent or wrong ims org in the header")
    assert messages[2].startswith("The 'header' field is mandatory")


def test_a_message_with_a_wrong_header_and_a_wrong_record_says_both(client: DryRunClient) -> None:
    schema_id, dataset_id = client.events()
    message = client.message(schema_id, dataset_id, EVENT | {"timestamp": 1}, flowId="mine")

    answer = client.validate({"schemaId": schema_id, "record": message})

    told = [each["message"] for each in answer["results"][0]["violations"]]
    assert told[0].startswith("Message has an invalid flow id")
    assert told[1] == "expected type: String, found: Long"


def test_a_record_that_no_request_can_hold_is_invalid(client: DryRunClient, schema_id: str) -> None:
    record = json.encode(EVENT | {"_id": "a" * REQUEST_BYTES_MAX})

    answer = client.validate_lines([record], schemaId=schema_id)

    assert "at most 1048576" in answer["summary"][0]["first"]["message"]


def test_only_some_results_are_written_out_and_all_are_counted(
    client: DryRunClient, schema_id: str
) -> None:
    lines = [b"{}"] * 150

    by_default = client.validate_lines(lines, schemaId=schema_id)
    few = client.validate_lines([*lines, json.encode(EVENT)], schemaId=schema_id, limit="2")
    every = client.validate_lines([json.encode(EVENT)] * 3, schemaId=schema_id, results="all")

    assert (len(by_default["results"]), by_default["resultsLeftOut"]) == (100, 50)
    assert (len(few["results"]), few["resultsLeftOut"], few["invalid"]) == (2, 148, 150)
    assert [each["valid"] for each in every["results"]] == [True, True, True]


def test_a_record_with_very_many_violations_is_answered_in_part(
    client: DryRunClient, schema_id: str
) -> None:
    record = {f"key {number}": 1 for number in range(20_000)}

    answer = client.validate({"schemaId": schema_id, "record": record})

    (result,) = answer["results"]
    assert result["violationCount"] == answer["violations"] == 20_003
    assert len(result["violations"]) == 1_000
    assert len(answer["summary"]) == 200
    assert answer["summaryLeftOut"] == 20_003 - 200


def test_schemas_are_named_by_either_id(client: DryRunClient, schema_id: str) -> None:
    alt_id = client.lookup(schema_id)["meta:altId"]

    answer = client.validate({"schemaId": alt_id, "record": EVENT})

    assert answer["schemaId"] == schema_id


def test_a_change_of_the_schema_is_in_force_at_once(client: DryRunClient) -> None:
    schema_id, dataset_id = client.events()
    before = client.validate({"datasetId": dataset_id, "record": EVENT | {"person": {}}})
    added = [{"$ref": "https://ns.adobe.com/xdm/context/profile-person-details"}]
    group = client.create(
        "fieldgroups",
        {
            "type": "object",
            "title": f"Group of {schema_id}",
            "meta:intendedToExtend": [],
            "definitions": {
                "c": {
                    "properties": {
                        client.namespace: {
                            "type": "object",
                            "properties": {"points": {"type": "integer"}},
                        }
                    }
                }
            },
            "allOf": [{"$ref": "#/definitions/c"}],
        },
    )
    added[0]["$ref"] = group["$id"]
    changed = client.registry(
        "PATCH",
        f"/tenant/schemas/{client.lookup(schema_id)['meta:altId']}",
        [{"op": "add", "path": "/allOf/-", "value": added[0]}],
    )
    assert changed.status_code == 200, changed.text

    after = client.validate(
        {"datasetId": dataset_id, "record": EVENT | {client.namespace: {"points": 1}}}
    )

    assert (before["invalid"], after["invalid"]) == (1, 0)
    assert (before["schemaVersion"], after["schemaVersion"]) == ("1.0", "1.1")


def test_schemas_and_datasets_of_others_are_not_found(client: DryRunClient, schema_id: str) -> None:
    _, dataset_id = client.events()
    rival = DryRunClient(client.platform, client.platform.access.create_organization("Rival"))
    elsewhere = DryRunClient(client.platform, x_sandbox_name="dev")

    with rival.http, elsewhere.http:
        schema = rival.call("POST", VALIDATE, {"schemaId": schema_id, "record": {}})
        dataset = rival.call("POST", VALIDATE, {"datasetId": dataset_id, "record": {}})
        sandbox = elsewhere.call("POST", VALIDATE, {"schemaId": schema_id, "record": {}})

    assert [schema.status_code, dataset.status_code, sandbox.status_code] == [404, 404, 404]
    assert schema.json()["type"].endswith("XDM-1012-404")
    assert dataset.json()["type"].endswith("CAT-1404-404")


@pytest.mark.parametrize(
    ("body", "query", "told"),
    [
        (b"", "", "record"),
        (b"[]", "", "Expected `object`"),
        (b'{"record":{}}', "", "Name what the records are tried against"),
        (b'{"schemaId":"a"}', "", "exactly one of the two"),
        (b'{"schemaId":"a","record":{},"records":[]}', "", "exactly one of the two"),
        (b'{"schemaId":"a","record":{},"extra":1}', "", "extra"),
        (b'{"schemaId":"a","record":{', "", "The body is not what is expected"),
        (b'{"schemaId":7,"record":{}}', "", "schemaId"),
        (b'{"schemaId":"a","record":{}}', "?results=some", "expected invalid or all"),
        (b'{"schemaId":"a","record":{}}', "?limit=-1", "expected a number from 0 to 10000"),
        (b'{"schemaId":"a","record":{}}', "?limit=10001", "expected a number from 0 to 10000"),
        (b'{"schemaId":"a","record":{}}', "?schema=a", "'schema' is unknown"),
        (b"[" * 200_000, "", "The body is not what is expected"),
    ],
)
def test_what_cannot_be_understood_is_refused(
    client: DryRunClient, body: bytes, query: str, told: str
) -> None:
    answer = client.post(f"{VALIDATE}{query}", body, "application/json")

    assert answer.status_code == 400
    assert answer.json()["type"].endswith("DRYRUN-1400-400")
    assert told in answer.json()["detail"]


def test_other_content_types_are_refused_at_the_gate(client: DryRunClient) -> None:
    answer = client.post(VALIDATE, b"a,b", "text/csv")

    assert answer.status_code == 400
    assert answer.json()["detail"] == "A valid content-type must be specified"


def test_bodies_have_a_limit_of_their_own(client: DryRunClient, schema_id: str) -> None:
    path, kind = f"{VALIDATE}?schemaId={schema_id}&limit=0", "application/x-ndjson"
    line = json.encode(EVENT | {"_id": "a" * 100_000}) + b"\n"
    fits = line * (VALIDATE_BODY_BYTES_MAX // len(line))

    largest = client.post(path, fits, kind)
    too_large = client.post(path, fits + line, kind)
    too_many = client.post(path, b"{}\n" * (VALIDATE_RECORDS_MAX + 1), kind)

    assert (largest.status_code, largest.json()["valid"]) == (200, fits.count(b"\n"))
    assert (too_large.status_code, too_many.status_code) == (413, 413)
    assert "100000 are possible at once" in too_many.json()["detail"]


def test_nothing_in_the_request_means_nothing_in_the_answer(
    client: DryRunClient, schema_id: str
) -> None:
    lines = client.validate_lines([b""], schemaId=schema_id)
    records = client.validate({"schemaId": schema_id, "records": []})

    assert lines["records"] == records["records"] == 0
