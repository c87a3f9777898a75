"""
HTTP/1.1 on a socket: from bytes to exchanges and back, with a limit on everything.

The parser is llhttp through httptools, which refuses whatever two readers could understand
differently: lengths given twice, chunked bodies with a length, bare line feeds. What a parser
cannot know is here: how long each part of a request may take and how large it may be.

One connection answers one request at a time, in the order they came.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import cast

import httptools

from forebay.edge.errors import BodyTooSlow, RequestMalformed
from forebay.edge.exchange import HeldBytes, HttpExchange, Pairs, broken, headers_too_large
from forebay.kernel.clock import Clock
from forebay.kernel.errors import PlatformError
from forebay.kernel.limits import HEADER_BYTES_MAX, REQUEST_BYTES_MAX

HEAD_SECONDS_MAX = 10.0
"""Time for the first line and the headers of a request."""
IDLE_SECONDS_MAX = 75.0
"""Time a connection may be kept open between two requests."""
DISCARD_SECONDS_MAX = 2.0
"""Time for the rest of a body that is not wanted any more."""
WRITE_SECONDS_MAX = 10.0
"""Time a client may leave answers unread."""
CONNECTIONS_MAX = 10_000
_WAITING_MAX = 32
"""Requests that one connection may send ahead; beyond it, it is not read."""

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Shared:
    """What all connections of a server have in common."""

    def __init__(
        self,
        handle: Callable[["HttpExchange"], None],
        clock: Clock,
        *,
        body_seconds_max: float,
    ) -> None:
        self.handle = handle
        self.clock = clock
        self.body_seconds_max = body_seconds_max
        self.connections: set[Connection] = set()
        self.held = HeldBytes()
        self.is_stopping = False
        self._outbox: list[tuple[asyncio.Transport, bytes]] = []
        self.date = ""
        """The time as answers carry it; like `now_s` it is as old as the last sweep."""
        self.now_s = 0.0
        self.sweep()

    def write(self, transport: asyncio.Transport, data: bytes) -> None:
        """
        Write to a connection at the end of this turn of the event loop.

        The answers of a group commit are due at the same moment. Written one by one between
        other work, each would wake its reader up for itself; together they cost 7 % less CPU.
        """
        if not self._outbox:
            asyncio.get_running_loop().call_soon(self.flush)
        self._outbox.append((transport, data))

    def flush(self) -> None:
        """Write now what waits to be written."""
        outbox, self._outbox = self._outbox, []
        for transport, data in outbox:
            if not transport.is_closing():
                transport.write(data)

    def sweep(self) -> None:
        """End what takes too long; call it a few times a second."""
        self.date = formatdate(self.clock.now_ms() / 1000, usegmt=True)
        self.now_s = self.clock.monotonic_s()
        for connection in list(self.connections):
            connection.check_time(self.now_s)

    def stop(self) -> None:
        """Let every connection end with the answer it is working on."""
        self.is_stopping = True
        for connection in list(self.connections):
            connection.stop()


class Connection(asyncio.Protocol):
    """A client's connection: parses what comes, answers one request after the other."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self.held = shared.held
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._head_bytes = 0
        """Bytes of the headers that were parsed."""
        self._unparsed_bytes = 0
        """Bytes that came since the head began, except those it began with."""
        self._is_in_head = False
        self._is_resuming = False
        self._arriving: HttpExchange | None = None
        self._waiting: deque[HttpExchange] = deque()
        self._current: HttpExchange | None = None
        self._since_s = shared.now_s
        """Start of what the connection waits for now: a head, a body, the next request."""
        self._unread_since_s: float | None = None
        self._is_paused = False
        self._is_ending = False
        self._is_advancing = False

    # The transport's calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, unless there are too many."""
        # A cast, because uvloop's transports do not inherit from asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        if len(self._shared.connections) >= CONNECTIONS_MAX or self._shared.is_stopping:
            self._transport.abort()
            return
        self._shared.connections.add(self)

    def connection_lost(self, _error: Exception | None) -> None:
        """Give up what has not arrived; what has arrived is finished."""
        self._shared.connections.discard(self)
        self._drop_waiting()
        if self._arriving is not None:
            self._arriving.fail(broken())
        self._advance()

    def data_received(self, data: bytes) -> None:
        """Parse, and answer what is there to be answered."""
        if self._is_ending:
            return
        was_in_head = self._is_in_head
        rest = data
        while rest:
            rest = self._parse(rest)
        if self._is_in_head:
            self._check_head(data, is_new=not was_in_head)
        self._advance()
        if self._waiting and self._transport is not None and self._is_full():
            self._is_paused = True
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        """Finish what was taken, although nothing more comes."""
        if self._arriving is not None:
            self._arriving.fail(broken())
        self._is_ending = True
        self._advance()
        return self._current is not None or bool(self._waiting)  # true keeps the way back open

    def pause_writing(self) -> None:
        """Note that answers are not being read."""
        self._unread_since_s = self._shared.now_s

    def resume_writing(self) -> None:
        """Note that answers are being read again."""
        self._unread_since_s = None
        self._advance()

    # The parser's calls.

    def on_message_begin(self) -> None:
        """Begin a head."""
        if not self._is_resuming:
            self._url = b""
            self._headers = []
            self._head_bytes = 0
            self._is_in_head = True

    def on_url(self, url: bytes) -> None:
        """Take a part of the target."""
        if not self._is_resuming:
            self._url += url
            self._head_bytes += len(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; trailers come here too and are dropped."""
        if self._is_in_head:
            self._headers.append((name, value))
            self._head_bytes += len(name) + len(value) + 4

    def on_headers_complete(self) -> None:
        """Make an exchange of the head."""
        if self._is_resuming:
            return
        self._is_in_head = False
        is_too_large = self._head_bytes > HEADER_BYTES_MAX
        exchange = HttpExchange(
            self,
            method=self._parser.get_method().decode("ascii"),
            url=b"/" if is_too_large else self._url,
            headers=self._headers,
            is_http10=self._parser.get_http_version() == "1.0",
        )
        if is_too_large:
            exchange.refusal = headers_too_large(self._head_bytes)
        self._arriving = exchange
        self._waiting.append(exchange)

    def on_body(self, chunk: bytes) -> None:
        """Take a part of a body."""
        if self._arriving is not None:
            self._arriving.receive(chunk)

    def on_message_complete(self) -> None:
        """Close the exchange that was arriving."""
        if self._arriving is not None and not self._parser.should_upgrade():
            self._arriving.complete(is_kept_alive=self._parser.should_keep_alive())
            self._arriving = None

    # The exchange's and the server's calls.

    def invite(self, exchange: HttpExchange) -> None:
        """Ask for the body, if the client waits to be asked; its time runs from now."""
        self._since_s = self._shared.now_s
        if "expect" in exchange.headers and self._transport is not None:
            self._shared.write(self._transport, _CONTINUE)

    def respond(
        self, exchange: HttpExchange, status: int, headers: Pairs, request_id: str, body: bytes
    ) -> None:
        """Write an answer, and go on to the next request."""
        transport = self._transport
        if transport is not None and not transport.is_closing():
            self._shared.write(transport, self._encode(exchange, status, headers, request_id, body))
        if not exchange.is_complete:
            exchange.discard()
            self._since_s = self._shared.now_s
        self._advance()

    def check_time(self, now: float) -> None:
        """End the connection, or the wait for a body, if its time is over."""
        waited = now - self._since_s
        unread_since = self._unread_since_s
        if unread_since is not None and now - unread_since > WRITE_SECONDS_MAX:
            self.abort()
        elif self._current is not None:
            self._check_body_time(self._current, waited)
        elif waited > (HEAD_SECONDS_MAX if self._is_in_head else IDLE_SECONDS_MAX):
            self.abort()

    def stop(self) -> None:
        """End after the answer under way, or now if there is none."""
        self._is_ending = self._is_ending or self._current is None
        if self._current is None and self._transport is not None:
            self._shared.flush()
            self._transport.close()

    def abort(self) -> None:
        """End now, answered or not."""
        self._is_ending = True
        if self._transport is not None:
            self._transport.abort()

    def _advance(self) -> None:
        """
        Do what can be done now: begin a request, go on with it, end it, begin the next.

        Whatever happens to the connection ends here, so that neither a parser's callback nor
        an answer begins the next request from within the one before.
        """
        if self._is_advancing:
            return
        self._is_advancing = True
        try:
            while self._step():
                pass
        finally:
            self._is_advancing = False

    def _step(self) -> bool:
        current = self._current
        if current is None:
            if not self._waiting or self._unread_since_s is not None:
                return False
            self._current = current = self._waiting.popleft()
            self._since_s = self._shared.now_s
            self._shared.handle(current)
            return True
        if not current.is_answered:
            return current.go_on()
        if current.is_settled:
            self._finish(current)
            return True
        return False

    def _finish(self, exchange: HttpExchange) -> None:
        exchange.release()
        self._current = None
        self._since_s = self._shared.now_s
        may_go_on = exchange.is_kept_alive and exchange.is_complete
        if exchange.is_last or not may_go_on or (self._is_ending and not self._waiting):
            self._end()
        elif self._is_paused and self._transport is not None and not self._is_full():
            self._is_paused = False
            self._transport.resume_reading()

    def _encode(
        self, exchange: HttpExchange, status: int, headers: Pairs, request_id: str, body: bytes
    ) -> bytes:
        exchange.is_last = self._shared.is_stopping or ("connection", "close") in headers
        head = (
            f"{_head(status, headers)}date: {self._shared.date}\r\nx-request-id: {request_id}\r\n"
        )
        if status != HTTPStatus.NO_CONTENT:
            head += f"content-length: {len(body)}\r\n"
        if exchange.is_http10:
            head += "connection: keep-alive\r\n" if exchange.is_kept_alive else ""
        elif ("connection", "close") not in headers and (
            exchange.is_last or not exchange.is_kept_alive
        ):
            head += "connection: close\r\n"
        is_bodiless = exchange.method == "HEAD"
        return f"{head}\r\n".encode("ascii") + (b"" if is_bodiless else body)

    def _check_body_time(self, exchange: HttpExchange, waited: float) -> None:
        if exchange.is_settled:
            return
        seconds_max = self._shared.body_seconds_max
        if exchange.is_answered:
            if waited > DISCARD_SECONDS_MAX:
                exchange.fail(broken())
        elif waited > seconds_max:
            exchange.fail(
                BodyTooSlow(
                    f"The body did not arrive within {seconds_max:g} seconds.", is_closing=True
                )
            )
        self._advance()

    def _parse(self, data: bytes) -> bytes:
        # Returns what is still to be parsed.
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._ignore_upgrade()
            return b"" if self._is_ending else data[upgrade.args[0] :]
        except httptools.HttpParserError as error:
            self._refuse(
                RequestMalformed(f"The request is not HTTP/1.1: {error}.", is_closing=True)
            )
        return b""

    def _check_head(self, data: bytes, *, is_new: bool) -> None:
        if is_new:
            self._since_s = self._shared.now_s
            self._unparsed_bytes = 0
        # A header that does not end is not counted by the parser.
        self._unparsed_bytes += len(data)
        size = max(self._head_bytes, 0 if is_new else self._unparsed_bytes)
        if size > 2 * HEADER_BYTES_MAX:
            self._refuse(headers_too_large(size))

    def _is_full(self) -> bool:
        waiting = self._waiting
        return len(waiting) > _WAITING_MAX or sum(e.size for e in waiting) > REQUEST_BYTES_MAX

    def _ignore_upgrade(self) -> None:
        # The parser takes an upgrade for granted and leaves the body to others. A server may
        # ignore the wish: the rest is parsed as the body it is, behind a head that says so.
        arriving = self._arriving
        if arriving is None or arriving.method == "CONNECT":
            self._refuse(RequestMalformed("Tunnels are not opened here.", is_closing=True))
            return
        framing = [
            f"{name}: {value}\r\n"
            for name, value in arriving.headers.items()
            if name in {"content-length", "transfer-encoding"}
        ]
        self._parser = httptools.HttpRequestParser(self)
        self._is_resuming = True
        self._parser.feed_data(f"POST / HTTP/1.1\r\n{''.join(framing)}\r\n".encode("latin-1"))
        self._is_resuming = False

    def _refuse(self, refusal: PlatformError) -> None:
        # What has been taken is answered first; then the connection cannot be read any further.
        self._is_ending = True
        self._is_in_head = False
        if self._arriving is not None:
            self._arriving.fail(refusal)
            return
        refused = HttpExchange(self, method="", url=b"/", headers=[], is_http10=False)
        refused.complete(is_kept_alive=False)
        refused.refusal = refusal
        self._waiting.append(refused)

    def _end(self) -> None:
        self._drop_waiting()
        if self._transport is not None:
            self._shared.flush()
            self._transport.close()

    def _drop_waiting(self) -> None:
        self._is_ending = True
        for exchange in self._waiting:
            exchange.release()
        self._waiting.clear()


@lru_cache(maxsize=256)
def _head(status: int, headers: Pairs) -> str:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{lines}"
