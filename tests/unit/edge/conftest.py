from collections.abc import Iterator

import pytest

from support.edge import Edge


@pytest.fixture(scope="package")
def shared_edge() -> Iterator[Edge]:
    running = Edge().start()
    yield running
    running.stop()


@pytest.fixture
def edge(shared_edge: Edge) -> Iterator[Edge]:
    """A running edge whose log is empty; a test leaves it as it found it."""
    shared_edge.log.payloads.clear()
    yield shared_edge
    shared_edge.log.failure = None
    shared_edge.unready = None
