"""What the edge counts: plain numbers on the hot path, Prometheus families when asked."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

_BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class EdgeMetrics:
    """The counters of one edge; register it as a collector."""

    def __init__(self) -> None:
        self.requests: Counter[int] = Counter()
        """Answers to collection requests, by status."""
        self.accepted = 0
        """Messages that are durable."""
        self.refused = 0
        """Messages refused in an answer."""
        self.body_bytes = 0
        """Bytes of accepted request bodies."""
        self.connections = 0
        """Open connections."""
        self.held_bytes = 0
        """Bytes of bodies that wait for their answer."""
        self._durations = [0] * (len(_BOUNDS_S) + 1)
        self._seconds = 0.0

    def observe(self, status: int, seconds: float) -> None:
        """Count one answer and the time it took."""
        self.requests[status] += 1
        self._durations[bisect_left(_BOUNDS_S, seconds)] += 1
        self._seconds += seconds

    def collect(self) -> Iterator[Metric]:
        """Yield the counters as Prometheus families."""
        requests = CounterMetricFamily(
            "forebay_edge_requests", "Collection requests answered.", labels=["status"]
        )
        for status, count in sorted(self.requests.items()):
            requests.add_metric([str(status)], count)
        yield requests
        messages = CounterMetricFamily(
            "forebay_edge_messages", "Messages of collection requests.", labels=["outcome"]
        )
        messages.add_metric(["accepted"], self.accepted)
        messages.add_metric(["refused"], self.refused)
        yield messages
        yield CounterMetricFamily(
            "forebay_edge_body_bytes", "Bytes of accepted request bodies.", value=self.body_bytes
        )
        yield GaugeMetricFamily(
            "forebay_edge_connections", "Open connections.", value=self.connections
        )
        yield GaugeMetricFamily(
            "forebay_edge_held_bytes",
            "Bytes of request bodies that wait for their answer.",
            value=self.held_bytes,
        )
        yield self._histogram()

    def _histogram(self) -> Metric:
        family = HistogramMetricFamily(
            "forebay_edge_request_seconds", "Time from the request's headers to its answer."
        )
        buckets: list[tuple[str, float]] = []
        total = 0
        for bound, count in zip((*_BOUNDS_S, float("inf")), self._durations, strict=True):
            total += count
            buckets.append(("+Inf" if bound == float("inf") else str(bound), total))
        family.add_metric([], buckets, self._seconds)
        return family
