"""
The front of the platform API: what every request meets before a handler sees it.

The order of checks is that of flow-and-collection 2.2: API key, token, organization, content
type, body, then routing. What is wrong at the gate is said in the gate's words; everything
else in the shape of the service that was asked. Nothing that a caller sends makes a 5xx.
"""

import re
from typing import Protocol

import msgspec
import structlog
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from forebay.api import problems
from forebay.api.bodies import check_encoding, read_body, read_document
from forebay.api.context import Context
from forebay.api.problems import Occurrence, Problem, json_response, problem_body, problem_of
from forebay.control.scope import Actor
from forebay.control.scope import Scope as SandboxScope
from forebay.kernel import ids
from forebay.kernel.clock import Clock
from forebay.kernel.errors import PlatformError
from forebay.kernel.ids import OrgId
from forebay.kernel.limits import PLATFORM_BODY_BYTES_MAX, VALIDATE_BODY_BYTES_MAX
from forebay.kernel.tokens import VerifiedToken

_GUARDED = ("/data/", "/forebay/")
_OPEN = frozenset({"/forebay/v1/watermarks"})
"""Guarded by prefix, but without anything in it that belongs to somebody."""

_BULK = {"/forebay/v1/validate": VALIDATE_BODY_BYTES_MAX}
"""
Bodies full of records, each path with its own cap.

They may be NDJSON too, and are passed on as they came: records are judged by their bytes.
"""

_JSON = "application/json"
_UNTYPED = f"{problems.SCHEMA_REGISTRY}/rpc/"
"""Where a body may come without a Content-Type (schema-catalog-profile, 1.2)."""

_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_ORG_ID = re.compile(r"[0-9A-F]{24}@AdobeOrg")
_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")
_BULK_TYPE = re.compile(r"application/(json|x-ndjson)", re.IGNORECASE)
_JSON_TYPE = re.compile(r"application/([a-z0-9.+-]+\+)?json", re.IGNORECASE)
_SERVER_ERROR = 500
_SERVICE_ACCOUNT = "@techacct.adobe.com"

_log = structlog.get_logger()


class Access(Protocol):
    """What the gateway needs to know of callers."""

    def authenticate(self, token: str) -> VerifiedToken | None:
        """Return what a token says; None if anything about it is wrong."""


class Sandboxes(Protocol):
    """What the gateway needs to know of sandboxes."""

    def resolve(
        self, org_id: OrgId, *, name: str | None = None, sandbox_id: str | None = None
    ) -> SandboxScope:
        """Return the scope that a request means."""


class Refused(msgspec.Struct, frozen=True):
    """An answer of the gateway's own: its body is written already."""

    status: int
    body: dict[str, object]


class Gateway:
    """ASGI middleware around the whole platform API."""

    def __init__(
        self, application: ASGIApp, *, access: Access, sandboxes: Sandboxes, clock: Clock
    ) -> None:
        self._application = application
        self._access = access
        self._sandboxes = sandboxes
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass it on with its context, body and document in its state."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send)
        try:
            answer = await self._admit(exchange, receive)
            if answer is None:
                await self._application(scope, exchange.receive, exchange.send)
            else:
                await answer(scope, receive, exchange.send)
        except PlatformError as error:
            if error.status >= _SERVER_ERROR:
                _log.error("request failed", path=exchange.path, code=error.code, error=str(error))
            await exchange.fail(problem_of(error), self._clock)
        except Exception:  # noqa: BLE001  the request boundary is a supervisor
            # The request boundary: whatever went wrong ends here, once in the log, and the
            # caller gets an answer in the shape of the service.
            _log.exception("request failed", path=exchange.path, request_id=exchange.request_id)
            await exchange.fail(_internal_error(exchange.path), self._clock)

    async def _admit(self, exchange: "_Exchange", receive: Receive) -> Response | None:
        is_guarded = exchange.path.startswith(_GUARDED) and exchange.path not in _OPEN
        if not is_guarded:
            exchange.hold(await read_body(receive))
            return None
        caller = await run_in_threadpool(self._authorize, exchange.headers)
        if isinstance(caller, Refused):
            return json_response(caller.body, status=caller.status)
        is_bulk = exchange.path in _BULK
        bytes_max = _BULK.get(exchange.path, PLATFORM_BODY_BYTES_MAX)
        body = await read_body(receive, bytes_max=bytes_max)
        if exchange.method in _WITH_BODY and body:
            allowed = _BULK_TYPE if is_bulk else _JSON_TYPE
            untyped = _JSON if exchange.path.startswith(_UNTYPED) else ""
            if not allowed.fullmatch(_media_type(exchange.headers) or untyped):
                return json_response(_CONTENT_TYPE, status=400)
            check_encoding(exchange.headers.get("content-encoding", ""))
            if not is_bulk:
                exchange.state["document"] = read_document(body)
        exchange.state["context"] = await run_in_threadpool(self._place, exchange, caller)
        exchange.hold(body)
        return None

    def _authorize(self, headers: Headers) -> VerifiedToken | Refused:
        authorization = headers.get("authorization", "")
        if not headers.get("x-api-key"):
            return _refused("403000", "Api Key is required")
        if not authorization:
            return _refused("403010", "Oauth token is missing.")
        scheme, _, token = authorization.partition(" ")
        caller = self._access.authenticate(token.strip()) if scheme.lower() == "bearer" else None
        if caller is None:
            return _refused("401013", "Oauth token is not valid")
        return _check_claims(caller, headers) or caller

    def _place(self, exchange: "_Exchange", caller: VerifiedToken) -> Context:
        name: str | None = exchange.headers.get("x-sandbox-name")
        sandbox_id: str | None = exchange.headers.get("x-sandbox-id")
        if exchange.path.startswith(problems.SANDBOX_MANAGEMENT):
            name = sandbox_id = None  # it manages all sandboxes; the headers mean nothing there
        scope = self._sandboxes.resolve(OrgId(caller.org_id), name=name, sandbox_id=sandbox_id)
        is_service = caller.user_id.endswith(_SERVICE_ACCOUNT)
        user_id = caller.client_id if is_service else caller.user_id
        actor = Actor(caller.client_id, user_id, exchange.request_id)
        return Context(scope, actor, exchange.request_id)


class _Exchange:
    """One request and its answer: the id that both carry, and the body that was read."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.headers = Headers(scope=scope)
        self.method: str = scope["method"]
        # A slash at the end means nothing here, and a redirect would lose clients that do
        # not follow one.
        self.path: str = scope["path"].rstrip("/") or "/"
        scope["path"] = self.path
        self.state: dict[str, object] = scope.setdefault("state", {})
        asked = self.headers.get("x-request-id", "")
        self.request_id = asked if _REQUEST_ID.fullmatch(asked) else ids.new_request_id()
        self.state["request_id"] = self.request_id
        self._scope = scope
        self._receive = receive
        self._send = send
        self._is_started = False
        self._pending: list[Message] = []

    def hold(self, body: bytes) -> None:
        """Keep the body for whoever reads it next."""
        self.state["body"] = body
        self._pending = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive(self) -> Message:
        # After the body nothing comes but the end of the connection, for those who look for it.
        return self._pending.pop() if self._pending else await self._receive()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._is_started = True
            identity = (b"x-request-id", self.request_id.encode())
            message = {**message, "headers": [*message.get("headers", []), identity]}
        await self._send(message)

    async def fail(self, problem: Problem, clock: Clock) -> None:
        """Answer with a problem, unless an answer has begun."""
        if not self._is_started:
            answer = problem_response(self.path, problem, self.request_id, now_ms=clock.now_ms())
            await answer(self._scope, self.receive, self.send)


def problem_response(path: str, problem: Problem, request_id: str, *, now_ms: int) -> Response:
    """Return a problem as an answer in the shape of the path's service."""
    body = problem_body(path, problem, Occurrence(request_id, now_ms))
    return json_response(body, status=problem.status)


def _internal_error(path: str) -> Problem:
    # Flow Service publishes a code for this; the others get ours.
    code = "FLOW-1400" if path.startswith(problems.FLOW_SERVICE) else "API-1500"
    return Problem(status=500, code=code, title="Internal Error", message=problems.INTERNAL_ERROR)


def _check_claims(caller: VerifiedToken, headers: Headers) -> Refused | None:
    org_id = headers.get("x-gw-ims-org-id", "")
    if headers.get("x-api-key") != caller.client_id:
        return _refused("403003", "Api Key is invalid")
    if not org_id:
        return _refused("400003", "Missing header")
    if not _ORG_ID.fullmatch(org_id):
        return _refused("403027", "User region is missing")
    if org_id != caller.org_id:
        return _refused("403025", "Profile is not valid")
    return None


def _refused(code: str, message: str) -> Refused:
    return Refused(int(code[:3]), {"error_code": code, "message": message})


def _media_type(headers: Headers) -> str:
    return headers.get("content-type", "").partition(";")[0].strip()


_CONTENT_TYPE = {
    "type": "/placeholder/type/uri",
    "status": 400,
    "title": "BadRequestError",
    "detail": "A valid content-type must be specified",
}
