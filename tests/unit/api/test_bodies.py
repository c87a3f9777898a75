import asyncio

import pytest
from starlette.types import Message

from forebay.api.bodies import (
    BodyTooLarge,
    BodyTooSlow,
    NotJsonBody,
    read_body,
    read_document,
)
from forebay.kernel.limits import PLATFORM_BODY_BYTES_MAX, PLATFORM_JSON_DEPTH_MAX


def received(*messages: Message) -> bytes:
    pending = list(messages)

    async def receive() -> Message:
        return pending.pop(0)

    return asyncio.run(read_body(receive))


def test_body_is_joined_from_its_parts() -> None:
    body = received(
        {"type": "http.request", "body": b"ab", "more_body": True},
        {"type": "http.request", "more_body": True},
        {"type": "http.request", "body": b"c", "more_body": False},
    )

    assert body == b"abc"


def test_body_of_a_client_that_went_away_is_empty() -> None:
    body = received(
        {"type": "http.request", "body": b"ab", "more_body": True}, {"type": "http.disconnect"}
    )

    assert body == b""


def test_body_is_read_no_further_than_its_cap() -> None:
    part = b"x" * PLATFORM_BODY_BYTES_MAX

    whole = received({"type": "http.request", "body": part})

    assert len(whole) == PLATFORM_BODY_BYTES_MAX
    with pytest.raises(BodyTooLarge):
        received(
            {"type": "http.request", "body": part, "more_body": True},
            {"type": "http.request", "body": b"x", "more_body": True},
        )


@pytest.mark.parametrize("leaf", ["", "1"])
def test_document_may_be_nested_as_deep_as_the_limit_and_no_deeper(leaf: str) -> None:
    deepest = nested(PLATFORM_JSON_DEPTH_MAX, leaf)

    assert isinstance(read_document(deepest), list)
    with pytest.raises(NotJsonBody, match="nested too deeply"):
        read_document(nested(PLATFORM_JSON_DEPTH_MAX + 1, leaf))


def test_document_may_have_many_containers_that_are_not_deep() -> None:
    assert read_document(b"[" + b"[{}]," * 1000 + b"1]") == [[{}]] * 1000 + [1]


def nested(levels: int, leaf: str) -> bytes:
    return ("[" * levels + leaf + "]" * levels).encode()


def test_body_that_does_not_arrive_in_time_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forebay.api.bodies.BODY_SECONDS_MAX", 0.01)

    async def never() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(BodyTooSlow, match="did not arrive"):
        asyncio.run(read_body(never))
