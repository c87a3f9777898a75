"""Tests of the beacon."""

from pathlib import Path

import pytest

from forebay.kernel.ids import Offset
from forebay.log.ports import LogDamaged
from forebay.log.sqlite.beacon import Beacon, Mark, create_beacon, read_beacon

LOG_ID = "3f0c4ab7-6a52-4bb2-9d35-4a4e6f4f8a4e"


def mark(next_: int, first: int = 0) -> Mark:
    return Mark(LOG_ID, Offset(first), Offset(next_))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "beacon"
    create_beacon(path, mark(0))
    return path


def write(path: Path, *nexts: int) -> None:
    beacon = Beacon.open(path)
    for next_ in nexts:
        beacon.write(Offset(0), Offset(next_))
    beacon.close()


def test_new_beacon_says_what_it_was_made_with(path: Path) -> None:
    assert read_beacon(path) == mark(0)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_last_write_counts(path: Path, count: int) -> None:
    write(path, *range(10, 10 + count))

    assert read_beacon(path) == mark(9 + count)


def test_writing_goes_on_after_reopening(path: Path) -> None:
    write(path, 1)
    write(path, 2)
    write(path, 3)

    assert read_beacon(path) == mark(3)


@pytest.mark.parametrize("at", range(0, 1024, 13))
def test_damage_falls_back_to_the_write_before_or_is_reported(path: Path, at: int) -> None:
    write(path, 1, 2)
    content = bytearray(path.read_bytes())
    content[at] ^= 0x10
    path.write_bytes(content)

    assert read_beacon(path) in {mark(1), mark(2)}


@pytest.mark.parametrize("length", range(0, 1024, 31))
def test_shortened_beacon_falls_back_or_is_reported(path: Path, length: int) -> None:
    write(path, 1, 2)
    path.write_bytes(path.read_bytes()[:length])

    try:
        found = read_beacon(path)
    except LogDamaged:
        found = None

    assert found in {mark(1), mark(2), None}


def test_beacon_without_a_valid_slot_is_reported(path: Path) -> None:
    path.write_bytes(bytes(1024))

    with pytest.raises(LogDamaged, match="neither slot"):
        read_beacon(path)
    with pytest.raises(LogDamaged, match="neither slot"):
        Beacon.open(path)
