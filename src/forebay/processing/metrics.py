"""What processing counts."""

from enum import StrEnum

from prometheus_client import Counter, Gauge, Histogram

from forebay.kernel.telemetry import REGISTRY


class Outcome(StrEnum):
    """What became of a message."""

    GOOD = "good"
    """Its record waits for, or is in, its dataset's table."""
    FAILED = "failed"
    """It is a failed record."""
    REPEATED = "repeated"
    """The tables had it already, from before a crash."""
    DUPLICATE = "duplicate"
    """Counted as good before: another record with its id said the same."""
    CONFLICT = "conflict"
    """Counted as good before: a failed record, since its id is that of another one."""
    HELD = "held"
    """Its table takes nothing now; the log keeps it."""


RECORDS = Counter(
    "forebay_processed_records",
    "Messages that processing has taken from the log, by what became of them.",
    ["outcome"],
    registry=REGISTRY,
)
COMMIT_SECONDS = Histogram(
    "forebay_lake_commit_seconds",
    "Time to write and commit what waited for one table.",
    buckets=(0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30),
    registry=REGISTRY,
)
FLUSH_SECONDS = Histogram(
    "forebay_flush_seconds",
    "Time to bring all tables up to date.",
    buckets=(0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60),
    registry=REGISTRY,
)
LAG_RECORDS = Gauge(
    "forebay_processing_lag_requests",
    "Log records that are not yet in the lake, by partition.",
    ["partition"],
    registry=REGISTRY,
)
TABLES_HELD = Gauge(
    "forebay_tables_held",
    "Tables that could not be written at the last attempt.",
    registry=REGISTRY,
)
