import pytest

from forebay.edge import answers
from forebay.edge.answers import Refusal
from forebay.edge.errors import InletForbidden, MessageRefused, NotReady, TokenRefused
from forebay.kernel import json
from forebay.kernel.errors import PlatformError
from forebay.kernel.ids import Offset, PartitionId, TransactionId
from forebay.log.ports import AppendOutcomeUnknown, LogFull
from support.edge import VIOLATION

RECEIPT = TransactionId(1565628583792, PartitionId(1485), Offset(153))


def test_receipt_of_a_message_is_the_documented_line() -> None:
    answer = answers.accepted(
        "9b0c", RECEIPT, flow_id=None, sync_name="syncValidation", is_validated=False
    )

    assert answer.status == 200
    assert answer.body == (
        b'{"inletId":"9b0c","xactionId":"1565628583792:1485:153",'
        b'"receivedTimeMs":1565628583792,"syncValidation":{"skipped":true}}'
    )


def test_receipt_of_a_batch_is_the_documented_line() -> None:
    answer = answers.multi_status("9b0c", RECEIPT, 2, {}, flow_id=None)

    assert answer.status == 207
    assert answer.body == (
        b'{"inletId":"9b0c","batchId":"1565628583792:1485:153",'
        b'"receivedTimeMs":1565628583792,"responses":['
        b'{"xactionId":"1565628583792:1485:153:0"},{"xactionId":"1565628583792:1485:153:1"}]}'
    )


def test_refused_message_of_a_batch_pleases_readers_of_either_page() -> None:
    refused = {1: Refusal("no", "why", VIOLATION), 2: Refusal('"')}

    answer = answers.multi_status("9b0c", RECEIPT, 3, refused, flow_id="f")

    batch = json.decode(answer.body)
    assert batch["flowId"] == "f"
    assert batch["responses"] == [
        {"xactionId": "1565628583792:1485:153:0"},
        {
            "xactionId": "1565628583792:1485:153-1",
            "status": 400,
            "statusCode": 400,
            "message": "no",
            "detail": "why",
            "cause": {"_streamingValidation": [VIOLATION]},
        },
        {
            "xactionId": "1565628583792:1485:153-2",
            "status": 400,
            "statusCode": 400,
            "message": '"',
        },
    ]


@pytest.mark.parametrize(
    ("error", "status"), [(TokenRefused("secret"), "401"), (InletForbidden("secret"), "403")]
)
def test_answers_to_tokens_tell_nothing_of_the_reason(error: PlatformError, status: str) -> None:
    answer = answers.problem(error)

    assert json.decode(answer.body)["status"] == status
    assert b"secret" not in answer.body


@pytest.mark.parametrize("error", [NotReady("x"), LogFull("x")])
def test_what_may_be_sent_again_says_so(error: PlatformError) -> None:
    answer = answers.problem(error)

    assert json.decode(answer.body)["code"] == "NOT_STORED"
    assert ("retry-after", "1") in answer.headers


def test_unknown_outcome_is_never_called_not_stored() -> None:
    answer = answers.problem(AppendOutcomeUnknown("fsync failed on /secret/path"))

    assert answer.status == 500
    assert b"NOT_STORED" not in answer.body
    assert b"secret" not in answer.body


def test_parameters_of_an_error_are_in_its_report() -> None:
    answer = answers.problem(MessageRefused("no", detail="why", is_closing=True))

    assert json.decode(answer.body)["report"] == {"message": "no", "detail": "why"}
    assert ("connection", "close") in answer.headers
