import gzip
from typing import Any

import pytest

from forebay.edge.collection import token_in
from forebay.edge.errors import EdgeFailed
from forebay.kernel import json
from forebay.kernel.ids import TransactionId
from forebay.kernel.limits import REQUEST_BYTES_MAX
from forebay.log.ports import AppendOutcomeUnknown, LogClosed, LogFull
from support.edge import (
    CONTENT_TYPE,
    DATASET,
    FOREIGN_TOKEN,
    LOCKED,
    OPEN,
    ORG,
    OTHER_DATASET,
    PREFIX,
    RAW,
    SCHEMA,
    TOKEN,
    VIOLATION,
    Edge,
    a_message,
)
from support.smile import encode as to_smile

SINGLE = f"/collection/{OPEN}"
BATCH = f"/collection/batch/{OPEN}"
FLOW = "f2ae0194-8bd8-4a40-a4d9-f07bdc3e6ce2"
INLET_PROBLEM = "http://ns.adobe.com/adobecloud/problem/data-collection-service/inlet"
UNAUTHORIZED = (
    '{"type":"https://ns.adobe.com/adobecloud/problem/data-collection-service-authorization",'
    '"status":"401","title":"Authorization",'
    '"report":{"message":"[id] Ims service token is empty"}}'
)


def stdlib_like(value: Any) -> bytes:
    """Encode as Python's own encoder does by default: with blanks after commas and colons."""
    return json.encode(value).replace(b'":', b'": ').replace(b',"', b', "')


def problem_of(answer: Any, status: int, title: str = "Invalid XDM Message Format") -> str:
    """Check the shape of an inlet problem and return its message."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert (body["type"], body["status"], body["title"]) == (INLET_PROBLEM, status, title)
    assert "\n" not in answer.text
    return str(body["report"]["message"])


def test_single_message_is_kept_as_sent_and_its_receipt_is_its_address(edge: Edge) -> None:
    body = json.encode(a_message())

    answer = edge.post(SINGLE, body)

    receipt = answer.json()
    ((head, kept),) = edge.log.entries()
    assert answer.status_code == 200
    assert list(receipt) == ["inletId", "xactionId", "receivedTimeMs", "syncValidation"]
    assert receipt["inletId"] == OPEN
    assert receipt["syncValidation"] == {"skipped": True}
    assert TransactionId.parse(receipt["xactionId"]) == ((head.received_ms, 7, 0), None)
    assert receipt["receivedTimeMs"] == head.received_ms
    assert kept == body
    assert (head.org_id, head.inlet_id, head.source_name) == (ORG, OPEN, "Sample source")
    assert (head.is_batch, head.count, head.refused) == (False, 1, {})


def test_batch_is_one_record_and_every_message_has_its_receipt(edge: Edge) -> None:
    answer = edge.post(BATCH, {"messages": [a_message(), a_message(), a_message()]})

    receipt = answer.json()
    ((head, _),) = edge.log.entries()
    batch_id = receipt["batchId"]
    assert answer.status_code == 207
    assert list(receipt) == ["inletId", "batchId", "receivedTimeMs", "responses"]
    assert receipt["responses"] == [{"xactionId": f"{batch_id}:{i}"} for i in range(3)]
    assert (head.is_batch, head.count) == (True, 3)


@pytest.mark.parametrize("write", [json.encode, stdlib_like], ids=["compact", "blanks"])
def test_message_like_the_one_before_is_checked_as_strictly(edge: Edge, write: Any) -> None:
    good = write(a_message(entity={"_id": "e1"}))
    bodies = {
        good.replace(b"e1", b"e2"): 200,
        good.replace(b'"e1"', b"1e999"): 400,
        good[:-2] + b',"xdmEntity":{}}}': 400,
        good[:-2] + b'},"header":{}}': 400,
        good[:-1]: 400,
        good + b"}": 400,
        good.replace(b"e1", b"\xff"): 400,
        good.replace(DATASET.encode(), OTHER_DATASET.encode()): 400,
    }
    edge.post(SINGLE, good)

    answered = {body: edge.post(SINGLE, body).status_code for body in bodies}
    after = edge.post(SINGLE, good)

    assert answered == bodies
    assert after.status_code == 200
    assert len(edge.log.payloads) == 3


def test_batch_like_the_one_before_is_checked_as_strictly(edge: Edge) -> None:
    good = json.encode({"messages": [a_message(entity={"_id": f"e{n}"}) for n in range(4)]})
    edge.post(BATCH, good)

    like_it = edge.post(BATCH, good)
    unlike = edge.post(BATCH, good.replace(b'"e2"', b"1e999"))
    cut_off = edge.post(BATCH, good[:-3])

    assert [len(item) for item in like_it.json()["responses"]] == [1, 1, 1, 1]
    assert [item.get("status") for item in unlike.json()["responses"]] == [None, None, 400, None]
    assert cut_off.status_code == 400
    assert [head.count for head, _ in edge.log.entries()] == [4, 4, 4]


def test_batch_with_bad_messages_keeps_the_good_ones(edge: Edge) -> None:
    foreign = a_message(imsOrgId="76543210FEDCBA9876543210@AdobeOrg")
    messages = [a_message(), foreign, {"header": {}}, 5, a_message()]

    answer = edge.post(BATCH, {"messages": messages})

    receipt = answer.json()
    batch_id = receipt["batchId"]
    good, bad_org, no_body, no_object, last = receipt["responses"]
    ((head, _),) = edge.log.entries()
    assert answer.status_code == 207
    assert good == {"xactionId": f"{batch_id}:0"}
    assert last == {"xactionId": f"{batch_id}:4"}
    assert bad_org["xactionId"] == f"{batch_id}-1"
    assert (bad_org["status"], bad_org["statusCode"]) == (400, 400)
    assert bad_org["message"] == f"{PREFIX}Message has an absent or wrong ims org in the header"
    assert no_body["message"] == f"{PREFIX}Message has unknown xdm format"
    assert no_object["message"] == f"{PREFIX}Message has unknown xdm format"
    assert list(head.refused) == [1, 2, 3]
    assert head.refused[1].startswith(bad_org["message"])


@pytest.mark.parametrize("place", range(4))
def test_a_bad_message_is_named_at_its_place(edge: Edge, place: int) -> None:
    messages = [a_message() for _ in range(4)]
    messages[place]["body"] = {}

    answer = edge.post(BATCH, {"messages": messages})

    refused = [i for i, item in enumerate(answer.json()["responses"]) if "status" in item]
    assert refused == [place]


def test_batch_of_which_nothing_is_taken_still_has_an_address(edge: Edge) -> None:
    answer = edge.post(BATCH, {"messages": [{}, {}]})

    ((head, body),) = edge.log.entries()
    assert answer.status_code == 207
    assert TransactionId.parse(answer.json()["batchId"])[0].offset == 0
    assert (head.count, list(head.refused), body) == (2, [0, 1], b"")


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b"null",
        b'{"messages":[]}',
        b'{"messages":{}}',
        b'{"messages":null}',
        b"7",
        b'{"messages":[],"messages":[{}]}',
    ],
)
def test_batch_without_messages_is_refused_whole(edge: Edge, body: bytes) -> None:
    answer = edge.post(BATCH, body)

    assert problem_of(answer, 400).startswith(PREFIX)
    assert edge.log.payloads == []


def test_batch_of_many_empty_messages_is_answered_one_by_one(edge: Edge) -> None:
    answer = edge.post(BATCH, {"messages": [{}] * 10_001})

    assert answer.status_code == 207
    assert len(answer.json()["responses"]) == 10_001


@pytest.mark.parametrize("message", [b"{}", b"5"])
def test_batch_whose_answer_would_dwarf_it_is_refused(edge: Edge, message: bytes) -> None:
    answer = edge.post(BATCH, b'{"messages":[' + b",".join([message] * 300_000) + b"]}")

    assert "20000 are allowed" in problem_of(answer, 400)


BAD_HEADERS: list[tuple[dict[str, Any], str]] = [
    ({"imsOrgId": "x"}, "Message has an absent or wrong ims org in the header"),
    ({"imsOrgId": 5}, "Message has an absent or wrong ims org in the header"),
    ({"schemaRef": None}, "Message has unknown xdm format"),
    ({"schemaRef": "x"}, "Message has unknown xdm format"),
    ({"schemaRef": {"id": SCHEMA}}, "Message has unknown xdm format"),
    ({"schemaRef": {"contentType": CONTENT_TYPE}}, "Message has unknown xdm format"),
    ({"schemaRef": {"id": SCHEMA, "contentType": "text/plain"}}, "Message has unknown xdm format"),
    (
        {"schemaRef": {"id": SCHEMA, "contentType": CONTENT_TYPE.replace("1.0", "2")}},
        "Message has unknown xdm format",
    ),
    (
        {"schemaRef": {"id": "https://x", "contentType": CONTENT_TYPE}},
        "Message has unknown xdm format",
    ),
    ({"datasetId": OTHER_DATASET}, "Message has unknown xdm format"),
    ({"datasetId": "nope"}, 'Message has an unknown datasetId ["nope"]'),
    ({"datasetId": 5}, "Message has an unknown datasetId [5]"),
    ({"datasetId": None}, "Message has no datasetId"),
    ({"flowId": "x"}, "Message has an invalid flow id"),
    ({"createdAt": []}, "Message has an invalid createdAt"),
    ({"createdAt": True}, "Message has an invalid createdAt"),
    ({"source": "x"}, "Message has an invalid source"),
    ({"source": {"name": 5}}, "Message has an invalid source"),
]


@pytest.mark.parametrize("version", ["2", "10.1", "0"])
def test_message_that_names_a_version_no_schema_has_is_refused(edge: Edge, version: str) -> None:
    reference = {
        "id": SCHEMA,
        "contentType": f"application/vnd.adobe.xed-full+json;version={version}",
    }

    answer = edge.post(SINGLE, a_message(schemaRef=reference, meta={"schemaRef": reference}))

    assert problem_of(answer, 400) == PREFIX + "Message has unknown xdm format"


@pytest.mark.parametrize(
    "content_type",
    [
        "application/vnd.adobe.xed-full+json;version=1",
        "application/vnd.adobe.xed-full+json; version=1.0",
        "application/vnd.adobe.xed-full-notext+json; version=1",
        "application/vnd.adobe.xed+json;version=1",
        "application/vnd.adobe.xed-full+json;{SCHEMA_VERSION}",
        "Application/Vnd.Adobe.XED-full+json; Version=1",
    ],
)
def test_content_types_of_the_documentation_are_accepted(edge: Edge, content_type: str) -> None:
    reference = {"id": SCHEMA, "contentType": content_type}

    answer = edge.post(SINGLE, a_message(schemaRef=reference, meta={"schemaRef": reference}))

    assert answer.status_code == 200


@pytest.mark.parametrize("name", ["imsOrgId", "flowId", "source", "createdAt"])
def test_optional_member_that_is_null_counts_as_absent(edge: Edge, name: str) -> None:
    message = a_message()
    message["header"][name] = None

    answer = edge.post(SINGLE, message)

    assert answer.status_code == 200


@pytest.mark.parametrize(("changes", "reason"), BAD_HEADERS)
def test_message_with_a_bad_header_is_refused(
    edge: Edge, changes: dict[str, Any], reason: str
) -> None:
    answer = edge.post(SINGLE, a_message(**changes))

    assert problem_of(answer, 400) == PREFIX + reason
    assert edge.log.payloads == []


def test_message_without_header_is_told_so(edge: Edge) -> None:
    answer = edge.post(SINGLE, {"body": a_message()["body"]})

    assert problem_of(answer, 400) == (
        f"{PREFIX}The 'header' field is mandatory. Provide a valid 'header' value and try again."
    )


@pytest.mark.parametrize(
    "body", [None, {}, [], "x", {"xdmEntity": {}}, {"xdmMeta": {}, "xdmEntity": {}}]
)
def test_message_without_meta_has_an_unknown_format(edge: Edge, body: Any) -> None:
    answer = edge.post(SINGLE, a_message() | {"body": body})

    assert problem_of(answer, 400) == f"{PREFIX}Message has unknown xdm format"


def test_message_without_entity_is_refused(edge: Edge) -> None:
    message = a_message()
    del message["body"]["xdmEntity"]

    answer = edge.post(SINGLE, message)

    assert problem_of(answer, 400) == f"{PREFIX}Payload body is missing xdmEntity"


def test_legacy_message_has_an_unknown_format(edge: Edge) -> None:
    legacy = {"xdmSchema": {"name": "_xdm.context.experienceevent"}}
    message = {
        "header": legacy | {"msgType": "xdmEntityCreate", "imsOrgId": ORG, "datasetId": DATASET},
        "body": {"xdmMeta": legacy, "xdmEntity": {"_id": "abc"}},
    }

    answer = edge.post(SINGLE, message)

    assert problem_of(answer, 400) == f"{PREFIX}Message has unknown xdm format"


@pytest.mark.parametrize(
    "changes",
    [
        {"imsOrgId": None},
        {"source": None},
        {"createdAt": 1526283801869},
        {"createdAt": "2018-05-14T07:43:21Z"},
        {"flowId": FLOW},
        {"msgId": "79d2e715", "msgVersion": "1.0", "msgType": "xdmEntityCreate"},
        {"operations": {"data": "merge"}},
    ],
)
def test_optional_members_of_a_header_may_be_there_or_not(
    edge: Edge, changes: dict[str, Any]
) -> None:
    answer = edge.post(SINGLE, a_message(**changes))

    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    "content_type",
    [
        "application/vnd.adobe.xed-full+json;version=1",
        "application/vnd.adobe.xed-full+json; version=1",
        "application/vnd.adobe.xed-full+json; version=1.0",
        "application/vnd.adobe.xed-full-notext+json; version=1.0",
        "application/vnd.adobe.xed+json;version=1",
        "application/vnd.adobe.xed-full+json;1",
        "application/vnd.adobe.xed-full+json",
    ],
)
def test_spellings_of_one_schema_version_agree(edge: Edge, content_type: str) -> None:
    message = a_message(schemaRef={"id": SCHEMA, "contentType": content_type})

    answer = edge.post(SINGLE, message)

    assert answer.status_code == 200, answer.text


def test_dataset_may_come_as_http_header(edge: Edge) -> None:
    message = a_message(datasetId=None)

    answer = edge.post(SINGLE, message, headers={"x-adobe-dataset-id": f"{DATASET};"})

    ((head, _),) = edge.log.entries()
    assert answer.status_code == 200
    assert head.dataset_id == DATASET


def test_dataset_that_appears_is_found_at_the_next_message(edge: Edge) -> None:
    message = a_message(datasetId="7e8f8c8b8c8b8c8b8c8b8c8b")
    before = edge.post(SINGLE, message).status_code
    edge.directory.datasets["7e8f8c8b8c8b8c8b8c8b8c8b"] = SCHEMA  # type: ignore[index]  # a plain id

    after = edge.post(SINGLE, message).status_code

    assert (before, after) == (400, 200)


def test_dataset_that_is_gone_is_not_remembered_beyond_its_revision(edge: Edge) -> None:
    message = a_message(datasetId="8e8f8c8b8c8b8c8b8c8b8c8b")
    edge.directory.datasets["8e8f8c8b8c8b8c8b8c8b8c8b"] = SCHEMA  # type: ignore[index]  # a plain id
    before = edge.post(SINGLE, message).status_code
    edge.directory.datasets.popitem()
    edge.directory.revision += 1

    after = edge.post(SINGLE, message).status_code

    assert (before, after) == (200, 400)


def test_flow_named_by_the_message_comes_back(edge: Edge) -> None:
    answer = edge.post(SINGLE, a_message(flowId=FLOW))

    assert list(answer.json())[:3] == ["inletId", "xactionId", "flowId"]
    assert answer.json()["flowId"] == FLOW


@pytest.mark.parametrize("path", [SINGLE, BATCH])
@pytest.mark.parametrize("way", ["header", "query"])
def test_flow_named_by_the_request_comes_back_and_is_kept(edge: Edge, path: str, way: str) -> None:
    names = {"x-adobe-flow-id": f"{FLOW} ;"}
    options: dict[str, Any] = {"header": {"headers": names}, "query": {"params": names}}[way]
    message = a_message()

    answer = edge.post(path, message | {"messages": [message]}, **options)

    ((head, _),) = edge.log.entries()
    assert answer.json()["flowId"] == FLOW
    assert head.flow_id == FLOW


def test_flow_that_is_no_uuid_is_refused(edge: Edge) -> None:
    answer = edge.post(SINGLE, a_message(), headers={"x-adobe-flow-id": '"},'})

    assert "not a UUID" in problem_of(answer, 400)


@pytest.mark.parametrize("path", [f"/collection/{RAW}", f"/collection/batch/{RAW}"])
def test_raw_message_needs_a_flow_that_exists(edge: Edge, path: str) -> None:
    unnamed = edge.post(path, {"name": "Johnson"})
    named = edge.post(path, {"name": "Johnson"}, params={"x-adobe-flow-id": FLOW})
    enveloped = edge.post(path, {"header": {"flowId": FLOW}, "body": {}})
    no_object = edge.post(path, [1])

    assert "needs a flow" in problem_of(unnamed, 400)
    assert f"no flow [{FLOW}]" in problem_of(named, 400)
    assert f"no flow [{FLOW}]" in problem_of(enveloped, 400)
    assert "JSON object" in problem_of(no_object, 400)
    assert edge.log.payloads == []


# Synchronous validation (15.3, decision 5).


@pytest.mark.parametrize("value", ["true", "True"])
@pytest.mark.parametrize("name", ["syncValidation", "synchronousValidation"])
def test_valid_message_passes_under_the_name_that_was_asked_with(
    edge: Edge, name: str, value: str
) -> None:
    answer = edge.post(SINGLE, a_message(), params={name: value})

    assert answer.json()[name] == {"status": "pass"}


@pytest.mark.parametrize("name", ["syncValidation", "synchronousValidation"])
def test_validation_that_is_not_wanted_is_skipped_under_its_name(edge: Edge, name: str) -> None:
    answer = edge.post(SINGLE, a_message(entity={}), params={name: "False"})

    assert answer.json()[name] == {"skipped": True}


def test_both_names_at_once_are_one_wish(edge: Edge) -> None:
    query = {"syncValidation": "true", "synchronousValidation": "true"}

    answer = edge.post(SINGLE, a_message(), params=query)

    assert answer.json()["syncValidation"] == {"status": "pass"}


def test_invalid_message_is_explained_and_not_kept(edge: Edge) -> None:
    answer = edge.post(SINGLE, a_message(entity={"n": 1}), params={"syncValidation": "true"})

    assert problem_of(answer, 400) == f"{PREFIX}Message is invalid"
    assert answer.json()["report"]["cause"] == {"_streamingValidation": [VIOLATION]}
    assert edge.log.payloads == []


def test_batch_ignores_the_parameter(edge: Edge) -> None:
    answer = edge.post(
        BATCH, {"messages": [a_message(entity={})]}, params={"syncValidation": "true"}
    )

    assert list(answer.json()["responses"][0]) == ["xactionId"]


def test_batch_is_validated_when_our_header_asks_for_it(edge: Edge) -> None:
    answer = edge.post(
        BATCH,
        {"messages": [a_message(), a_message(entity={})]},
        headers={"x-forebay-sync-validation": "true"},
    )

    good, bad = answer.json()["responses"]
    ((head, _),) = edge.log.entries()
    assert list(good) == ["xactionId"]
    assert bad["message"] == f"{PREFIX}Message is invalid"
    assert bad["cause"] == {"_streamingValidation": [VIOLATION]}
    assert list(head.refused) == [1]


def test_validations_beyond_the_quota_are_refused_with_a_time_to_wait() -> None:
    edge = Edge(validations_per_minute=2).start()

    answers = [edge.post(SINGLE, a_message(), params={"syncValidation": "true"}) for _ in range(3)]
    unvalidated = edge.post(SINGLE, a_message())
    edge.stop()

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 0 < int(answers[2].headers["retry-after"]) <= 60
    assert OPEN in problem_of(answers[2], 429, "Too Many Requests")
    assert unvalidated.status_code == 200
    assert len(edge.log.payloads) == 3


# Authentication (15.11, decision 1).


@pytest.mark.parametrize("path", [f"/collection/{LOCKED}", f"/collection/batch/{LOCKED}"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": "Bearer ;"},
        {"authorization": "Bearer forged"},
        {"authorization": f"Basic {TOKEN}"},
        {"authorization": f"Bearer {TOKEN} {TOKEN}"},
    ],
)
def test_authenticated_inlet_without_a_valid_token_answers_as_the_tutorial(
    edge: Edge, path: str, headers: dict[str, str]
) -> None:
    answer = edge.post(path, b"not even JSON", headers=headers)

    assert answer.status_code == 401
    assert answer.text == UNAUTHORIZED
    assert edge.log.payloads == []


def test_token_in_the_query_is_no_token(edge: Edge) -> None:
    answer = edge.post(f"/collection/{LOCKED}", a_message(), params={"authorization": TOKEN})

    assert answer.status_code == 401


@pytest.mark.parametrize(
    "value", [f"Bearer {TOKEN}", f"bearer {TOKEN}", f"BEARER   {TOKEN} ;", TOKEN, f"{TOKEN};"]
)
def test_token_is_found_however_it_is_written(edge: Edge, value: str) -> None:
    answer = edge.post(f"/collection/{LOCKED}", a_message(), headers={"authorization": value})

    ((head, _),) = edge.log.entries()
    assert answer.status_code == 200, answer.text
    assert head.is_authenticated


def test_token_of_another_organization_is_forbidden(edge: Edge) -> None:
    answer = edge.post(
        f"/collection/{LOCKED}", a_message(), headers={"authorization": f"Bearer {FOREIGN_TOKEN}"}
    )

    assert answer.status_code == 403
    assert (answer.json()["status"], answer.json()["title"]) == ("403", "Authorization")
    assert edge.log.payloads == []


@pytest.mark.parametrize(
    ("token", "is_authenticated"), [(TOKEN, True), (FOREIGN_TOKEN, False), ("forged", False)]
)
def test_open_inlet_takes_any_token_and_notes_the_truth(
    edge: Edge, token: str, is_authenticated: bool
) -> None:
    answer = edge.post(SINGLE, a_message(), headers={"authorization": f"Bearer {token}"})

    ((head, _),) = edge.log.entries()
    assert answer.status_code == 200
    assert head.is_authenticated is is_authenticated


@pytest.mark.parametrize("value", [None, "", ";", "Bearer", "bearer ", "a b", "Bearer a b"])
def test_what_is_no_token_is_none(value: str | None) -> None:
    assert token_in(value) is None


# Bodies (15.12 to 15.14).


def test_largest_body_is_taken(edge: Edge) -> None:
    frame = len(json.encode(a_message(entity={"_id": "x", "s": ""})))
    body = json.encode(a_message(entity={"_id": "x", "s": "s" * (REQUEST_BYTES_MAX - frame)}))

    answer = edge.post(SINGLE, body)

    assert len(body) == REQUEST_BYTES_MAX
    assert answer.status_code == 200


@pytest.mark.parametrize("path", [SINGLE, BATCH])
def test_body_with_one_byte_more_is_refused(edge: Edge, path: str) -> None:
    answer = edge.post(path, b"x" * (REQUEST_BYTES_MAX + 1))

    assert str(REQUEST_BYTES_MAX) in problem_of(answer, 413, "Payload Too Large")
    assert edge.log.payloads == []


def test_compressed_body_is_kept_inflated(edge: Edge) -> None:
    body = json.encode(a_message())

    answer = edge.post(SINGLE, gzip.compress(body), headers={"content-encoding": "gzip"})

    ((_, kept),) = edge.log.entries()
    assert answer.status_code == 200
    assert kept == body


@pytest.mark.parametrize("encoding", ["br", "zstd", "deflate", "gzip, gzip"])
def test_other_compressions_are_refused(edge: Edge, encoding: str) -> None:
    answer = edge.post(SINGLE, a_message(), headers={"content-encoding": encoding})

    assert encoding in problem_of(answer, 415, "Unsupported Media Type")


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "Application/JSON",
        "application/json;",
    ],
)
def test_spellings_of_json_are_read(edge: Edge, content_type: str) -> None:
    answer = edge.post(SINGLE, a_message(), headers={"content-type": content_type})

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/json; charset=utf-7",
        "multipart/form-data; boundary=x",
        "application/xml",
    ],
)
def test_other_content_types_are_refused(edge: Edge, content_type: str) -> None:
    answer = edge.post(SINGLE, a_message(), headers={"content-type": content_type})

    assert "application/json" in problem_of(answer, 415, "Unsupported Media Type")


@pytest.mark.parametrize("path", [SINGLE, BATCH])
def test_smile_is_kept_as_json(edge: Edge, path: str) -> None:
    message = a_message(entity={"_id": "e", "big": 2**70})

    answer = edge.post(
        path,
        to_smile(message | {"messages": [message]}, has_shared_strings=True),
        headers={"content-type": "application/x-jackson-smile"},
    )

    ((_, kept),) = edge.log.entries()
    assert answer.status_code in {200, 207}
    assert json.decode(kept)["body"]["xdmEntity"]["big"] == 2**70


def test_what_is_not_smile_is_refused(edge: Edge) -> None:
    answer = edge.post(SINGLE, b"{}", headers={"content-type": "application/x-jackson-smile"})

    assert "not valid Smile" in problem_of(answer, 400)


# Refusals of our own making (decision 14, promise P3).


@pytest.mark.parametrize("failure", [LogFull("full"), LogClosed("closing")])
@pytest.mark.parametrize("path", [SINGLE, BATCH])
def test_what_the_log_does_not_take_is_not_stored(
    edge: Edge, path: str, failure: Exception
) -> None:
    edge.log.failure = failure

    answer = edge.post(path, a_message() | {"messages": [a_message()]})

    assert answer.json()["code"] == "NOT_STORED"
    assert int(answer.headers["retry-after"]) > 0
    problem_of(answer, 503, "Not stored")


@pytest.mark.parametrize(
    "failure", [AppendOutcomeUnknown("disk"), EdgeFailed("x"), ValueError("bug")]
)
def test_unknown_outcome_asks_for_the_same_bytes_again(edge: Edge, failure: Exception) -> None:
    edge.log.failure = failure

    answer = edge.post(SINGLE, a_message())

    assert "send the same bytes again" in problem_of(answer, 500, "Outcome unknown")
    assert "code" not in answer.json()


def test_edge_that_cannot_store_says_why_and_for_how_long(edge: Edge) -> None:
    edge.unready = "the disk is full"

    answer = edge.post(SINGLE, a_message())
    ready = edge.http.get("/readyz")

    assert "the disk is full" in problem_of(answer, 503, "Not stored")
    assert answer.json()["code"] == "NOT_STORED"
    assert ready.status_code == 503
    assert ready.json()["reasons"] == ["the disk is full"]


def test_edge_that_is_not_ready_does_not_deny_an_inlet(edge: Edge) -> None:
    edge.unready = "the inlet directory is not there yet"

    answer = edge.post("/collection/" + "0" * 64, a_message())

    assert answer.json()["code"] == "NOT_STORED"
    assert answer.status_code == 503


def test_unknown_inlet_is_not_found_whatever_else_is_wrong(edge: Edge) -> None:
    answer = edge.post("/collection/" + "0" * 64, b"x", headers={"content-type": "x"})

    assert "no inlet" in problem_of(answer, 404, "Not Found")


def test_time_of_receipt_never_goes_back() -> None:
    class Backwards:
        def __init__(self) -> None:
            self.now = 2_000_000_000_000

        def now_ms(self) -> int:
            self.now -= 5_000
            return self.now

        def monotonic_s(self) -> float:
            return 0.0

    edge = Edge(clock=Backwards()).start()

    times = [edge.post(SINGLE, a_message()).json()["receivedTimeMs"] for _ in range(3)]
    edge.stop()

    assert times == sorted(times)
