"""
``POST /forebay/v1/query``: one SELECT over the datasets of the caller's sandbox.

A few queries run at a time, each in a process of its own, and a few more may wait; who comes
then is told to come again. When a client goes away its query ends.
"""

import asyncio
from typing import Any, Protocol

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from forebay.api.context import context_of, document_of
from forebay.control.scope import Scope
from forebay.kernel.errors import Disposition, PlatformError

LIMIT_DEFAULT = 1_000
LIMIT_MAX = 1_000_000
SECONDS_DEFAULT = 30
SECONDS_MAX = 60
SQL_BYTES_MAX = 100_000

_AT_ONCE_MAX = 2
_WAITING_MAX = 16
_LOOK_SECONDS = 0.1
"""How often it is looked whether the client is still there."""
_GONE = 499
"""Nobody receives it."""

_TYPES = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "arrow": "application/vnd.apache.arrow.stream",
    "parquet": "application/vnd.apache.parquet",
}


class QueryInvalid(PlatformError):
    """A query was asked for in a way that cannot be understood."""

    code = "QUERY-1400"
    status = 400
    title = "Query invalid"
    disposition = Disposition.REJECT


class QueriesBusy(PlatformError):
    """As many queries as may wait are waiting."""

    code = "QUERY-1503"
    status = 503
    title = "Too many queries"
    disposition = Disposition.RETRY


class Asked(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What a client wants to know, and how."""

    sql: str
    limit: int = LIMIT_DEFAULT
    """Rows to answer at most."""
    timeout_seconds: float = SECONDS_DEFAULT
    format: str = "json"


class Result(Protocol):
    """A result in the form that was asked for."""

    @property
    def content(self) -> bytes:
        """The bytes."""

    @property
    def row_count(self) -> int:
        """Rows in them."""

    @property
    def is_truncated(self) -> bool:
        """Whether there are more rows than were asked for."""


class Queries(Protocol):
    """The datasets of all sandboxes, to be asked."""

    async def answer(self, scope: Scope, asked: Asked) -> Result:
        """Return the result; when this is cancelled, the query ends."""


def router(queries: Queries) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/forebay/v1", tags=["Forebay"])
    line = _Line()

    @routes.post("/query")
    async def query(request: Request) -> Response:
        """Answer a SELECT over the current rows of the sandbox's datasets."""
        asked = _read(document_of(request))
        return await line.serve(request, queries, asked)

    return routes


class _Line:
    """Those whose query runs or waits."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(_AT_ONCE_MAX)
        self._present = 0

    async def serve(self, request: Request, queries: Queries, asked: Asked) -> Response:
        if self._present >= _AT_ONCE_MAX + _WAITING_MAX:
            raise QueriesBusy(
                f"{_AT_ONCE_MAX} queries are running and {_WAITING_MAX} are waiting: ask again."
            )
        self._present += 1
        try:
            work = asyncio.ensure_future(self._answer(request, queries, asked))
            return await _while_present(request, work)
        finally:
            self._present -= 1

    async def _answer(self, request: Request, queries: Queries, asked: Asked) -> Response:
        async with self._turns:
            result = await queries.answer(context_of(request).scope, asked)
        return Response(
            result.content,
            headers={
                "content-type": _TYPES[asked.format],
                "x-forebay-rows": str(result.row_count),
                "x-forebay-truncated": "true" if result.is_truncated else "false",
            },
        )


async def _while_present(request: Request, work: "asyncio.Future[Response]") -> Response:
    try:
        while True:
            done, _ = await asyncio.wait({work}, timeout=_LOOK_SECONDS)
            if done:
                return work.result()
            if await request.is_disconnected():
                return Response(status_code=_GONE)
    finally:
        if not work.done():
            work.cancel()
            await asyncio.wait({work})


def _read(document: Any) -> Asked:  # noqa: ANN401  any JSON value
    try:
        asked = msgspec.convert(document, Asked)
    except msgspec.ValidationError as error:
        raise QueryInvalid(
            f"The body is not what is expected: {error}. Expected is sql, and where wanted limit, "
            "timeoutSeconds and format."
        ) from None
    if asked.format not in _TYPES:
        raise QueryInvalid(f"format is {asked.format[:40]!r}; expected one of {', '.join(_TYPES)}.")
    if not 0 <= asked.limit <= LIMIT_MAX:
        raise QueryInvalid(f"limit is {asked.limit}; expected a number from 0 to {LIMIT_MAX}.")
    if not 0 < asked.timeout_seconds <= SECONDS_MAX:
        raise QueryInvalid(
            f"timeoutSeconds is {asked.timeout_seconds}; expected a number above 0, up to "
            f"{SECONDS_MAX}."
        )
    if len(asked.sql.encode()) > SQL_BYTES_MAX:
        raise QueryInvalid(f"sql has more than {SQL_BYTES_MAX} bytes.")
    return asked
