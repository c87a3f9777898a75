import asyncio
import socket
import threading
from contextlib import closing

import pytest
import uvloop

from forebay.edge.server import require_free_port
from forebay.kernel import json
from support.edge import OPEN, Edge, a_message

SINGLE = f"/collection/{OPEN}"
MESSAGE = json.encode(a_message())
REQUEST = (
    f"POST {SINGLE} HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
    f"Content-Length: {len(MESSAGE)}\r\n\r\n"
).encode() + MESSAGE


def connect(edge: Edge) -> socket.socket:
    return socket.create_connection(("127.0.0.1", edge.port), timeout=20)


def test_stopping_answers_what_is_under_way_and_closes_the_log() -> None:
    edge = Edge().start()
    gate = edge.log.gate = asyncio.Event()
    with closing(connect(edge)) as client:
        client.sendall(REQUEST)
        await_payload(edge)
        edge.begin_stop()
        await_refused_connection(edge)
        edge.call(gate.set)

        answer = client.recv(65_536)
        rest = client.recv(65_536)
    edge.join()

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"connection: close" in answer
    assert rest == b""
    assert edge.log.is_closed


def test_stopping_ends_idle_connections() -> None:
    edge = Edge().start()
    with closing(connect(edge)) as client:
        client.sendall(REQUEST)
        client.recv(65_536)
        edge.begin_stop()

        rest = client.recv(65_536)
    edge.join()

    assert rest == b""


def test_message_that_comes_while_stopping_is_not_stored() -> None:
    edge = Edge().start()
    with closing(connect(edge)) as client:
        client.sendall(REQUEST[:-5])
        client.sendall(b"")
        edge.post(SINGLE, MESSAGE)
        edge.begin_stop()
        await_refused_connection(edge)
        client.sendall(REQUEST[-5:] + REQUEST)

        answer = client.recv(65_536)
        rest = client.recv(65_536)
    edge.join()

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert rest == b""


def test_stopping_does_not_wait_for_a_body_that_does_not_come() -> None:
    edge = Edge().start()
    with closing(connect(edge)) as client:
        client.sendall(REQUEST[:-5])
        edge.post(SINGLE, MESSAGE)
        edge.begin_stop()

        answer = client.recv(65_536)
    edge.join()

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert len(edge.log.payloads) == 1


def test_workers_share_a_port() -> None:
    first = Edge().start()
    second = Edge()
    second.port = first.port
    second.start()
    first.stop()

    answers = [second.raw(REQUEST.replace(b"Host", b"Connection: close\r\nHost")) for _ in range(5)]
    second.stop()

    assert all(answer.startswith(b"HTTP/1.1 200 ") for answer in answers)
    assert len(second.log.payloads) == 5


def test_port_in_use_is_noticed_before_it_is_shared() -> None:
    edge = Edge().start()

    with pytest.raises(OSError, match="in use"):
        require_free_port("127.0.0.1", edge.port)
    edge.stop()
    require_free_port("127.0.0.1", edge.port)


def test_port_that_cannot_be_bound_closes_the_log() -> None:
    edge = Edge()
    with socket.socket() as other:
        other.bind(("127.0.0.1", edge.port))
        other.listen()

        with pytest.raises(OSError, match="in use"):
            uvloop.run(edge._run())

    edge.http.close()
    assert edge.log.is_closed


def test_host_may_be_a_name() -> None:
    require_free_port("localhost", 0)


def await_payload(edge: Edge) -> None:
    deadline = threading.Event()
    for _ in range(2_000):
        if edge.log.payloads:
            return
        deadline.wait(0.005)
    pytest.fail("nothing reached the log")


def await_refused_connection(edge: Edge) -> None:
    pause = threading.Event()
    for _ in range(2_000):
        try:
            connect(edge).close()
        except ConnectionError:
            return
        pause.wait(0.005)
    pytest.fail("the edge went on accepting connections")
