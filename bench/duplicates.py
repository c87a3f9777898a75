"""
What the duplicate rule costs a record, and what memory the index takes.

    python bench/duplicates.py [--ids 10000000] [--flush 100000] [--flushes 20]
                               [--layout sealed|filling] [--directory DIR]

The index is written directly: the ids of 24 hours, one run an hour, as it is after its upkeep;
with ``filling`` the last hour is in as many runs as it may have before they are merged. Then
flushes of new ids are claimed and committed, with the upkeep that follows them. The first figure
is processor time, the second what a clock on the wall says, the disk's syncs included. `anonymous`
is memory that is the process's own; `file` is page cache, which the system takes back when it
needs it.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from forebay.kernel import json
from forebay.kernel.ids import Offset, PartitionId
from forebay.lake.ports import Origin
from forebay.processing.identifiers.digests import Digester, says_the_same
from forebay.processing.identifiers.entries import PLACE, WHEN, Entries, by_key, entries_of
from forebay.processing.identifiers.files import FileIndex
from forebay.processing.identifiers.manifest import Manifest, write_manifest
from forebay.processing.identifiers.ports import HOUR_MS, Verdict
from forebay.processing.identifiers.runs import RunName, RunWriter

HOURS = 24
WINDOW_MS = HOURS * HOUR_MS
START_HOUR = 500_000
FILLING = [2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1]
"""Shares of the runs of an hour that fills, the oldest first."""

_random = np.random.default_rng(7)


def new_entries(count: int, hour: int) -> Entries:
    entries = _random.integers(0, 2**64, (5, count), np.uint64)
    first = hour * HOUR_MS
    entries[WHEN] = np.linspace(first, first + HOUR_MS - 1, count).astype(np.uint64)
    entries[WHEN] = entries[WHEN] << np.uint64(16) | np.uint64(1)
    entries[PLACE] = np.arange(count, dtype=np.uint64) << np.uint64(1)
    return entries


def build(directory: Path, ids: int, layout: str) -> float:
    names: list[RunName] = []
    began = time.perf_counter()
    for hour in range(START_HOUR, START_HOUR + HOURS):
        is_filling = layout == "filling" and hour == START_HOUR + HOURS - 1
        shares = FILLING if is_filling else [1]
        for share in shares:
            serial, count = len(names) + 1, ids // HOURS * share // sum(shares)
            level = {2: 1}.get(share, 0) if is_filling else 3
            name = RunName(hour, serial, serial, serial, level, count)
            writer = RunWriter(directory, name)
            entries = by_key(new_entries(count, hour))
            for start in range(0, count, 1_000_000):
                writer.append(entries[:, start : start + 1_000_000])
            writer.finish()
            names.append(name)
    write_manifest(directory, Manifest(len(names), tuple(names)))
    return time.perf_counter() - began


def enter(index: FileIndex, claims: Entries) -> None:
    verdicts = index.claim(claims)
    assert (verdicts.kinds == Verdict.FIRST).all()


def memory_mib() -> str:
    status = Path("/proc/self/status").read_text()
    lines = dict(line.split(":", 1) for line in status.splitlines())
    own, file = (int(lines[name].split()[0]) / 1024 for name in ("RssAnon", "RssFile"))
    return f"anonymous {own:,.0f} MiB, file {file:,.0f} MiB"


def measure(directory: Path, flush: int, flushes: int) -> None:
    print(f"before opening      {memory_mib()}")
    began = time.perf_counter()
    index = FileIndex(directory, window_ms=WINDOW_MS)
    print(f"open, all checked   {time.perf_counter() - began:8.2f} s")
    hour = START_HOUR + HOURS - 1
    cpu, wall = ({name: [0.0] for name in ("claim", "commit", "tidy")} for _ in range(2))
    seen: list[Entries] = []

    def timed(name: str, work: Callable[[], bool | None]) -> bool | None:
        began = time.process_time(), time.perf_counter()
        result = work()
        cpu[name].append(time.process_time() - began[0])
        wall[name].append(time.perf_counter() - began[1])
        return result

    for _ in range(flushes):
        claims = new_entries(flush, hour)
        seen.append(claims)
        timed("claim", partial(enter, index, claims))
        timed("commit", index.commit)
        while timed("tidy", index.tidy):
            pass
    for name in cpu:
        per_record = [sum(taken[name]) / (flush * flushes) * 1e6 for taken in (cpu, wall)]
        worst = f"worst {max(wall[name]) * 1e3:.0f} ms"
        print(f"{name:9} new ids   {per_record[0]:8.2f} {per_record[1]:8.2f} us/record   {worst}")
    whole = [sum(map(sum, taken.values())) / (flush * flushes) * 1e6 for taken in (cpu, wall)]
    print(f"all three           {whole[0]:8.2f} {whole[1]:8.2f} us/record")
    repeated = seen[0].copy()
    repeated[PLACE] += np.uint64(1 << 40)
    began = time.process_time()
    verdicts = index.claim(repeated)
    seconds = time.process_time() - began
    assert (verdicts.kinds == Verdict.SAME).all()
    print(f"claim     repeated  {seconds / flush * 1e6:8.2f} us/record")
    print(f"at the end          {memory_mib()}")
    files = list(directory.glob("*.run"))
    size = sum(file.stat().st_size for file in files) / 2**20
    print(f"on disk             {size:,.0f} MiB in {len(files)} runs")


def digesting(count: int) -> None:
    entities = [json.encode(an_event(number)) for number in range(count)]
    digester = Digester("sandbox", "dataset")
    began = time.process_time()
    digests = [digester.digest(entity) for entity in entities]
    seconds = time.process_time() - began
    print(f"digest ({len(entities[0])} bytes)  {seconds / count * 1e6:8.2f} us/record")
    origin = Origin(
        received_ms=START_HOUR * HOUR_MS,
        partition=PartitionId(1),
        offset=Offset(1),
        is_batch=True,
        inlet_id="i",
        source_name="s",
        flow_id=None,
        is_authenticated=False,
        schema_version="1.0",
    )
    began = time.process_time()
    entries_of(b"".join(d for d in digests if d), [origin] * count, list(range(count)))
    seconds = time.process_time() - began
    print(f"entries             {seconds / count * 1e6:8.2f} us/record")
    again = [json.encode(dict(reversed(json.decode(entity).items()))) for entity in entities]
    began = time.process_time()
    assert all(map(says_the_same, entities, again))
    seconds = time.process_time() - began
    print(f"says_the_same       {seconds / count * 1e6:8.2f} us/record")


def an_event(number: int) -> dict[str, object]:
    return {
        "_id": f"event-{number:012d}",
        "timestamp": "2026-11-24T13:17:36.456Z",
        "eventType": "web.webpagedetails.pageViews",
        "identityMap": {"ECID": [{"id": f"{number * 7919:038d}", "primary": True}]},
        "web": {"webPageDetails": {"name": "Product page", "URL": f"https://x.example/{number}"}},
        "productListItems": [
            {"SKU": f"sku-{number % 997}-{item}", "quantity": item, "priceTotal": 9.5 * item}
            for item in range(5)
        ],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ids", type=int, default=10_000_000)
    parser.add_argument("--flush", type=int, default=100_000)
    parser.add_argument("--flushes", type=int, default=20)
    parser.add_argument("--layout", choices=["sealed", "filling"], default="filling")
    parser.add_argument("--directory", type=Path)
    arguments = parser.parse_args()
    digesting(50_000)
    with tempfile.TemporaryDirectory(dir=arguments.directory) as folder:
        directory = Path(folder)
        seconds = build(directory, arguments.ids, arguments.layout)
        print(f"{arguments.ids:,} ids written in {seconds:.0f} s")
        measure(directory, arguments.flush, arguments.flushes)


if __name__ == "__main__":
    main()
