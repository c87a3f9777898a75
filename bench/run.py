"""
Everything that is measured here, in one table: ``python bench/run.py [--seconds 5]``.

Prints Markdown on stdout: the machine, then one row per figure with its target, then the
command that made each figure; every command can be run alone. Rates of the edge are compared
with what nginx answers without doing anything, measured in the same run: on another machine
the numbers are others, the ratios less so. A figure that cannot be measured says why.
"""

import argparse
import http.client
import os
import platform
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from forebay.kernel import json

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent
COMMAND_SECONDS_MAX = 120
READY_SECONDS_MAX = 60
IDLE_SECONDS = 3.0
MIB = 1_048_576


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    figure: str
    target: str
    is_met: bool | None
    """None if there is no target, or no figure."""
    command: str


class Unmeasured(Exception):
    """A figure could not be measured; the message says why."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--seconds", type=int, default=5, help="length of each load on the edge")
    options = parser.parse_args()
    parts: list[tuple[str, Callable[[], list[Row]]]] = [
        ("edge", lambda: edge_rows(options.seconds)),
        ("log", log_rows),
        ("validation", validation_rows),
        ("dry runs", dry_run_rows),
        ("queries", query_rows),
        ("processing", processing_rows),
        ("server", server_rows),
    ]
    rows: list[Row] = []
    for name, measure in parts:
        print(f"measuring: {name}", file=sys.stderr)
        try:
            rows += measure()
        except (Unmeasured, OSError, subprocess.SubprocessError) as error:
            rows.append(Row(name, f"not measured: {error}", "", None, ""))
    print(machine())
    print(table(rows))


def machine() -> str:
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    cores = os.cpu_count() or 0
    load = os.getloadavg()[0]
    return (
        f"{cores} cores ({model[1] if model else platform.machine()}), "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}, "
        f"sync of 4 KiB p50 {sync_ms():.2f} ms, load at the end {load:.1f}\n"
    )


def sync_ms() -> float:
    with tempfile.TemporaryFile() as file:
        times = []
        for _ in range(100):
            began = time.perf_counter()
            os.pwrite(file.fileno(), bytes(4096), 0)
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - began)
    return median(times) * 1e3


def table(rows: list[Row]) -> str:
    marks = {True: "✓", False: "✗", None: ""}
    commands = list(dict.fromkeys(row.command for row in rows if row.command))
    lines = ["| what | figure | target | | by |", "| --- | ---: | ---: | --- | --- |"]
    for row in rows:
        by = f"[{commands.index(row.command) + 1}]" if row.command else ""
        lines.append(f"| {row.what} | {row.figure} | {row.target} | {marks[row.is_met]} | {by} |")
    lines += ["", *(f"{number}. `{command}`" for number, command in enumerate(commands, 1))]
    return "\n".join(lines)


def run(*arguments: str) -> tuple[str, str]:
    """Run a benchmark and return what it printed, and the command as a reader would type it."""
    done = subprocess.run(
        arguments,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": "tests"},
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS_MAX,
        check=False,
    )
    typed = shlex.join(
        "python" if argument == sys.executable else argument for argument in arguments
    )
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise Unmeasured(f"`{typed}` ended with {done.returncode}: {reason}")
    return done.stdout, typed


def found(pattern: str, text: str) -> list[float]:
    match = re.search(pattern, text, re.MULTILINE)
    if match is None:
        raise Unmeasured(f"nothing like {pattern!r} was printed")
    return [float(group.replace(",", "")) for group in match.groups()]


def edge_rows(seconds: int) -> list[Row]:
    missing = [
        name
        for name in ("wrk", "nginx")
        if shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin") is None
    ]
    if missing:
        raise Unmeasured(f"{' and '.join(missing)} not installed")
    output, command = run(
        sys.executable, "bench/edge.py", "--seconds", str(seconds), "--log", "sqlite"
    )
    nginx, single, batch = map(json.decode, output.splitlines())
    return [
        Row(
            "nginx `return 200`, body of 1 KB",
            f"{nginx['requests_per_s']:,} req/s",
            "",
            None,
            command,
        ),
        Row(
            "single 1 KB messages, synced",
            f"{single['requests_per_s']:,} req/s",
            "",
            None,
            command,
        ),
        Row(
            "the same, times nginx",
            f"{single['of_nginx']:.2f}",
            "≥ 0.25",
            single["of_nginx"] >= 0.25,
            command,
        ),
        Row(
            "the same, latency p50 / p99",
            f"{single['p50_ms']:.1f} / {single['p99_ms']:.1f} ms",
            "",
            None,
            command,
        ),
        Row(
            "the same, CPU per request",
            f"{single['cpu_us_per_request']:.0f} µs",
            "",
            None,
            command,
        ),
        Row(
            "batches of 100, synced",
            f"{batch['messages_per_s']:,} messages/s",
            "≥ 120,000",
            batch["messages_per_s"] >= 120_000,
            command,
        ),
        Row(
            "errors of all requests above",
            str(nginx["errors"] + single["errors"] + batch["errors"]),
            "0",
            nginx["errors"] + single["errors"] + batch["errors"] == 0,
            command,
        ),
    ]


def log_rows() -> list[Row]:
    output, command = run(sys.executable, "bench/log.py", "--seconds", "1", "--uvloop")
    rows = []
    for clients in (1, 64):
        rate, p50, p99 = found(rf"^ *{clients} +1000 +([\d,]+) +[\d.]+ +([\d.]+) +([\d.]+)", output)
        rows.append(
            Row(
                f"log appends of 1 KB, {clients} at a time",
                f"{rate:,.0f}/s, p50 {p50:.1f}, p99 {p99:.1f} ms",
                "",
                None,
                command,
            )
        )
    return rows


def validation_rows() -> list[Row]:
    output, command = run(sys.executable, "bench/validation.py")
    wanted = [
        ("accept the event of the walk-through", 3),
        ("accept an ordinary record of 10 KB", 25),
        ("explain three violations", 300),
    ]
    rows = []
    for name, most in wanted:
        best, _ = found(rf"^{name}.*? ([\d.]+) +([\d.]+)  <=", output)
        rows.append(Row(name, f"{best:.1f} µs", f"≤ {most} µs", best <= most, command))
    return rows + once_rows(output, command)


def once_rows(output: str, command: str) -> list[Row]:
    """Return what is paid once: for a schema, and for the standard library."""
    wanted = [
        ("compose the largest event schema", "ms", 3_000),
        ("compile the largest event schema", "ms", 5_000),
        ("standard library, first find", "ms", 300),
        ("standard library, everything decoded", "MB", 60),
    ]
    rows = []
    for name, unit, most in wanted:
        (figure,) = found(rf"^{name}.*? ([\d.]+) .* <=", output)
        rows.append(
            Row(name, f"{figure:,.0f} {unit}", f"≤ {most:,} {unit}", figure <= most, command)
        )
    return rows


def dry_run_rows() -> list[Row]:
    output, command = run(sys.executable, "bench/validate_endpoint.py")
    (valid,) = found(r"^valid records +([\d,]+) records/s", output)
    (invalid,) = found(r"^all invalid +([\d,]+) records/s", output)
    (stored,) = found(r"^impact, none fails +([\d,]+) records/s", output)
    return [
        Row("`/forebay/v1/validate`, valid events", f"{valid:,.0f} records/s", "", None, command),
        Row("the same, all invalid", f"{invalid:,.0f} records/s", "", None, command),
        Row("impact report over stored events", f"{stored:,.0f} records/s", "", None, command),
    ]


def query_rows() -> list[Row]:
    output, command = run(sys.executable, "bench/query.py")
    (figure,) = found(r"^aggregate of a nested field +([\d,]+) ms", output)
    name = "query, aggregate over 1,000,000 rows"
    return [Row(name, f"{figure:,.0f} ms", "≤ 1,000 ms", figure <= 1_000, command)]


def processing_rows() -> list[Row]:
    pinned = ["taskset", "-c", "0"] if shutil.which("taskset") else []
    output, command = run(*pinned, sys.executable, "bench/processing.py", "100000")
    (rate,) = found(r"^whole +([\d,]+) messages/s", output)
    return [
        Row(
            "processing, one core",
            f"{rate:,.0f} messages/s",
            "≥ 60,000",
            rate >= 60_000,
            f"PYTHONPATH=tests {command}",
        )
    ]


def server_rows() -> list[Row]:
    ports = free_ports(2)
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder), ports) as (pid, began):
        ready_s = max(ready_after(port, began) for port in ports)
        time.sleep(IDLE_SECONDS)
        pids = family(pid)
        resident = sum(memory(each, "Rss") for each in pids) / MIB
        proportional = sum(memory(each, "Pss") for each in pids) / MIB
    command = "forebay serve --data $(mktemp -d)"
    return [
        Row("time to ready, first start", f"{ready_s:.1f} s", "< 5 s", ready_s < 5, command),
        Row(
            f"idle memory, {len(pids)} processes: PSS / RSS",
            f"{proportional:.0f} / {resident:.0f} MB",
            "≤ 600 MB",
            resident <= 600,
            command,
        ),
    ]


@contextmanager
def serving(folder: Path, ports: list[int]) -> Iterator[tuple[int, float]]:
    command = [sys.executable, "-m", "forebay.cli", "serve", "--data", str(folder / "data")]
    for option, port in zip(("--platform-port", "--collection-port"), ports, strict=True):
        command += [option, str(port)]
    began = time.monotonic()
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        yield process.pid, began
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
    finally:
        for each in sockets:
            each.close()


def ready_after(port: int, began: float) -> float:
    while time.monotonic() - began < READY_SECONDS_MAX:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as client:
            try:
                client.request("GET", "/readyz")
                if client.getresponse().status == 200:
                    return time.monotonic() - began
            except (OSError, http.client.HTTPException):
                pass  # not listening yet
        time.sleep(0.02)
    raise Unmeasured(f"port {port} was not ready after {READY_SECONDS_MAX} s")


def family(pid: int) -> list[int]:
    """Return a process and all that came from it."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rsplit(")", 1)[1].split()[1])
        except (OSError, IndexError):
            continue  # it has just ended
    members = [pid]
    for member in members:
        members += [child for child, parent in parents.items() if parent == member]
    return members


def memory(pid: int, kind: str) -> int:
    (kibibytes,) = found(rf"^{kind}: +(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text())
    return int(kibibytes) * 1024


if __name__ == "__main__":
    main()
