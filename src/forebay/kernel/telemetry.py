"""
Logs and metrics.

Logs: one event is one JSON line on stderr, or a readable line on a terminal; normal operation
logs nothing per record. Metrics: every process keeps its own registry and writes it to a file
in the run directory each second; whoever answers ``/metrics`` joins those files. That needs
neither prometheus' multiprocess files nor a port per worker.
"""

import logging
import sys
from pathlib import Path
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, generate_latest

from forebay.kernel.files import make_directory, replace

REGISTRY = CollectorRegistry(auto_describe=True)
"""The metrics of this process."""


def configure_logging(*, role: str, is_terminal: bool | None = None) -> None:
    """Send this process's logs to stderr, each line with its role."""
    if is_terminal is None:
        is_terminal = sys.stderr.isatty()
    renderer: Any = (
        structlog.dev.ConsoleRenderer() if is_terminal else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(role=role)
    logging.basicConfig(handlers=[_Libraries()], level=logging.ERROR, force=True)


class _Libraries(logging.Handler):
    """Passes on what libraries log, as lines of our own form."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger().log(
            record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info
        )


class MetricsDirectory:
    """The run directory's ``metrics`` folder: one file per process."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def publish(self, process: str) -> None:
        """Write this process's metrics where the others find them."""
        make_directory(self._path)
        replace(self._path / f"{process}.prom", generate_latest(REGISTRY))

    def collect(self) -> bytes:
        """
        Return the metrics of all processes as one Prometheus text.

        Each sample gets the label ``process``; help and type lines are written once.
        """
        seen: set[str] = set()
        families: dict[str, list[str]] = {}
        for file in sorted(self._path.glob("*.prom")):
            family = ""
            for line in file.read_text().splitlines():
                if line.startswith("#"):
                    family = line.split(" ", 3)[2]
                    if line not in seen:
                        seen.add(line)
                        families.setdefault(family, []).append(line)
                elif line:
                    families.setdefault(family, []).append(_labelled(line, file.stem))
        return "".join(f"{line}\n" for lines in families.values() for line in lines).encode()


def _labelled(sample: str, process: str) -> str:
    head, value = sample.rsplit(" ", 1)
    if head.endswith("}"):
        return f'{head[:-1]},process="{process}"}} {value}'
    return f'{head}{{process="{process}"}} {value}'
