"""
One HTTP request and the way back to who sent it, as the application sees it.

The application decides from the head whether it wants the body at all. Whatever is held of
bodies is counted against one budget for all connections.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Protocol
from urllib.parse import unquote_to_bytes

import httptools

from forebay.edge.errors import BodyTooLarge, HeadersTooLarge, NotReady, RequestMalformed
from forebay.kernel.errors import PlatformError
from forebay.kernel.limits import HEADER_BYTES_MAX, REQUEST_BYTES_MAX

Pairs = tuple[tuple[str, str], ...]

BODY_BYTES_MAX = 256 * REQUEST_BYTES_MAX
"""Bytes of bodies that all connections together may hold; beyond it bodies are refused."""
_DISCARD_BYTES_MAX = 4 * REQUEST_BYTES_MAX


class HeldBytes:
    """Bytes of bodies held for requests that are not answered yet, of all connections."""

    def __init__(self) -> None:
        self.count = 0


class Channel(Protocol):
    """The connection that an exchange came on."""

    @property
    def held(self) -> HeldBytes:
        """What all connections hold."""

    def invite(self, exchange: "HttpExchange") -> None:
        """Ask for the body, if the client waits to be asked; its time runs from now."""

    def respond(
        self, exchange: "HttpExchange", status: int, headers: Pairs, request_id: str, body: bytes
    ) -> None:
        """Write an answer, and go on to the next request."""


class HttpExchange:
    """One request, and the way back to who sent it."""

    __slots__ = (
        "_channel",
        "_chunks",
        "_failure",
        "_held",
        "_held_by_all",
        "_then",
        "began_s",
        "doubled",
        "headers",
        "is_answered",
        "is_complete",
        "is_http10",
        "is_kept_alive",
        "is_last",
        "is_wanted",
        "method",
        "path",
        "query",
        "refusal",
        "size",
    )

    def __init__(
        self,
        channel: Channel,
        *,
        method: str,
        url: bytes,
        headers: list[tuple[bytes, bytes]],
        is_http10: bool,
    ) -> None:
        self.method = method
        self.path, self.query = _split(url)
        self.headers = {_lower(name): value.decode("latin-1") for name, value in headers}
        """Names in lower case; of a header that came twice, the last."""
        self.doubled = _doubled(headers) if len(headers) != len(self.headers) else _NOTHING
        """The names of headers that came more than once."""
        self.is_http10 = is_http10
        self.refusal: PlatformError | None = None
        """Set if what came is no request: then this is the only thing to answer."""
        self.began_s = 0.0
        """When the application was given it."""
        self.size = 0
        """Bytes of the body that have come."""
        self.is_complete = False
        self.is_wanted = True
        self.is_answered = False
        self.is_kept_alive = True
        self.is_last = False
        """Nothing is answered on this connection after it."""
        self._channel = channel
        self._held_by_all = channel.held
        self._held = 0
        self._chunks: list[bytes] = []
        self._failure: PlatformError | None = None
        self._then: Callable[[], None] | None = None

    @property
    def is_settled(self) -> bool:
        """Whether nothing of the body is waited for: it is whole, or will never be."""
        return self.is_complete or self._failure is not None

    def when_settled(self, then: Callable[[], None]) -> None:
        """Ask for the body, and have `then` called once it is whole or will never be."""
        self._then = then
        self._channel.invite(self)

    def go_on(self) -> bool:
        """Call what waits for the body, if anything does and the wait is over."""
        then = self._then
        if then is None or not self.is_settled:
            return False
        self._then = None
        then()
        return True

    def body(self) -> bytes:
        """
        Return the body as sent.

        Raises:
            BodyTooLarge: It is larger than `REQUEST_BYTES_MAX`.
            BodyTooSlow: It did not arrive in time.
            RequestMalformed: It broke off, or its chunks are malformed.
        """
        if self._failure is not None:
            raise self._failure
        return self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)

    def respond(self, status: int, headers: Pairs, request_id: str, body: bytes) -> None:
        """Send the answer."""
        self.is_answered = True
        self._channel.respond(self, status, headers, request_id, body)

    def discard(self) -> None:
        """Let the rest of an unwanted body pass: a reset might overtake the answer."""
        self.is_wanted = False
        self.release()
        if isinstance(self._failure, BodyTooLarge | NotReady):
            self._failure = None  # it was refused, but it is not broken

    def receive(self, chunk: bytes) -> None:
        """Take a part of the body."""
        self.size += len(chunk)
        held = self._held_by_all
        if not self.is_wanted:
            if self.size > _DISCARD_BYTES_MAX:
                self.fail(too_large(self.size))
        elif self.size > REQUEST_BYTES_MAX:
            self.fail(too_large(self.size))
        elif held.count + len(chunk) > BODY_BYTES_MAX:
            self.fail(NotReady("Nothing was stored: too many bodies at once. Send again later."))
        else:
            held.count += len(chunk)
            self._held += len(chunk)
            self._chunks.append(chunk)

    def release(self) -> None:
        """Let go of the body."""
        self._held_by_all.count -= self._held
        self._held = 0
        self._chunks.clear()

    def complete(self, *, is_kept_alive: bool) -> None:
        """Take note that the body is whole."""
        self.is_complete = True
        self.is_kept_alive = is_kept_alive

    def fail(self, failure: PlatformError) -> None:
        """Take note that the body will not be whole."""
        if not self.is_complete and self._failure is None:
            self._failure = failure


def too_large(size: int) -> BodyTooLarge:
    """Return the error for a body of at least `size` bytes."""
    return BodyTooLarge(
        f"The body has {size} bytes or more; a request may have {REQUEST_BYTES_MAX}."
        " Send fewer messages in one request."
    )


def headers_too_large(size: int) -> HeadersTooLarge:
    """Return the error for headers of at least `size` bytes."""
    return HeadersTooLarge(
        f"The headers have {size} bytes; {HEADER_BYTES_MAX} are allowed.", is_closing=True
    )


def broken() -> RequestMalformed:
    """Return the error for a body that is not whole."""
    return RequestMalformed("The body broke off.", is_closing=True)


_NOTHING: frozenset[str] = frozenset()


@lru_cache(maxsize=1024)
def _lower(name: bytes) -> str:
    return name.decode("latin-1").lower()


def _doubled(headers: list[tuple[bytes, bytes]]) -> frozenset[str]:
    names = [name.decode("latin-1").lower() for name, _ in headers]
    return frozenset(name for name in names if names.count(name) > 1)


@lru_cache(maxsize=256)
def _split(url: bytes) -> tuple[str, str]:
    path, _, query = url.partition(b"?")
    if not path.startswith(b"/"):
        path = httptools.parse_url(path).path or b"/" if b"://" in path else path
    if b"%" in path:
        path = unquote_to_bytes(path)
    return path.decode("utf-8", "replace"), query.decode("ascii", "replace")
