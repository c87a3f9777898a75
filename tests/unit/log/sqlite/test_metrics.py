"""Tests of the log's metrics."""

import asyncio
from pathlib import Path

from prometheus_client import CollectorRegistry

from forebay.log.sqlite import SqliteLogWriter
from forebay.log.sqlite.metrics import LogMetrics
from support.logs import PARTITION


def test_what_was_committed_is_counted(tmp_path: Path) -> None:
    writer = SqliteLogWriter.open(tmp_path, PARTITION)
    registry = CollectorRegistry()
    registry.register(LogMetrics(writer))

    async def append() -> None:
        await writer.append([b"12345"])
        await writer.close()

    asyncio.run(append())

    assert registry.get_sample_value("forebay_log_records_total") == 1
    assert registry.get_sample_value("forebay_log_commits_total") == 1
    assert registry.get_sample_value("forebay_log_bytes_total") == 13
