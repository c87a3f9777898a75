"""One server for all journeys that do not need one of their own."""

from collections.abc import Iterator

import pytest

from support.server import Client, Server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    started = Server(tmp_path_factory.mktemp("installation") / "data").start()
    yield started
    started.close()


@pytest.fixture(scope="session")
def client(server: Server) -> Client:
    return Client(server)
