"""
How far the log is done: one small file, replaced whole, that never goes back.

A position says that everything below it is a row or a failed record. It is written after
the tables' commits, so it may be behind them after a crash but never ahead.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec
import structlog

from forebay.kernel.files import replace_durably
from forebay.kernel.ids import Offset, PartitionId


class Position(NamedTuple):
    """How far one partition is done."""

    log_id: str
    next: Offset


class _Entry(msgspec.Struct, frozen=True):
    log_id: str
    next: int


class _File(msgspec.Struct, frozen=True):
    partitions: dict[str, _Entry]


class Checkpoint:
    """The positions in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._positions = read_positions(path)

    def find(self, partition: PartitionId) -> Position | None:
        """Return how far a partition is done; None if nothing of it is."""
        return self._positions.get(partition)

    def positions(self) -> Mapping[PartitionId, Position]:
        """Return how far all partitions are done."""
        return dict(self._positions)

    def advance(self, positions: Mapping[PartitionId, Position]) -> None:
        """
        Make new positions durable; those that are not named stay.

        Raises:
            ValueError: A position would go back in the same log.
        """
        for partition, position in positions.items():
            before = self._positions.get(partition)
            if before and before.log_id == position.log_id and position.next < before.next:
                message = (
                    f"position {position.next} of partition {partition} is behind the "
                    f"checkpoint's {before.next}"
                )
                raise ValueError(message)
        after = {**self._positions, **positions}
        if after == self._positions:
            return
        content = _File({f"{p:04d}": _Entry(*after[p]) for p in sorted(after)})
        replace_durably(self._path, msgspec.json.encode(content))
        self._positions = after


def read_positions(path: Path) -> dict[PartitionId, Position]:
    """
    Return the positions of a checkpoint file; none if it is missing or damaged.

    Starting from the beginning loses nothing and doubles nothing, since the tables know what
    they have; it only takes longer.
    """
    try:
        content = msgspec.json.decode(path.read_bytes(), type=_File)
        return {
            PartitionId(int(number)): Position(entry.log_id, Offset(entry.next))
            for number, entry in content.partitions.items()
        }
    except FileNotFoundError:
        return {}
    except (msgspec.MsgspecError, ValueError) as error:
        structlog.get_logger().error(
            "checkpoint is damaged: reading the log from its start",
            path=str(path),
            error=str(error),
        )
        return {}
