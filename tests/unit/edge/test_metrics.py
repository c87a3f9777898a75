from prometheus_client import CollectorRegistry, generate_latest

from forebay.edge.metrics import EdgeMetrics


def test_counters_read_as_prometheus_text() -> None:
    metrics = EdgeMetrics()
    metrics.observe(200, 0.002)
    metrics.observe(400, 20.0)
    metrics.accepted = 3
    metrics.refused = 1
    metrics.body_bytes = 700
    registry = CollectorRegistry()
    registry.register(metrics)

    text = generate_latest(registry).decode()

    assert 'forebay_edge_requests_total{status="200"} 1.0' in text
    assert 'forebay_edge_requests_total{status="400"} 1.0' in text
    assert 'forebay_edge_messages_total{outcome="accepted"} 3.0' in text
    assert 'forebay_edge_messages_total{outcome="refused"} 1.0' in text
    assert "forebay_edge_body_bytes_total 700.0" in text
    assert 'forebay_edge_request_seconds_bucket{le="0.0025"} 1.0' in text
    assert 'forebay_edge_request_seconds_bucket{le="+Inf"} 2.0' in text
