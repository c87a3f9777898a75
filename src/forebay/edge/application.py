"""
The collection API as an application: routes, guards, and what every answer carries.

No framework: there are five routes. The guards are for what is well-formed HTTP and still
ambiguous: no host or several, doubled headers that decide something.
"""

import re
import secrets
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from urllib.parse import parse_qsl

import structlog

from forebay.edge import answers
from forebay.edge.answers import Answer
from forebay.edge.collection import Collection, EdgePorts, Entry, Request
from forebay.edge.errors import (
    EdgeFailed,
    MethodRefused,
    NotHere,
    RequestMalformed,
)
from forebay.edge.exchange import HttpExchange
from forebay.kernel.errors import PlatformError
from forebay.kernel.ids import Offset

_log = structlog.get_logger()

_PREFIXES = ("/collection/", "/data/foundation/import/collection/")
_BATCH = "batch/"
_HEALTH = ("/livez", "/readyz", "/metrics")
_ONCE = frozenset(
    {
        "host",
        "authorization",
        "content-type",
        "content-encoding",
        "x-adobe-flow-id",
        "x-adobe-dataset-id",
        "x-forebay-sync-validation",
    }
)
"""Headers that decide something: two of them would be read differently by different readers."""
_NO_QUERY: Mapping[str, str] = {}
_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")


class EdgeApplication:
    """Answers everything that comes to the collection port."""

    def __init__(self, collection: Collection, ports: EdgePorts) -> None:
        self.collection = collection
        self.clock = ports.clock
        self._ports = ports
        self._made_id = secrets.token_hex(8)
        self._made = 0

    def handle(self, exchange: HttpExchange) -> None:
        """Answer one request: always, never with a redirect, often later than this returns."""
        exchange.began_s = self.clock.monotonic_s()
        self._supervise(exchange, self._begin)

    def _supervise(
        self, exchange: HttpExchange, step: Callable[..., Answer | None], *arguments: object
    ) -> None:
        """
        Take a step of a request, and answer if that was the last one.

        A request waits for its body and for the log between its steps. They are plain calls and
        not a coroutine, because most bodies are there at once, and a step tells its defects here.
        """
        try:
            answer = step(exchange, *arguments)
        except PlatformError as error:
            answer = answers.problem(error)
        except Exception:  # noqa: BLE001  the request's supervisor: the other requests go on
            _log.exception("request failed", path=exchange.path, method=exchange.method)
            answer = answers.problem(EdgeFailed("the request ended in a defect"))
        if answer is not None:
            seconds = self.clock.monotonic_s() - exchange.began_s
            self.collection.metrics.observe(answer.status, seconds)
            request_id = self._request_id(exchange.headers)
            exchange.respond(answer.status, answer.headers, request_id, answer.body)

    def _begin(self, exchange: HttpExchange) -> Answer | None:
        headers = exchange.headers
        _guard(exchange, headers)
        target = _target(exchange.path)
        if target is None:
            return self._answer_health(exchange)
        if exchange.method != "POST":
            return _answer_other(exchange.method)
        inlet_id, is_batch = target
        query = dict(parse_qsl(exchange.query)) if exchange.query else _NO_QUERY
        request = self.collection.admit(headers, query, inlet_id, is_batch=is_batch)
        if exchange.is_complete:
            return self._take(exchange, request)
        exchange.when_settled(partial(self._supervise, exchange, self._take, request))
        return None

    def _take(self, exchange: HttpExchange, request: Request) -> Answer | None:
        entry = self.collection.take(request, exchange.body())
        done = partial(self._supervise, exchange, self._settle, entry)
        self._ports.writer.submit(entry.payload, done)
        return None

    def _settle(
        self, _exchange: HttpExchange, entry: Entry, outcome: Offset | PlatformError
    ) -> Answer:
        if isinstance(outcome, PlatformError):
            raise outcome
        return self.collection.answer(entry, outcome)

    async def close(self) -> None:
        """Take nothing more, and make durable what was taken."""
        self.collection.is_draining = True
        await self._ports.writer.close()

    def _request_id(self, headers: Mapping[str, str]) -> str:
        request_id = headers.get("x-request-id")
        if request_id is not None and _REQUEST_ID.fullmatch(request_id) is not None:
            return request_id
        self._made += 1
        return f"{self._made_id}{self._made:016x}"

    def _answer_health(self, exchange: HttpExchange) -> Answer:
        path = exchange.path.removesuffix("/")
        if path not in _HEALTH:
            raise NotHere(
                f"There is nothing at [{path[:200]}]; inlets are at /collection/<inletId>."
            )
        if exchange.method not in {"GET", "HEAD"}:
            raise MethodRefused(f"{path} is read with GET.", allow="GET, HEAD")
        if path == "/livez":
            return answers.ALIVE
        if path == "/readyz":
            return answers.health(self.collection.unready_reason())
        return Answer(200, self._ports.metrics_text(), (answers.TEXT_TYPE, *answers.CORS))


def _answer_other(method: str) -> Answer:
    if method == "OPTIONS":
        return answers.PREFLIGHT_ANSWER
    raise MethodRefused(
        f"{method} is not for inlets; send messages with POST.", allow="POST, OPTIONS"
    )


@lru_cache(maxsize=256)
def _target(path: str) -> tuple[str, bool] | None:
    path = path.removesuffix("/")
    for prefix in _PREFIXES:
        if path.startswith(prefix):
            rest = path[len(prefix) :]
            inlet_id = rest.removeprefix(_BATCH)
            if inlet_id and "/" not in inlet_id:
                return inlet_id, len(inlet_id) != len(rest)
    return None


def _guard(exchange: HttpExchange, headers: Mapping[str, str]) -> None:
    if exchange.refusal is not None:
        raise exchange.refusal
    if exchange.doubled and not _ONCE.isdisjoint(exchange.doubled):
        names = ", ".join(sorted(_ONCE & exchange.doubled))
        raise RequestMalformed(f"The header {names} came twice.", is_closing=True)
    if "host" not in headers and not exchange.is_http10:
        raise RequestMalformed("The header host is missing.", is_closing=True)
    if "transfer-encoding" in headers and headers["transfer-encoding"].lower() != "chunked":
        raise RequestMalformed("The only transfer-encoding read here is chunked.", is_closing=True)
