from pathlib import Path

import pytest

from forebay.kernel.ids import Offset, PartitionId
from forebay.processing.checkpoint import Checkpoint, Position, read_positions

ONE, TWO = PartitionId(1), PartitionId(2)


def at(offset: int, log_id: str = "a") -> Position:
    return Position(log_id, Offset(offset))


def test_missing_file_has_no_positions(tmp_path: Path) -> None:
    assert Checkpoint(tmp_path / "checkpoint.json").find(ONE) is None


def test_positions_survive_the_process(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.json"
    Checkpoint(path).advance({ONE: at(3)})

    Checkpoint(path).advance({TWO: at(7)})

    assert Checkpoint(path).positions() == {ONE: at(3), TWO: at(7)}


def test_file_is_what_the_watermarks_are_read_from(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.json"

    Checkpoint(path).advance({ONE: at(3)})

    assert path.read_bytes() == b'{"partitions":{"0001":{"log_id":"a","next":3}}}'


def test_position_never_goes_back(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "checkpoint.json")
    checkpoint.advance({ONE: at(3)})

    with pytest.raises(ValueError, match="behind"):
        checkpoint.advance({ONE: at(2)})

    assert checkpoint.find(ONE) == at(3)


def test_position_in_a_new_log_may_be_lower(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "checkpoint.json")
    checkpoint.advance({ONE: at(3)})

    checkpoint.advance({ONE: at(1, "b")})

    assert checkpoint.find(ONE) == at(1, "b")


@pytest.mark.parametrize(
    "content", [b"", b"{", b'{"partitions": 1}', b'{"partitions":{"x":{"log_id":"a","next":1}}}']
)
def test_damaged_file_counts_as_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "checkpoint.json"
    path.write_bytes(content)

    assert read_positions(path) == {}
