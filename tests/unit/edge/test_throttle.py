import pytest

from forebay.edge.errors import TooManyValidations
from forebay.edge.throttle import ValidationQuota


class Hand:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def now_ms(self) -> int:
        return int(self.now * 1000)

    def monotonic_s(self) -> float:
        return self.now


def test_quota_is_per_inlet_and_minute() -> None:
    clock = Hand()
    quota = ValidationQuota(clock, per_minute=2)
    quota.take("a")
    quota.take("a")

    with pytest.raises(TooManyValidations) as refused:
        quota.take("a")
    quota.take("b")
    clock.now += refused.value.report["retry_after_s"]  # type: ignore[operator]  # a number
    quota.take("a")


def test_no_quota_is_no_limit() -> None:
    quota = ValidationQuota(Hand(), per_minute=0)

    for _ in range(1_000):
        quota.take("a")


def test_old_windows_are_forgotten() -> None:
    clock = Hand()
    quota = ValidationQuota(clock, per_minute=1)
    for number in range(10_000):
        quota.take(str(number))
    clock.now += 61

    quota.take("new")

    assert len(quota._windows) == 1
