"""
The oracle of the crash tests: what a child acknowledged, against what the log holds.

Loss is judged by what came through the child's pipe and by nothing else.
"""

import hashlib
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import BinaryIO, NamedTuple

from forebay.log.ports import LogDamaged
from forebay.log.sqlite.partition import Partition
from forebay.log.sqlite.reader import SqliteLogReader
from support.log_child import DIGEST_BYTES, PARTITION
from support.logs import read_all

TESTS = Path(__file__).parents[1]

Acknowledged = dict[int, str]
"""Offsets and digests."""


class Audit(NamedTuple):
    """What the oracle found; all but the first two must be empty."""

    stored: int
    checked: int
    lost: list[str]
    wrong: list[int]
    twice: list[int]
    damage: str


def child(root: Path, mode: str) -> list[str]:
    return [sys.executable, "-B", "-m", "support.log_child", str(root), mode]


def start(
    command: list[str], *, output: int | BinaryIO = subprocess.PIPE
) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    return subprocess.Popen(command, stdout=output, stderr=subprocess.PIPE, env=environment)


def parse(lines: bytes) -> Acknowledged:
    complete = [line.split() for line in lines.split(b"\n")[:-1]]
    return {int(offset): digest.decode() for offset, digest in complete}


def run(command: list[str]) -> tuple[Acknowledged, int, str]:
    """Return what a child acknowledged, how it ended and what it complained of."""
    process = start(command)
    output, errors = process.communicate(timeout=60)
    return parse(output), process.returncode, errors.decode()


def audit(root: Path, acknowledged: Acknowledged) -> Audit:
    """Open the log as a start would, and compare it with what was acknowledged."""
    try:
        Partition.open(root, PARTITION, segment_bytes_max=2**30, checkpoint_bytes=2**30).close()
        reader = SqliteLogReader(root)
        first = reader.bounds(PARTITION).first
        payloads = {record.offset: record.payload for record in read_all(reader)}
        reader.close()
    except LogDamaged as damage:
        return Audit(0, len(acknowledged), ["all"], [], [], damage.message)
    kept = {offset: digest for offset, digest in acknowledged.items() if offset >= first}
    found = {offset: hashlib.sha256(payload).hexdigest() for offset, payload in payloads.items()}
    return Audit(
        stored=len(payloads),
        checked=len(kept),
        lost=[f"{o} {d}" for o, d in kept.items() if found.get(o) != d],
        wrong=[o for o, payload in payloads.items() if not is_whole(payload)],
        twice=[count for count in Counter(found.values()).values() if count > 1],
        damage="" if list(payloads) == list(range(first, first + len(payloads))) else "gap",
    )


class Follower:
    """A process that reads the log while it is written, and says what it saw."""

    def __init__(self, root: Path, said: Path) -> None:
        self._said = said
        with said.open("wb") as output:
            self._process = start(child(root, "follow"), output=output)

    def is_running(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> Acknowledged:
        """End the process and return what it saw."""
        self._process.kill()
        self._process.communicate()
        return parse(self._said.read_bytes())


def is_whole(payload: bytes) -> bool:
    body, digest = payload[:-DIGEST_BYTES], payload[-DIGEST_BYTES:]
    return hashlib.sha256(body).digest() == digest


def is_clean(found: Audit) -> bool:
    return not (found.lost or found.wrong or found.twice or found.damage)


def kill_after_some(process: subprocess.Popen[bytes], count: int, more_s: float) -> Acknowledged:
    """Kill a child a random moment after it has acknowledged `count` records."""
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(count)]
    timer = threading.Timer(more_s, process.send_signal, [signal.SIGKILL])
    timer.start()
    rest = process.stdout.read()
    timer.join()
    process.communicate()
    return parse(b"".join(lines) + rest)
