"""
kill -9 of the whole process group while records are sent: every receipt is honoured, once.

The oracle is outside the system: the receipts that `forebay send` wrote down as it got them.
"""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.server import Client, Server

KILLS = 20


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_acknowledged_record_is_there_once_after_kills(tmp_path: Path) -> None:
    server = Server(tmp_path / "data").start()
    Client(server).people("crash")
    receipts = tmp_path / "receipts"
    chance = random.Random(7)

    for kill in range(KILLS):
        sending = start_sending(server, receipts.with_suffix(f".{kill}"), seed=kill * 100_000)
        time.sleep(chance.uniform(0.05, 1.2))  # the moment of the crash is the input here
        server.kill()
        sending.wait(timeout=60)
        server.start()
    server.await_lake()

    acknowledged = [
        line for file in tmp_path.glob("receipts.*") for line in file.read_text().splitlines()
    ]
    rows = server.query("select _ingest.xactionId as id, count(*) as n from crash group by 1")
    counts = {row["id"]: row["n"] for row in rows}
    failed = server.query("select count(*) as n from failed_records")
    exit_code = server.stop()
    server.close()
    assert exit_code == 0
    assert len(acknowledged) > KILLS
    assert [a for a in acknowledged if a not in counts] == []
    assert [i for i, n in counts.items() if n != 1] == []
    assert failed == [{"n": 0}]


def start_sending(server: Server, receipts: Path, *, seed: int) -> "subprocess.Popen[bytes]":
    """Start sending, and return once the first receipts are written."""
    sending = subprocess.Popen(
        [
            *(sys.executable, "-m", "forebay.cli", "send", "--dataset", "crash"),
            *("--samples", "100000", "--seed", str(seed), "--batch", "20", "--connections", "2"),
            *("--receipts", str(receipts), "--data", str(server.data)),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while sending.poll() is None and (not receipts.exists() or receipts.stat().st_size == 0):
        time.sleep(0.01)
    return sending
