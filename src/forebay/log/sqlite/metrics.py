"""What the log's writer counted, as Prometheus families."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, Metric

from forebay.log.sqlite.writer import SqliteLogWriter


class LogMetrics:
    """The counters of one writer; register it as a collector."""

    def __init__(self, writer: SqliteLogWriter) -> None:
        self._writer = writer

    def collect(self) -> Iterator[Metric]:
        """Yield the counters; commits divided by records says how large the groups are."""
        counts = self._writer.counts
        for name, description, value in (
            ("commits", "Group commits.", counts.commits),
            ("commit_seconds", "Time of group commits, syncs included.", counts.commit_seconds),
            ("records", "Records made durable.", counts.records),
            ("bytes", "Bytes of records made durable, frames included.", counts.record_bytes),
        ):
            yield CounterMetricFamily(f"forebay_log_{name}", description, value=value)
