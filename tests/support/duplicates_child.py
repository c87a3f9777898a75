"""A life of the processing role with the duplicate rule, that may end at any of its steps."""

import os
import signal
from pathlib import Path

from forebay.kernel.clock import SystemClock
from forebay.kernel.ids import PartitionId
from forebay.lake.iceberg import IcebergTables
from forebay.lake.ledger_memory import MemoryLedger
from forebay.processing.checkpoint import Checkpoint
from forebay.processing.identifiers.files import FileIndex
from forebay.processing.worker import Worker
from support.processing import (
    EVENT_DOCUMENT,
    EVENTS,
    Directory,
    ListLog,
    a_batch,
    a_message,
    an_event,
    an_object,
)

PARTS = 3
"""Flushes of one life."""
ROWS = 2 + 2 * PARTS
"""One for each id."""
CONFLICTS = 2 * PARTS
FAILED = 2 * PARTS
"""Refused by the schema or by the table."""
_WINDOW_MS = 24 * 3_600_000


def the_log() -> ListLog:
    """Return a log in two partitions: in each part the same two ids, two new ones, and others."""
    log = ListLog()
    for part in range(PARTS):
        new = 100 * (part + 1)
        again = [a_message(an_event(n)) for n in (1, 2)]
        otherwise = a_message(dict(reversed(an_event(1).items())))
        huge = a_message({**an_event(new + 2), "big": 2**40})
        broken = a_message({**an_event(new), "timestamp": 7})
        for partition in (PartitionId(1), PartitionId(2)):
            other = a_message({**an_event(2), "eventType": f"{part} {partition}"})
            good = [a_message(an_event(new + n)) for n in (0, 1)]
            spoilt = huge if partition == 1 else broken
            log.append(a_batch([spoilt, *again, *good, otherwise, other, good[0]]), partition)
    return log


def live(folder: str, kill_at: int) -> None:
    """Work through the log, and end at the step with that number; 0 is none."""
    steps = 0

    def on_step(_step: str) -> None:
        nonlocal steps
        steps += 1
        if steps == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    members = {**EVENT_DOCUMENT["properties"], "big": {"type": "integer", "meta:xdmType": "int"}}
    directory = Directory({EVENTS: an_object(("_id", "timestamp"), **members)}, unique={EVENTS})
    tables = IcebergTables(Path(folder) / "lake", on_step=on_step)
    index = FileIndex(Path(folder) / "identifiers", window_ms=_WINDOW_MS, on_step=on_step)
    whole, log = the_log(), ListLog()
    worker = Worker(
        log,
        directory,
        tables,
        Checkpoint(Path(folder) / "checkpoint.json"),
        SystemClock(),
        ledger=MemoryLedger(),
        identifiers=index,
        on_step=on_step,
    )
    for part in range(PARTS):
        for partition, payloads in whole.payloads.items():
            log.payloads[partition] = payloads[: part + 1]
        worker.poll()
        worker.flush()
    index.close()
    tables.close()
