"""
A process that answers one query and ends: ``python -m forebay.lake.query_process``.

DuckDB's own limits leave gaps: its memory limit does not count all it uses, some of its
functions do not look for an interruption, and a fault of it ends the process it is in. So what
strangers ask runs here, under the limits of the operating system, with nothing to inherit.

It speaks lines of JSON: it reads an `Order`, answers with a `Wish` (the views it needs), reads
their definitions, and writes a `Delivery` with the bytes of the result behind it.
"""

import os
import resource
import signal
import sys
from typing import Any

import msgspec

from forebay.lake.output import write
from forebay.lake.statement import MEMORY_LIMIT, QueryRefused, Statement, View

ADDRESS_BYTES_MAX = 3 * 512 * 1024**2
"""Address space, most of which is never used: threads, arenas and libraries reserve it."""
GRACE_SECONDS = 2
NICENESS = 10


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked."""

    sql: str
    names: list[str]
    """What tables are called."""
    form: str
    limit: int
    bytes_max: int
    seconds_max: float


class Wish(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The views that a statement needs, or why it cannot be answered."""

    names: list[str] = []
    refused: str | None = None
    report: dict[str, Any] = {}


class Delivery(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the result is, or why there is none; so many bytes follow."""

    byte_count: int = 0
    row_count: int = 0
    is_truncated: bool = False
    refused: str | None = None
    report: dict[str, Any] = {}


def main() -> None:
    """Answer the query that comes on standard input."""
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    _limit(order.seconds_max)
    try:
        statement = Statement(order.sql)
        names = statement.choose(order.names)
    except QueryRefused as error:
        _say(Wish(refused=error.message, report=error.report))
        return
    _say(Wish(names=names))
    views = msgspec.json.decode(sys.stdin.buffer.readline(), type=list[View])
    try:
        with statement.run(
            views, seconds_max=order.seconds_max, memory_limit=MEMORY_LIMIT
        ) as result:
            written = write(result, order.form, limit=order.limit, bytes_max=order.bytes_max)
    except QueryRefused as error:
        _say(Delivery(refused=error.message, report=error.report))
        return
    except MemoryError:
        _say(Delivery(refused="the query needs more memory than it may use"))
        return
    _say(
        Delivery(
            byte_count=len(written.content),
            row_count=written.row_count,
            is_truncated=written.is_truncated,
        )
    )
    sys.stdout.buffer.write(written.content)
    sys.stdout.buffer.flush()


def _limit(seconds_max: float) -> None:
    """Bound this process, and let everything else go first."""
    for what, most in (
        (resource.RLIMIT_AS, ADDRESS_BYTES_MAX),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))
    os.nice(NICENESS)
    # Should nobody be left to end it: the signal's default is the end of the process.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds_max + GRACE_SECONDS)


def _say(what: Wish | Delivery) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(what) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
