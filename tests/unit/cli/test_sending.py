"""What `forebay send` makes of the answers of an inlet."""

import asyncio
import io
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from forebay.cli.sending import Sender, Summary
from forebay.kernel import json

Answer = tuple[int, dict[str, object]]


@asynccontextmanager
async def inlet(answers: Iterator[Answer | None]) -> AsyncIterator[str]:
    """Serve one scripted answer per request over real HTTP; None drops the connection."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (head := await _head(reader)) and (answer := await _next(reader, head)):
                body = json.encode(answer[1])
                writer.write(
                    b"HTTP/1.1 %d X\r\ncontent-length: %d\r\nretry-after: 0\r\n\r\n%s"
                    % (answer[0], len(body), body)
                )
        finally:
            writer.close()
            ended.set()

    async def _next(reader: asyncio.StreamReader, head: bytes) -> Answer | None:
        await reader.readexactly(_length(head))
        return next(answers)

    ended = asyncio.Event()
    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/collection/x"
        await ended.wait()


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""


def _length(head: bytes) -> int:
    lines = head.lower().split(b"\r\n")
    return next(int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length"))


def send(
    answers: list[Answer | None], messages: list[bytes], *, batch_size: int = 1
) -> tuple[Summary, str]:
    receipts = io.StringIO()

    async def run() -> Summary:
        async with inlet(iter(answers)) as url:
            sender = Sender(
                url,
                batch_size=batch_size,
                connections=1,
                headers={},
                is_sync_validated=False,
                receipts=receipts,
                advance=lambda _: None,
            )
            return await sender.send(messages)

    return asyncio.run(run()), receipts.getvalue()


def test_accepted_messages_are_counted_and_their_receipts_kept() -> None:
    summary, receipts = send([(200, {"xactionId": "1:0001:0"})], [b"{}"])

    assert summary.accepted == 1
    assert receipts == "1:0001:0\n"


def test_a_batch_is_counted_item_by_item() -> None:
    answer: Answer = (
        207,
        {
            "responses": [
                {"xactionId": "1:0001:0:0"},
                {"xactionId": "1:0001:0-1", "status": 400, "message": "inletId: [x] Bad"},
            ]
        },
    )

    summary, receipts = send([answer], [b"{}", b"{}"], batch_size=2)

    assert (summary.accepted, dict(summary.refused)) == (1, {"Bad": 1})
    assert receipts == "1:0001:0:0\n"


def test_what_is_definitely_not_stored_is_sent_again() -> None:
    summary, _ = send([(503, {}), (429, {}), (200, {"xactionId": "1:0001:0"})], [b"{}"])

    assert (summary.accepted, summary.requests) == (1, 3)


def test_nothing_more_is_sent_after_a_lost_connection() -> None:
    summary, _ = send([None], [b"{}", b"{}", b"{}"])

    assert (summary.accepted, summary.unknown) == (0, 1)


def test_an_unclear_error_counts_as_unknown() -> None:
    summary, _ = send([(500, {})], [b"{}"])

    assert (summary.unknown, dict(summary.refused)) == (1, {})


def test_a_refusal_is_explained_by_its_violations() -> None:
    tree = {
        "pointerToViolation": "#",
        "message": "required key [_id] not found",
        "causingExceptions": [],
    }
    answer: Answer = (
        400,
        {
            "report": {
                "message": "inletId: [x] imsOrgId: [y] Message is invalid",
                "cause": {"_streamingValidation": [tree]},
            }
        },
    )

    summary, _ = send([answer], [b"{}"])

    assert dict(summary.refused) == {"400: Message is invalid; #: required key [_id] not found": 1}


@pytest.mark.parametrize(("share", "latency"), [(0.0, 1.0), (0.5, 2.0), (1.0, 3.0)])
def test_latency_is_the_one_below_which_a_share_lies(share: float, latency: float) -> None:
    summary = Summary(latencies_ms=[3.0, 1.0, 2.0])

    assert summary.latency_ms(share) == latency
