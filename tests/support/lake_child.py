"""A life of the processing role that may end at any of its steps, by SIGKILL."""

import os
import signal
from pathlib import Path

from forebay.kernel.clock import SystemClock
from forebay.kernel.ids import PartitionId
from forebay.lake.iceberg import IcebergTables
from forebay.lake.ledger_memory import MemoryLedger
from forebay.processing.checkpoint import Checkpoint
from forebay.processing.worker import Worker
from support.processing import (
    EVENT_DOCUMENT,
    EVENTS,
    STRING,
    VISITS,
    Directory,
    ListLog,
    a_batch,
    a_message,
    a_single,
    an_event,
    an_object,
)

PARTS = 3
"""Flushes of one life."""


def the_log(parts: int = PARTS) -> ListLog:
    """Return a log in two partitions: good records, broken ones, ones that change their fate."""
    log = ListLog()
    for part in range(parts):
        number = part * 100
        for partition in (PartitionId(1), PartitionId(2)):
            good = [a_message(an_event(number + n)) for n in range(3)]
            wavering = a_message({**an_event(number + 3), "nick": "n"})
            visit = a_message({"_id": f"v{number}", "page": "home"}, VISITS)
            broken = a_message({**an_event(number + 4), "timestamp": 7})
            lost = a_message(an_event(number + 5), "f" * 24)
            huge = a_message({**an_event(number + 6), "big": 2**40})
            log.append(
                a_batch([*good, wavering, visit, broken, lost, {"header": 1}, huge]), partition
            )
            log.append(a_single(visit), partition)
            log.append(a_single(b"no json"), partition)
    return log


MESSAGES = PARTS * 2 * 11


def the_directory(*, is_wide: bool, has_visits: bool) -> Directory:
    """Return the datasets as they are at one time: schemas grow, datasets go and come."""
    members = {**EVENT_DOCUMENT["properties"], "big": {"type": "integer", "meta:xdmType": "int"}}
    if is_wide:
        members["nick"] = STRING
    documents = {EVENTS: an_object(("_id", "timestamp"), **members)}
    if has_visits:
        documents[VISITS] = an_object(("_id",), _id=STRING, page=STRING)
    return Directory(documents)


def live(
    folder: str, kill_at: int, *, is_wide: bool, has_visits: bool, widens_at: int = PARTS
) -> None:
    """
    Work through the log, and end at the step with that number; 0 is none.

    From the part `widens_at` on, the schema of the events has a member more.
    """
    steps = 0

    def on_step(_step: str) -> None:
        nonlocal steps
        steps += 1
        if steps == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    tables = IcebergTables(Path(folder) / "lake", on_step=on_step)
    checkpoint = Checkpoint(Path(folder) / "checkpoint.json")
    whole, log = the_log(), ListLog()
    directory = the_directory(is_wide=is_wide, has_visits=has_visits)
    worker = Worker(
        log,
        directory,
        tables,
        checkpoint,
        SystemClock(),
        ledger=MemoryLedger(),
        on_step=on_step,
    )
    for part in range(PARTS):
        if part == widens_at:
            directory.datasets = the_directory(is_wide=True, has_visits=has_visits).datasets
        for partition, payloads in whole.payloads.items():
            log.payloads[partition] = payloads[: (part + 1) * 3]
        worker.poll()
        worker.flush()
    tables.close()
