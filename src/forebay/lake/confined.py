"""Queries in processes of their own, killed when time is up or nobody waits any more."""

import asyncio
import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import msgspec

from forebay.kernel.errors import Disposition, PlatformError
from forebay.lake.query_process import Delivery, Order, Wish
from forebay.lake.statement import QueryRefused, View

_ENVIRONMENT = {"MALLOC_ARENA_MAX": "2"}
"""Nothing of ours; the C library reserves addresses for each core, and those are bounded."""
_KILL_AFTER_SECONDS = 1.0
"""After the time that the query has: DuckDB breaks most of them off by itself."""
_LINE_BYTES_MAX = 16 * 1_048_576

_MessageT = TypeVar("_MessageT", Wish, Delivery)


class QueryFailed(PlatformError):
    """The process of a query ended before it had an answer."""

    code = "LAKE-1500"
    status = 500
    title = "Query failed"
    disposition = Disposition.REJECT


class Answer(NamedTuple):
    """A result in the form that was asked for."""

    content: bytes
    row_count: int
    is_truncated: bool


async def answer(order: Order, views_of: Callable[[Sequence[str]], list[View]]) -> Answer:
    """
    Run a query in a process of its own; when the caller is cancelled the process is killed.

    Args:
        order: The query.
        views_of: Returns the views of these names; it is called in a thread.

    Raises:
        QueryRefused: The query is not a reading one, is wrong, or wants too much.
        QueryFailed: The process ended.
        TableUnavailable: A table it names is damaged.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        "-m",
        "forebay.lake.query_process",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=_ENVIRONMENT,
        cwd="/",
        limit=_LINE_BYTES_MAX,
    )
    try:
        async with asyncio.timeout(order.seconds_max + _KILL_AFTER_SECONDS):
            return await _converse(process, order, views_of)
    except TimeoutError:
        message = "the query took too long and was broken off: ask for less"
        raise QueryRefused(message) from None
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _converse(
    process: asyncio.subprocess.Process,
    order: Order,
    views_of: Callable[[Sequence[str]], list[View]],
) -> Answer:
    await _tell(process, order)
    wish = await _hear(process, Wish)
    views = await asyncio.to_thread(views_of, wish.names)
    await _tell(process, views)
    delivery = await _hear(process, Delivery)
    assert process.stdout is not None  # noqa: S101  it was asked for
    try:
        content = await process.stdout.readexactly(delivery.byte_count)
    except asyncio.IncompleteReadError:
        raise await _ended(process) from None
    return Answer(content, delivery.row_count, delivery.is_truncated)


async def _tell(process: asyncio.subprocess.Process, what: object) -> None:
    assert process.stdin is not None  # noqa: S101  it was asked for
    process.stdin.write(msgspec.json.encode(what) + b"\n")
    try:
        await process.stdin.drain()
    except (BrokenPipeError, ConnectionResetError):
        raise await _ended(process) from None


async def _hear(process: asyncio.subprocess.Process, kind: type[_MessageT]) -> _MessageT:
    assert process.stdout is not None  # noqa: S101  it was asked for
    line = await process.stdout.readline()
    if not line:
        raise await _ended(process)
    message = msgspec.json.decode(line, type=kind)
    if message.refused is not None:
        raise QueryRefused(message.refused, **message.report)
    return message


async def _ended(process: asyncio.subprocess.Process) -> QueryFailed:
    code = await process.wait()
    return QueryFailed(
        f"The process of the query ended with code {code} before it had an answer: it was "
        "stopped, needed more memory than it may use, or met a fault of DuckDB. Other queries "
        "are not touched; ask for less."
    )
