"""
Processing on one core: decode, validate, route, Iceberg, from a prepared log.

Run it as ``taskset -c 0 python bench/processing.py [messages]`` with ``tests`` on PYTHONPATH.
Prints the whole rate first, then what each stage costs on its own.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from forebay.kernel import json
from forebay.kernel.clock import SystemClock
from forebay.lake.iceberg import IcebergTables
from forebay.lake.ledger import SqliteLedger
from forebay.lake.ports import Mark, Rows, table_fields
from forebay.processing.checkpoint import Checkpoint
from forebay.processing.identifiers.digests import Digester
from forebay.processing.identifiers.files import FileIndex
from forebay.processing.messages import messages, open_request
from forebay.processing.pending import Done, Pending
from forebay.processing.stages import Pipeline, Tally
from forebay.processing.worker import Worker
from support.processing import (
    EVENT_DOCUMENT,
    EVENTS,
    EVENTS_TABLE,
    PARTITION,
    Directory,
    ListLog,
    a_batch,
    a_message,
    an_event,
)

BATCH = 100


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 300_000
    log = ListLog()
    for start in range(0, count, BATCH):
        log.append(a_batch([a_message(an_event(n)) for n in range(start, start + BATCH)]))
    directory = Directory({EVENTS: EVENT_DOCUMENT}, unique={EVENTS})
    print(f"{count} messages, {len(json.encode(an_event(count)))} bytes per record")
    with tempfile.TemporaryDirectory() as folder:
        whole(log, directory, Path(folder), count)
        stages(log, directory, Path(folder), count)


def whole(log: ListLog, directory: Directory, folder: Path, count: int) -> None:
    tables = IcebergTables(folder / "lake")
    checkpoint = Checkpoint(folder / "checkpoint.json")
    ledger = SqliteLedger(folder / "lake")
    identifiers = FileIndex(folder / "identifiers", window_ms=24 * 3_600_000)
    worker = Worker(
        log,
        directory,
        tables,
        checkpoint,
        SystemClock(),
        ledger=ledger,
        identifiers=identifiers,
    )
    started, cpu = time.perf_counter(), time.process_time()
    while worker.poll():
        if worker._is_flush_due():  # noqa: SLF001
            worker.flush()
    worker.flush()
    seconds = time.perf_counter() - started
    assert checkpoint.positions()[PARTITION].next == count // BATCH
    print(
        f"{'whole':20} {count / seconds:10,.0f} messages/s  {seconds * 1e6 / count:6.2f} us/message"
    )
    print(f"{'whole, CPU':20} {count / (time.process_time() - cpu):10,.0f} messages/s")


def stages(log: ListLog, directory: Directory, folder: Path, count: int) -> None:
    def timed(name: str, work: Callable[[], Any]) -> Any:  # noqa: ANN401  whatever the work returns
        started = time.process_time()
        result = work()
        print(f"{name:20} {(time.process_time() - started) * 1e6 / count:6.2f} us/message")
        return result

    payloads = log.payloads[PARTITION]
    requests = timed(
        "unpack",
        lambda: [open_request(PARTITION, "a", n, p) for n, p in enumerate(payloads)],
    )
    timed("decode", lambda: [list(messages(request)) for request in requests])
    entities = [
        bytes(message.body.xdm_entity) for request in requests for _, message in messages(request)
    ]
    validator = directory.datasets[EVENTS].validator
    timed("validate", lambda: all(map(validator.accepts, entities)))
    tables = IcebergTables(folder / "lake2")
    pipeline = Pipeline(directory, SystemClock())
    tally = Tally(Pending(), Done(tables, {}), set())
    timed("decode to route", lambda: [pipeline.run(request, tally) for request in requests])
    rows: Rows = tally.pending.rows[EVENTS_TABLE]
    fields = table_fields(validator.fields)
    digest = Digester(*EVENTS_TABLE).digest
    timed("digest", lambda: [digest(entity) for entity in entities])
    prepared = timed("prepare", lambda: tables.prepare(fields, rows))
    tables.ensure(EVENTS_TABLE, fields)
    timed(
        "write and commit", lambda: tables.append(EVENTS_TABLE, prepared, {PARTITION: Mark("a", 1)})
    )


if __name__ == "__main__":
    main()
