"""Time that tests own."""


class ManualClock:
    """A clock that moves when it is told to."""

    def __init__(self, now_ms: int = 1_795_000_000_000) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        return self._now_ms

    def monotonic_s(self) -> float:
        return self._now_ms / 1000

    def advance(self, milliseconds: int) -> None:
        self._now_ms += milliseconds


class HurryingClock:
    """A clock on which every look at the time takes a second."""

    def __init__(self) -> None:
        self._seconds = 0.0

    def now_ms(self) -> int:
        return 1_795_000_000_000

    def monotonic_s(self) -> float:
        self._seconds += 1.0
        return self._seconds
