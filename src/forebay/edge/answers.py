"""
Every body that the collection API answers with, in one place.

Bodies are compact JSON on one line: Adobe's setup scripts read them with line tools. Shapes:
flow-and-collection 15.7 to 15.9; decisions 1, 2, 5, 13 and 14.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from forebay.kernel import json
from forebay.kernel.errors import Disposition, PlatformError
from forebay.kernel.ids import TransactionId

Headers = tuple[tuple[str, str], ...]

JSON_TYPE = ("content-type", "application/json")
TEXT_TYPE = ("content-type", "text/plain; version=0.0.4; charset=utf-8")

CORS: Headers = (
    ("access-control-allow-origin", "*"),
    ("access-control-expose-headers", "x-request-id, retry-after"),
)
"""On every answer: browsers post to inlets from pages of any origin."""

JSON_HEADERS: Headers = (JSON_TYPE, *CORS)

PREFLIGHT: Headers = (
    *CORS,
    ("access-control-allow-methods", "POST, OPTIONS"),
    (
        "access-control-allow-headers",
        (
            "authorization, cache-control, content-encoding, content-type, sandbox-name, "
            "x-adobe-dataset-id, x-adobe-flow-id, x-api-key, x-forebay-sync-validation, "
            "x-gw-ims-org-id, x-request-id, x-sandbox-name"
        ),
    ),
    ("access-control-max-age", "7200"),
)

RETRY_AFTER_SECONDS = 1
"""When nothing better is known: a group commit or a restart takes about that long."""

_INLET_TYPE = "http://ns.adobe.com/adobecloud/problem/data-collection-service/inlet"
_TOKEN_TYPE = "https://ns.adobe.com/adobecloud/problem/data-collection-service-authorization"  # noqa: S105  a problem type
_TOKEN_MESSAGE = "[id] Ims service token is empty"  # noqa: S105  the documented sentence
_OF_AUTHORIZATION = (401, 403)

_UNKNOWN = "It is unknown whether the request was stored; send the same bytes again."


class Answer(NamedTuple):
    """What goes back to the client."""

    status: int
    body: bytes
    headers: Headers


class Refusal(NamedTuple):
    """One message that is not taken, in the words of the answer."""

    message: str
    detail: str = ""
    """What the documented message leaves open: the value that was wrong, what would be right."""
    cause: dict[str, Any] | None = None
    """Violation tree, where the message was validated."""


def accepted(
    inlet_id: str,
    receipt: TransactionId,
    *,
    flow_id: str | None,
    sync_name: str,
    is_validated: bool,
) -> Answer:
    """Answer a single message that is durable (15.7)."""
    flow = f',"flowId":"{flow_id}"' if flow_id else ""
    outcome = '{"status":"pass"}' if is_validated else '{"skipped":true}'
    text = (
        f'{{"inletId":"{inlet_id}","xactionId":"{receipt}"{flow},'
        f'"receivedTimeMs":{receipt.received_ms},"{sync_name}":{outcome}}}'
    )
    return Answer(200, text.encode(), JSON_HEADERS)


def multi_status(
    inlet_id: str,
    receipt: TransactionId,
    count: int,
    refused: Mapping[int, Refusal],
    *,
    flow_id: str | None,
) -> Answer:
    """
    Answer a batch whose accepted part is durable: one response per message (15.9).

    The messages of the refusals carry their prefix.
    """
    batch_id = str(receipt)
    opening = f'{{"xactionId":"{batch_id}:'
    responses = [
        f'{opening}{index}"}}' if index not in refused else _refused_item(batch_id, index, refused)
        for index in range(count)
    ]
    flow = f',"flowId":"{flow_id}"' if flow_id else ""
    text = (
        f'{{"inletId":"{inlet_id}","batchId":"{batch_id}"{flow},'
        f'"receivedTimeMs":{receipt.received_ms},"responses":[{",".join(responses)}]}}'
    )
    return Answer(207, text.encode(), JSON_HEADERS)


def _refused_item(batch_id: str, index: int, refused: Mapping[int, Refusal]) -> str:
    refusal = refused[index]
    # `status` and a dash before the index are what Adobe's Kafka Connect sink looks for.
    item: dict[str, Any] = {
        "xactionId": f"{batch_id}-{index}",
        "status": 400,
        "statusCode": 400,
        "message": refusal.message,
    }
    return json.encode(item | extras(refusal)).decode()


def extras(refusal: Refusal) -> dict[str, Any]:
    """Return what a refusal says beside its message: members of an item or of a ``report``."""
    members: dict[str, Any] = {}
    if refusal.detail:
        members["detail"] = refusal.detail
    if refusal.cause is not None:
        members["cause"] = {"_streamingValidation": [refusal.cause]}
    return members


def problem(error: PlatformError) -> Answer:
    """Answer an operation that could not be done (15.8; decisions 1, 13 and 14)."""
    if error.status in _OF_AUTHORIZATION:
        return Answer(error.status, _authorization(error.status), JSON_HEADERS)
    headers = list(JSON_HEADERS)
    report = dict(error.report)
    retry_after_s = report.pop("retry_after_s", RETRY_AFTER_SECONDS)
    allow = report.pop("allow", None)
    is_closing = report.pop("is_closing", False)
    body: dict[str, Any] = {"type": _INLET_TYPE, "status": error.status, "title": error.title}
    if error.disposition is Disposition.RETRY:
        body["code"] = "NOT_STORED"
    if error.status in {429, 503}:
        headers.append(("retry-after", str(retry_after_s)))
    if allow is not None:
        headers.append(("allow", str(allow)))
    if is_closing:
        headers.append(("connection", "close"))
    message = _UNKNOWN if error.disposition is Disposition.STOP else error.message
    body["report"] = {"message": message, **report}
    return Answer(error.status, json.encode(body), tuple(headers))


def _authorization(status: int) -> bytes:
    # One body for a missing, an invalid and an expired token, as the tutorial's appendix has it.
    body = {
        "type": _TOKEN_TYPE,
        "status": str(status),
        "title": "Authorization",
        "report": {"message": _TOKEN_MESSAGE if status == _OF_AUTHORIZATION[0] else _FOREIGN},
    }
    return json.encode(body)


_FOREIGN = "[id] Ims service token does not belong to the organization of the inlet"


def health(reason: str | None) -> Answer:
    """Answer ``/readyz``: ready, or why not."""
    if reason is None:
        return Answer(200, b'{"status":"ready"}', JSON_HEADERS)
    body = json.encode({"status": "not ready", "reasons": [reason]})
    return Answer(503, body, (*JSON_HEADERS, ("retry-after", str(RETRY_AFTER_SECONDS))))


ALIVE = Answer(200, b'{"status":"alive"}', JSON_HEADERS)
"""``/livez``: the process answers; that is all it says."""

PREFLIGHT_ANSWER = Answer(204, b"", PREFLIGHT)
"""``OPTIONS`` on an inlet."""
