from typing import Any

import msgspec
import pytest

from forebay.kernel import json
from forebay.kernel.ids import Offset
from forebay.lake.memory import MemoryTables
from forebay.lake.ports import Rows
from forebay.processing.messages import open_request
from forebay.processing.metrics import Outcome
from forebay.processing.pending import Done, Pending
from forebay.processing.stages import Pipeline, Tally
from support.clocks import ManualClock
from support.processing import (
    EVENT_DOCUMENT,
    EVENTS,
    EVENTS_TABLE,
    INLET,
    ORG,
    PARTITION,
    RECEIVED_MS,
    SANDBOX,
    VISITS,
    Directory,
    a_batch,
    a_message,
    a_single,
    an_event,
    schema_id,
)


def run(payload: bytes) -> tuple[dict[Outcome, int], Pending]:
    request = open_request(PARTITION, "log", Offset(4), payload)
    tally = Tally(Pending(), Done(MemoryTables(), {}), set())
    pipeline = Pipeline(Directory({EVENTS: EVENT_DOCUMENT}), ManualClock())
    outcomes = pipeline.run(request, tally)
    return {k: n for k, n in outcomes.items() if n}, tally.pending


def rows(pending: Pending) -> Rows:
    return pending.rows[EVENTS_TABLE]


def only_failure(pending: Pending) -> Any:
    (record,) = pending.failed[SANDBOX]
    return record


def test_good_message_becomes_a_row_with_its_origin() -> None:
    outcomes, pending = run(a_single(a_message(an_event(1))))

    assert outcomes == {Outcome.GOOD: 1}
    assert json.decode(rows(pending).entities[0]) == an_event(1)
    origin = rows(pending).origins[0]
    assert (origin.offset, origin.is_batch, origin.source_name) == (4, False, "Shop")
    assert origin.received_ms == RECEIVED_MS


def test_batch_with_one_bad_record_keeps_the_good_ones() -> None:
    messages = [a_message(an_event(n)) for n in range(3)]
    messages[1]["body"]["xdmEntity"]["timestamp"] = 7

    outcomes, pending = run(a_batch(messages))

    assert outcomes == {Outcome.GOOD: 2, Outcome.FAILED: 1}
    assert rows(pending).indexes == [0, 2]
    failed = only_failure(pending)
    assert failed.index == 1
    assert failed.stage == "validation"
    assert failed.xaction_id == f"{RECEIVED_MS}:0001:4:1"
    assert failed.message == "#/timestamp: expected type: String, found: Long"


def test_refused_messages_of_a_batch_are_not_processed() -> None:
    messages = [a_message(an_event(n)) for n in range(3)]

    outcomes, pending = run(a_batch(messages, refused={1: "no"}))

    assert outcomes == {Outcome.GOOD: 2}
    assert rows(pending).indexes == [0, 2]


def test_undecodable_message_of_a_batch_is_a_failed_record_of_its_own() -> None:
    messages: list[Any] = [
        a_message(an_event(0)),
        7,
        {"header": {"flowId": 1}},
        a_message(an_event(3)),
    ]

    outcomes, pending = run(a_batch(messages))

    assert outcomes == {Outcome.GOOD: 2, Outcome.FAILED: 2}
    assert rows(pending).indexes == [0, 3]
    assert [record.stage for record in pending.failed[SANDBOX]] == ["envelope", "envelope"]


@pytest.mark.parametrize(
    "body", [b"", b"nothing", b"[1]", b'"x"', b"\xff", b'{"header":{},"body":{}}']
)
def test_body_that_is_no_message_is_a_failed_record(body: bytes) -> None:
    outcomes, _ = run(a_single(body))

    assert outcomes == {Outcome.FAILED: 1}


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (a_message(an_event(1), "f" * 24), "dataset ffffffffffffffffffffffff does not exist"),
        (a_message(an_event(1), "../../etc"), "dataset ../../etc does not exist"),
        (a_message(an_event(1), datasetId=None), "names no dataset"),
        (
            a_message(an_event(1), schema="https://ns.adobe.com/x"),
            "header.schemaRef names https://ns.adobe.com/x",
        ),
        (a_message(an_event(1), schemaRef=None), "header.schemaRef names None"),
        (a_message(an_event(1), imsOrgId="other@AdobeOrg"), "other@AdobeOrg"),
        ({**a_message(an_event(1)), "body": {"xdmEntity": {}}}, "body.xdmMeta.schemaRef"),
    ],
)
def test_message_that_belongs_nowhere_is_a_failed_record(message: Any, said: str) -> None:
    _, pending = run(a_batch([message, a_message(an_event(2))]))

    failed = only_failure(pending)
    assert failed.stage == "routing"
    assert said in failed.message
    assert rows(pending).indexes == [1]


def test_missing_entity_is_a_failed_record() -> None:
    message = a_message(an_event(1))
    del message["body"]["xdmEntity"]

    _, pending = run(a_single(message))

    failed = only_failure(pending)
    assert failed.stage == "envelope"
    assert failed.message == "Payload body is missing xdmEntity"


def test_raw_data_is_a_failed_record_that_says_what_it_needs() -> None:
    _, pending = run(a_single({"name": "x"}, data_type="raw"))

    assert "needs a flow" in only_failure(pending).message


def test_default_dataset_and_flow_come_from_the_request() -> None:
    message = a_message(an_event(1), datasetId=None, source=None)

    _, pending = run(a_single(message, dataset_id=EVENTS, flow_id="flow"))

    origin = rows(pending).origins[0]
    assert (origin.flow_id, origin.source_name) == ("flow", "Shop connection")


def test_failed_line_holds_message_header_and_tree_under_both_names() -> None:
    message = a_message({"_id": 1})

    _, pending = run(a_single(message, is_authenticated=True))

    failed = only_failure(pending)
    line = json.decode(failed.record)
    assert line["body"] == message["body"]
    assert line["_errors"] == {"_streamingValidation": line["_validationErrors"]}
    assert line["_validationErrors"][0]["message"] == "2 schema violations found"
    assert failed.violation_count == 2
    header = line["header"]
    assert message["header"].items() <= header.items()
    assert header["xactionId"] == header["msgId"] == f"{RECEIVED_MS}:0001:4"
    assert header["_dcsMeta"] == {"inletId": INLET, "authenticatedRequest": True}
    assert (header["sandboxId"], header["sandboxName"]) == (SANDBOX, "prod")
    assert (header["msgVersion"], header["originalTimestamp"]) == ("1.0", RECEIVED_MS)


def test_line_stops_after_five_violations_and_the_column_has_all() -> None:
    entity = {"_id": "a", "timestamp": "2026-01-01T00:00:00Z", **{f"x{n}": 1 for n in range(8)}}

    _, pending = run(a_single(a_message(entity)))

    failed = only_failure(pending)
    line = json.decode(failed.record)
    assert failed.violation_count == 8
    assert len(json.decode(failed.violations)["causingExceptions"]) == 8
    assert len(line["_validationErrors"][0]["causingExceptions"]) == 5


def test_header_without_org_and_source_is_completed_in_the_line() -> None:
    message = a_message({}, imsOrgId=None, source=None)

    _, pending = run(
        a_single({**message, "header": {k: v for k, v in message["header"].items() if v}})
    )

    header = json.decode(only_failure(pending).record)["header"]
    assert header["imsOrgId"] == ORG
    assert header["source"] == {"name": "Shop connection"}


class Faulty:
    """A validator with a mistake in it."""

    def __init__(self, sound: Any) -> None:
        self.fields = sound.fields
        self._sound = sound

    def accepts(self, entity: bytes) -> bool:
        if b"poison" in entity:
            message = "a mistake"
            raise AttributeError(message)
        return bool(self._sound.accepts(entity))

    def explain(self, entity: bytes, *, violations_max: int | None) -> Any:
        return self._sound.explain(entity, violations_max=violations_max)


def test_record_that_breaks_the_validator_fails_alone() -> None:
    directory = Directory({EVENTS: EVENT_DOCUMENT})
    dataset = directory.datasets[EVENTS]
    directory.datasets[EVENTS] = msgspec.structs.replace(
        dataset, validator=Faulty(dataset.validator)
    )
    poison = a_message({**an_event(1), "eventType": "poison"})
    payload = a_batch([a_message(an_event(0)), poison, a_message(an_event(2))])
    request = open_request(PARTITION, "log", Offset(0), payload)
    tally = Tally(Pending(), Done(MemoryTables(), {}), set())

    Pipeline(directory, ManualClock()).run(request, tally)

    assert rows(tally.pending).indexes == [0, 2]
    assert "AttributeError: a mistake" in only_failure(tally.pending).message


def test_messages_of_one_batch_may_go_to_different_datasets() -> None:
    request = open_request(
        PARTITION,
        "log",
        Offset(0),
        a_batch([a_message(an_event(1)), a_message({"_id": "v"}, VISITS)]),
    )
    directory = Directory({EVENTS: EVENT_DOCUMENT, VISITS: EVENT_DOCUMENT})
    tally = Tally(Pending(), Done(MemoryTables(), {}), set())

    Pipeline(directory, ManualClock()).run(request, tally)

    assert list(tally.pending.rows) == [EVENTS_TABLE, (SANDBOX, VISITS)]
    assert tally.pending.failing == {(SANDBOX, VISITS)}
    assert only_failure(tally.pending).schema_id == schema_id(VISITS)
