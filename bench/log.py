"""
Appends per second and their latency, sync included, on the disk of this machine.

    python bench/log.py [--seconds 3] [--directory DIR] [--reader] [--uvloop]
                        [--checkpoint-mib 4] [--work-us 0] [--switch-ms 5]

Closed loop: each of N clients appends its next record when the last one is acknowledged. The
clients do nothing else, so that the figures are the log's own and not the edge's; with
`--work-us` each does that much Python work per record, as an edge would, and `--switch-ms`
sets how long the interpreter lets one thread keep the other from running. `loop` is the
processor time of the event loop's thread per append, `thread` that of the writer's.
"""

import argparse
import asyncio
import multiprocessing
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

import uvloop

from forebay.kernel.ids import Offset, PartitionId
from forebay.log.sqlite import SqliteLogReader, SqliteLogWriter, WriterOptions
from forebay.log.sqlite.frames import pack_group

PARTITION = PartitionId(1)
HEAD = b"h" * 180
CASES = [(1, 1_000), (64, 1_000), (128, 1_000), (256, 1_000), (8, 100_000), (32, 100_000)]


def thread_seconds(thread_id: int) -> float:
    fields = Path(f"/proc/self/task/{thread_id}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def work(seconds: float) -> None:
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


async def measure(
    writer: SqliteLogWriter, clients: int, size: int, *, seconds: float, work_us: float
) -> str:
    body = os.urandom(size)
    latencies: list[float] = []
    end = time.perf_counter() + seconds

    async def client() -> None:
        while time.perf_counter() < end:
            if work_us:
                work(work_us / 1e6)
            began = time.perf_counter()
            await writer.append((b"len4", HEAD, body))
            latencies.append(time.perf_counter() - began)

    writer_thread = next(t for t in threading.enumerate() if t.name.startswith("log-"))
    assert writer_thread.native_id is not None
    cpu = time.thread_time(), thread_seconds(writer_thread.native_id)
    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    elapsed = time.perf_counter() - began
    count = len(latencies)
    loop_us = (time.thread_time() - cpu[0]) / count * 1e6
    thread_us = (thread_seconds(writer_thread.native_id) - cpu[1]) / count * 1e6
    latencies.sort()
    p50, p99, p999 = (latencies[int(count * share)] * 1e3 for share in (0.5, 0.99, 0.999))
    rate = f"{count / elapsed:10,.0f} {count * size / elapsed / 1e6:7.1f}"
    latency = f"{p50:8.2f} {p99:8.2f} {p999:8.2f} {latencies[-1] * 1e3:8.2f}"
    return f"{clients:7} {size:9} {rate} {latency} {loop_us:8.1f} {thread_us:9.1f}"


async def append_cases(root: Path, arguments: argparse.Namespace) -> None:
    rate = f"{'appends/s':>10} {'MB/s':>7}"
    latency = f"{'p50 ms':>8} {'p99 ms':>8} {'p99.9 ms':>8} {'max ms':>8}"
    print(f"{'clients':>7} {'bytes':>9} {rate} {latency} {'loop us':>8} {'thread us':>9}")
    checkpoint_bytes = int(arguments.checkpoint_mib * 1_048_576)
    writer = SqliteLogWriter.open(
        root, PARTITION, options=WriterOptions(checkpoint_bytes=checkpoint_bytes)
    )
    for clients, size in CASES:
        line = measure(writer, clients, size, seconds=arguments.seconds, work_us=arguments.work_us)
        print(await line)
    await writer.close()


def follow(root: str) -> None:
    """Read the log's tail as processing does, for ever."""
    reader = SqliteLogReader(Path(root))
    position = Offset(0)
    while True:
        if PARTITION in reader.partitions() and position < reader.bounds(PARTITION).next:
            position = Offset(reader.read(PARTITION, position, bytes_max=4_000_000)[-1].offset + 1)
        else:
            time.sleep(0.02)


def read_back(root: Path) -> None:
    reader = SqliteLogReader(root)
    first, end = reader.bounds(PARTITION)
    began = time.perf_counter()
    position, size = first, 0
    while position < end and time.perf_counter() - began < 3:
        records = reader.read(PARTITION, position, bytes_max=4_000_000)
        size += sum(len(record.payload) for record in records)
        position = Offset(records[-1].offset + 1)
    elapsed = time.perf_counter() - began
    print(f"read    {(position - first) / elapsed:,.0f} records/s  {size / elapsed / 1e6:.0f} MB/s")
    began = time.perf_counter()
    for _ in range(2000):
        reader.bounds(PARTITION)
    print(f"bounds  {(time.perf_counter() - began) / 2000 * 1e6:.1f} us")
    began = time.perf_counter()
    pack_group(Offset(0), [(b"len4", HEAD, bytes(1000))] * 10_000)
    print(f"framing {(time.perf_counter() - began) / 10_000 * 1e6:.2f} us per record of 1 kB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--directory", type=Path)
    parser.add_argument("--reader", action="store_true", help="another process follows the log")
    parser.add_argument("--uvloop", action="store_true")
    parser.add_argument("--checkpoint-mib", type=float, default=4.0)
    parser.add_argument("--work-us", type=float, default=0)
    parser.add_argument("--switch-ms", type=float, default=sys.getswitchinterval() * 1e3)
    arguments = parser.parse_args()
    sys.setswitchinterval(arguments.switch_ms / 1e3)
    with tempfile.TemporaryDirectory(dir=arguments.directory) as directory:
        root = Path(directory)
        follower = multiprocessing.get_context("spawn").Process(
            target=follow, args=(directory,), daemon=True
        )
        if arguments.reader:
            follower.start()
        loop_factory = uvloop.new_event_loop if arguments.uvloop else asyncio.new_event_loop
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(append_cases(root, arguments))
        if arguments.reader:
            follower.terminate()
        began = time.perf_counter()
        reopened = SqliteLogWriter.open(root, PARTITION)
        print(f"reopen  {(time.perf_counter() - began) * 1e3:.0f} ms")
        asyncio.run(reopened.close())
        read_back(root)


if __name__ == "__main__":
    main()
