"""Positions and lag, from a real log and a real checkpoint."""

import asyncio
from pathlib import Path

import pytest

from forebay.app import watermarks
from forebay.app.watermarks import Positions
from forebay.kernel.ids import ConnectionId, InletId, Offset, OrgId, PartitionId, SandboxId
from forebay.log.entry import Head, pack
from forebay.log.memory import MemoryLog
from forebay.processing.checkpoint import Checkpoint, Position
from support.clocks import ManualClock

ONE = PartitionId(1)
RECEIVED_MS = 1_700_000_000_000


def a_record(count: int, received_ms: int = RECEIVED_MS, refused: int = 0) -> list[bytes]:
    head = Head(
        received_ms=received_ms,
        org_id=OrgId("o"),
        sandbox_id=SandboxId("s"),
        sandbox_name="prod",
        inlet_id=InletId("i"),
        connection_id=ConnectionId("c"),
        source_name="source",
        is_batch=True,
        count=count,
        refused=dict.fromkeys(range(refused), "bad"),
    )
    return list(pack(head, b"{}"))


class Setting:
    def __init__(self, folder: Path, records: list[list[bytes]]) -> None:
        log = MemoryLog()
        self.log_id = asyncio.run(self._append(log, records))
        self.checkpoint = Checkpoint(folder / "checkpoint.json")
        clock = ManualClock(RECEIVED_MS + 2500)
        self.positions = Positions(log.open_reader(), folder / "checkpoint.json", clock)

    async def _append(self, log: MemoryLog, records: list[list[bytes]]) -> str:
        writer = log.open_writer(ONE)
        for record in records:
            await writer.append(record)
        log_id = writer.log_id
        await writer.close()
        return log_id

    def done(self, next_: int, log_id: str | None = None) -> None:
        self.checkpoint.advance({ONE: Position(log_id or self.log_id, Offset(next_))})


def test_an_empty_log_is_not_behind(tmp_path: Path) -> None:
    setting = Setting(tmp_path, [])

    assert setting.positions.durable() == {ONE: -1}
    assert setting.positions.lake() == {ONE: -1}
    assert setting.positions.lake_lag() == (0, 0.0)


def test_lag_counts_the_accepted_messages_and_the_age_of_the_oldest(tmp_path: Path) -> None:
    setting = Setting(tmp_path, [a_record(5), a_record(3, RECEIVED_MS + 1000, refused=1)])
    before = setting.positions.lake_lag()
    setting.done(1)

    assert before == (7, 2.5)
    assert setting.positions.durable() == {ONE: 1}
    assert setting.positions.lake() == {ONE: 0}
    assert setting.positions.lake_lag() == (2, 1.5)


def test_the_position_of_another_log_does_not_count(tmp_path: Path) -> None:
    setting = Setting(tmp_path, [a_record(1)])
    setting.done(1, log_id="another")

    assert setting.positions.lake() == {ONE: -1}
    assert setting.positions.lake_lag().records == 1


def test_messages_beyond_what_is_read_are_reckoned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watermarks, "_COUNTED_BYTES_MAX", 1)
    monkeypatch.setattr(watermarks, "_READ_BYTES_MAX", 1)
    setting = Setting(tmp_path, [a_record(4)] * 10)

    assert setting.positions.lake_lag().records == 40
