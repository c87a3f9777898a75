"""Time as a dependency, so that tests own it."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Wall-clock and monotonic time."""

    def now_ms(self) -> int:
        """Return the wall-clock time as epoch milliseconds."""

    def monotonic_s(self) -> float:
        """Return seconds that never go backwards; only differences mean something."""


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """Return the wall-clock time as epoch milliseconds."""
        return time.time_ns() // 1_000_000

    def monotonic_s(self) -> float:
        """Return seconds since some fixed moment."""
        return time.monotonic()


def utc(epoch_ms: int) -> datetime:
    """Return the UTC time of an epoch in milliseconds."""
    return datetime.fromtimestamp(epoch_ms / 1000, tz=UTC)
