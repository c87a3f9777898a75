"""Tests of the disk reserve."""

from pathlib import Path

import pytest

from forebay.log.sqlite.reserve import DiskReserve

GIB = 2**30


class Seconds:
    def __init__(self) -> None:
        self.now_s = 100.0

    def now_ms(self) -> int:
        return int(self.now_s * 1000)

    def monotonic_s(self) -> float:
        return self.now_s


@pytest.mark.parametrize(
    ("total", "free", "is_reached"),
    [
        pytest.param(100 * GIB, GIB, False, id="a gibibyte left"),
        pytest.param(100 * GIB, GIB // 2 - 1, True, id="less than the reserve"),
        pytest.param(GIB, GIB // 19, False, id="a small disk reserves a twentieth"),
        pytest.param(GIB, GIB // 21, True, id="less than a twentieth of a small disk"),
    ],
)
def test_reserve_is_half_a_gibibyte_or_a_twentieth_of_the_disk(
    tmp_path: Path, total: int, free: int, *, is_reached: bool
) -> None:
    reserve = DiskReserve(
        tmp_path, GIB // 2, space=lambda _: (total, total - free, free), clock=Seconds()
    )

    assert reserve.is_reached() is is_reached


def test_space_that_comes_back_is_seen(tmp_path: Path) -> None:
    clock = Seconds()
    free = [0]
    reserve = DiskReserve(tmp_path, GIB, space=lambda _: (100 * GIB, 0, free[0]), clock=clock)
    before = reserve.is_reached()

    free[0] = 2 * GIB
    clock.now_s += 0.06

    assert before
    assert not reserve.is_reached()
