"""Request bodies of the platform API: read whole, under a cap, as strict JSON."""

import asyncio
from collections.abc import Iterable

from starlette.types import Receive

from forebay.kernel import json
from forebay.kernel.errors import Disposition, PlatformError
from forebay.kernel.limits import (
    BODY_SECONDS_MAX,
    PLATFORM_BODY_BYTES_MAX,
    PLATFORM_JSON_DEPTH_MAX,
)


class NotJsonBody(PlatformError):
    """A body that is not one JSON document."""

    code = "API-1400"
    status = 400
    title = "Invalid request"
    disposition = Disposition.REJECT


class BodyTooSlow(PlatformError):
    """A body that did not arrive in time."""

    code = "API-1408"
    status = 408
    title = "Request timeout"
    disposition = Disposition.REJECT


class BodyTooLarge(PlatformError):
    """A body above the cap."""

    code = "API-1413"
    status = 413
    title = "Request body too large"
    disposition = Disposition.REJECT


class BodyEncoded(PlatformError):
    """A body that is packed; only inlets take packed ones."""

    code = "API-1415"
    status = 415
    title = "Unsupported content encoding"
    disposition = Disposition.REJECT


def check_encoding(content_encoding: str) -> None:
    """
    Check the header ``Content-Encoding`` of a request with a body.

    Raises:
        BodyEncoded: It is there and not ``identity``.
    """
    if content_encoding.strip().lower() not in {"", "identity"}:
        raise BodyEncoded(
            f"The request body has the Content-Encoding {content_encoding:.40}; the platform API "
            "takes plain bodies only. Send it unpacked, without this header."
        )


async def read_body(receive: Receive, *, bytes_max: int = PLATFORM_BODY_BYTES_MAX) -> bytes:
    """
    Return the whole body of a request; nothing if the client went away meanwhile.

    Raises:
        BodyTooSlow: It did not arrive within `BODY_SECONDS_MAX`.
        BodyTooLarge: There is more of it than `bytes_max`.
    """
    try:
        async with asyncio.timeout(BODY_SECONDS_MAX):
            return await _read(receive, bytes_max)
    except TimeoutError:
        raise BodyTooSlow(
            f"The request body did not arrive within {BODY_SECONDS_MAX:.0f} seconds."
        ) from None


async def _read(receive: Receive, bytes_max: int) -> bytes:
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b""
        part = message.get("body", b"")
        size += len(part)
        if size > bytes_max:
            raise BodyTooLarge(
                f"The request body has more than {bytes_max} bytes, "
                "which is the most that is possible."
            )
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def read_document(body: bytes) -> object:
    """
    Return the JSON value of a body.

    Raises:
        NotJsonBody: It is not strict JSON, or nested too deeply.
    """
    try:
        document: object = json.decode(body)
    except ValueError as error:
        raise NotJsonBody(f"The request body is not valid JSON: {error}.") from None
    if body.count(b"{") + body.count(b"[") > PLATFORM_JSON_DEPTH_MAX and _is_too_deep(document):
        raise NotJsonBody(
            f"The request body is nested too deeply: at most {PLATFORM_JSON_DEPTH_MAX} levels "
            "are possible."
        )
    return document


def _is_too_deep(document: object) -> bool:
    level = [document]
    for _ in range(PLATFORM_JSON_DEPTH_MAX):
        level = [
            child
            for container in level
            for child in _children(container)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True


def _children(container: object) -> Iterable[object]:
    if isinstance(container, dict):
        return container.values()
    return container if isinstance(container, list) else ()
