"""
A process that appends to a log and tells on stdout what was acknowledged, until it is killed.

    support.log_child ROOT crowd          many concurrent appends, without end
    support.log_child ROOT steps          a few commits, a roll and a drop, in one thread
    support.log_child ROOT recover        open and close
    support.log_child ROOT series         six appends, one after the other
    support.log_child ROOT follow         read, from the beginning on, what others append
    support.log_child ROOT early          as steps, but acknowledges before it commits (a mutant)
    support.log_child ROOT unsynced       as series, without syncing (a mutant)
    support.log_child ROOT reckless       as crowd, without syncing (a mutant)

One line per acknowledgement, or per record read: offset and digest. Each payload ends with its
own digest.
"""

import asyncio
import hashlib
import itertools
import os
import random
import sys
import time
from pathlib import Path

from forebay.kernel.ids import Offset, PartitionId
from forebay.log.sqlite.partition import Partition
from forebay.log.sqlite.reader import SqliteLogReader
from forebay.log.sqlite.writer import SqliteLogWriter, WriterOptions

PARTITION = PartitionId(1)
SEGMENT_BYTES_MAX = 40_000
CHECKPOINT_BYTES = 12_000
FAR_FUTURE_MS = 2**50
DIGEST_BYTES = 32


def new_payload(size: int) -> bytes:
    body = os.urandom(16) + b"x" * size
    return body + hashlib.sha256(body).digest()


def acknowledge(offset: int, payload: bytes) -> None:
    line = b"%d %s\n" % (offset, hashlib.sha256(payload).hexdigest().encode())
    os.write(1, line)


def open_writer(root: Path, *, is_synced: bool) -> SqliteLogWriter:
    options = WriterOptions(segment_bytes_max=SEGMENT_BYTES_MAX, checkpoint_bytes=CHECKPOINT_BYTES)
    writer = SqliteLogWriter.open(root, PARTITION, options=options)
    if not is_synced:
        writer._files._segment_bytes_max = 2**30
        writer._files._segment._connection.pragma("synchronous", "OFF")
    return writer


async def crowd(root: Path, *, is_synced: bool = True) -> None:
    writer = open_writer(root, is_synced=is_synced)

    async def client() -> None:
        for _ in itertools.count():
            payload = new_payload(random.randrange(4_000))
            acknowledge(await writer.append([payload[:7], payload[7:]]), payload)

    await asyncio.gather(*(client() for _ in range(16)))


def steps(root: Path, *, is_early: bool = False) -> None:
    partition = Partition.open(
        root, PARTITION, segment_bytes_max=SEGMENT_BYTES_MAX, checkpoint_bytes=CHECKPOINT_BYTES
    )
    for size in (10, 14_000, 10, 28_000, 10, 10):
        payload = new_payload(size)
        if is_early:
            acknowledge(partition.next, payload)
        first = partition.commit([[payload]])
        if not is_early:
            acknowledge(first, payload)
        partition.tidy()
    partition.drop_below(partition.next, written_by_ms=FAR_FUTURE_MS)
    payload = new_payload(10)
    acknowledge(partition.commit([[payload]]), payload)
    partition.close()


def recover(root: Path) -> None:
    Partition.open(
        root, PARTITION, segment_bytes_max=SEGMENT_BYTES_MAX, checkpoint_bytes=CHECKPOINT_BYTES
    ).close()


def follow(root: Path) -> None:
    reader = SqliteLogReader(root)
    position = Offset(0)
    while True:
        is_there = PARTITION in reader.partitions()
        if is_there and position < reader.bounds(PARTITION).next:
            for record in reader.read(PARTITION, position, bytes_max=100_000):
                acknowledge(record.offset, record.payload)
                position = Offset(record.offset + 1)
        else:
            time.sleep(0.005)


async def series(root: Path, *, is_synced: bool = True) -> None:
    writer = open_writer(root, is_synced=is_synced)
    for _ in range(6):
        payload = new_payload(6_000)
        acknowledge(await writer.append([payload]), payload)
    await writer.close()


def main() -> None:
    root = Path(sys.argv[1])
    modes = {
        "crowd": lambda: asyncio.run(crowd(root)),
        "steps": lambda: steps(root),
        "early": lambda: steps(root, is_early=True),
        "recover": lambda: recover(root),
        "follow": lambda: follow(root),
        "series": lambda: asyncio.run(series(root)),
        "reckless": lambda: asyncio.run(crowd(root, is_synced=False)),
        "unsynced": lambda: asyncio.run(series(root, is_synced=False)),
    }
    modes[sys.argv[2]]()


if __name__ == "__main__":
    main()
