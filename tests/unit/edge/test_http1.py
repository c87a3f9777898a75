"""What a socket may send, and what it may not, against the server on a real port."""

import socket
import struct
import threading
import time
from contextlib import closing

import pytest

from forebay.kernel import json
from forebay.kernel.limits import REQUEST_BYTES_MAX
from support.edge import OPEN, Edge, a_message

SINGLE = f"/collection/{OPEN}"
MESSAGE = json.encode(a_message())
HEAD = f"POST {SINGLE} HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n".encode()
CLOSE = b"Connection: close\r\n"


def with_length(body: bytes, more: bytes = b"") -> bytes:
    return HEAD + more + b"Content-Length: %d\r\n\r\n" % len(body) + body


def chunked(*chunks: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(c), c) for c in chunks) + b"0\r\n\r\n"


def statuses(answer: bytes) -> list[int]:
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]


def test_chunked_body_without_length_is_taken(edge: Edge) -> None:
    chunks = chunked(*(MESSAGE[i : i + 7] for i in range(0, len(MESSAGE), 7)))

    answer = edge.raw(HEAD + CLOSE + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)

    assert statuses(answer) == [200]
    assert edge.log.entries()[0][1] == MESSAGE


def test_chunked_body_may_have_trailers(edge: Edge) -> None:
    body = chunked(MESSAGE)[:-2] + b"x-request-id: trailer\r\n\r\n"

    answer = edge.raw(HEAD + CLOSE + b"Transfer-Encoding: chunked\r\n\r\n" + body)

    assert statuses(answer) == [200]
    assert b"trailer" not in answer


def test_chunked_body_is_refused_at_the_limit_while_it_streams(edge: Edge) -> None:
    with closing(socket.create_connection(("127.0.0.1", edge.port), timeout=20)) as client:
        client.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
        for _ in range(REQUEST_BYTES_MAX // 65_536 + 1):
            client.sendall(chunk)

        answer = client.recv(65_536)

    assert statuses(answer) == [413]
    assert edge.log.payloads == []


def test_client_that_sends_far_too_much_still_gets_its_answer(edge: Edge) -> None:
    answer = edge.http.post(SINGLE, content=b"x" * 3 * REQUEST_BYTES_MAX)

    assert answer.status_code == 413


def test_client_that_streams_far_too_much_still_gets_its_answer(edge: Edge) -> None:
    chunks = (b"x" * 65_536 for _ in range(40))

    answer = edge.http.post(SINGLE, content=chunks, headers={"content-type": "application/json"})

    assert answer.status_code == 413


REFUSED = {
    "length and chunks": b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and length": b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    "two lengths": b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "two equal lengths": b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "list of lengths": b"Content-Length: 3, 3\r\n\r\nabc",
    "signed length": b"Content-Length: +3\r\n\r\nabc",
    "hex length": b"Content-Length: 0x3\r\n\r\nabc",
    "negative length": b"Content-Length: -3\r\n\r\nabc",
    "huge length": b"Content-Length: " + b"9" * 40 + b"\r\n\r\nabc",
    "folded header": b"X: a\r\n b\r\nContent-Length: 0\r\n\r\n",
    "blank before colon": b"X : a\r\nContent-Length: 0\r\n\r\n",
    "zero byte": b"X: a\x00b\r\nContent-Length: 0\r\n\r\n",
    "bare line feeds": b"X: a\nContent-Length: 0\n\n",
    "compressed transfer": b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "unknown transfer": b"Transfer-Encoding: identity\r\n\r\n",
    "chunks twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunk size": b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
    "chunk size with blank": b"Transfer-Encoding: chunked\r\n\r\n3 \r\nabc\r\n0\r\n\r\n",
    "chunk size overflow": b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 20 + b"\r\nabc",
    "chunk end": b"Transfer-Encoding: chunked\r\n\r\n3\r\nabcX0\r\n\r\n",
    "http 2": b"",
}


@pytest.mark.parametrize("case", REFUSED)
def test_ambiguous_framing_is_refused_and_the_connection_ends(edge: Edge, case: str) -> None:
    head = HEAD.replace(b"HTTP/1.1", b"HTTP/9.9") if case == "http 2" else HEAD
    smuggled = with_length(MESSAGE)

    answer = edge.raw(head + REFUSED[case] + smuggled)

    assert statuses(answer) == [400]
    assert b"problem/data-collection-service/inlet" in answer
    assert b"connection: close" in answer
    assert edge.log.payloads == []


def test_what_came_before_garbage_is_answered_first(edge: Edge) -> None:
    answer = edge.raw(with_length(MESSAGE) + b"garbage\r\n\r\n")

    assert statuses(answer) == [200, 400]


def test_pipelined_requests_are_answered_in_order(edge: Edge) -> None:
    requests = [
        with_length(MESSAGE if i % 3 else b"{}", b"x-request-id: r%d\r\n" % i) for i in range(1_000)
    ]

    answer = edge.raw(b"".join(requests) + b"GET /livez HTTP/1.0\r\n\r\n")

    assert statuses(answer)[:1000] == [200 if i % 3 else 400 for i in range(1_000)]
    ids = [line for line in answer.split(b"\r\n") if line.startswith(b"x-request-id: r")]
    assert ids == [b"x-request-id: r%d" % i for i in range(1_000)]


def test_connection_is_kept_for_the_next_request(edge: Edge) -> None:
    with closing(socket.create_connection(("127.0.0.1", edge.port), timeout=20)) as client:
        for _ in range(3):
            client.sendall(with_length(MESSAGE))
            assert statuses(client.recv(65_536)) == [200]


def test_connection_survives_a_request_whose_body_was_not_wanted(edge: Edge) -> None:
    unwanted = with_length(b"x" * 5_000).replace(OPEN.encode(), b"nope")

    answer = edge.raw(unwanted + with_length(MESSAGE, CLOSE))

    assert statuses(answer) == [404, 200]


def test_request_in_single_bytes_is_taken(edge: Edge) -> None:
    with closing(socket.create_connection(("127.0.0.1", edge.port), timeout=20)) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in with_length(MESSAGE):
            client.sendall(bytes([byte]))

        assert statuses(client.recv(65_536)) == [200]


def test_body_may_wait_for_leave_to_come(edge: Edge) -> None:
    with closing(socket.create_connection(("127.0.0.1", edge.port), timeout=20)) as client:
        client.sendall(HEAD + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(MESSAGE))
        invited = client.recv(65_536)
        client.sendall(MESSAGE)

        answer = client.recv(65_536)

    assert invited == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert statuses(answer) == [200]


def test_body_that_waits_for_leave_is_refused_unsent(edge: Edge) -> None:
    with closing(socket.create_connection(("127.0.0.1", edge.port), timeout=20)) as client:
        client.sendall(HEAD + b"Expect: 100-continue\r\nContent-Length: 9999999\r\n\r\n")

        answer = client.recv(65_536)

    assert statuses(answer) == [413]


@pytest.mark.parametrize("framing", ["length", "chunks", "none"])
def test_wish_for_another_protocol_is_ignored(edge: Edge, framing: str) -> None:
    wish = HEAD + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n"
    body = {
        "length": b"Content-Length: %d\r\n\r\n" % len(MESSAGE) + MESSAGE,
        "chunks": b"Transfer-Encoding: chunked\r\n\r\n" + chunked(MESSAGE),
        "none": b"\r\n",
    }

    answer = edge.raw(wish + body[framing] + with_length(MESSAGE, CLOSE))

    assert statuses(answer) == [{"none": 400}.get(framing, 200), 200]


def test_many_wishes_for_another_protocol_are_ignored(edge: Edge) -> None:
    wish = b"GET /livez HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"

    answer = edge.raw(wish * 2_000 + b"GET /livez HTTP/1.0\r\n\r\n")

    assert statuses(answer) == [200] * 2_001


def test_tunnel_is_refused(edge: Edge) -> None:
    answer = edge.raw(b"CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n")

    assert statuses(answer)[0] in {400, 404}


def test_absolute_target_is_read(edge: Edge) -> None:
    answer = edge.raw(b"GET http://h/livez HTTP/1.1\r\nHost: h\r\n" + CLOSE + b"\r\n")

    assert statuses(answer) == [200]


def test_http10_connection_is_kept_if_asked(edge: Edge) -> None:
    kept = b"GET /livez HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"

    answer = edge.raw(kept + b"GET /livez HTTP/1.0\r\n\r\n")

    assert statuses(answer) == [200, 200]
    assert answer.count(b"connection: keep-alive") == 1


def test_headers_that_do_not_end_are_refused(edge: Edge) -> None:
    with closing(socket.create_connection(("127.0.0.1", edge.port), timeout=20)) as client:
        client.sendall(HEAD)
        answer = b""
        for _ in range(200):
            try:
                client.sendall(b"x: " + b"x" * 2_000 + b"\r\n")
            except OSError:
                break
        answer = client.recv(65_536)

    assert statuses(answer) == [431]


def test_many_and_long_headers_are_refused(edge: Edge) -> None:
    many = b"".join(b"x%d: 1\r\n" % i for i in range(5_000))

    answer = edge.raw(HEAD + many + b"\r\n")

    assert statuses(answer) == [431]


def test_long_target_is_refused(edge: Edge) -> None:
    answer = edge.raw(b"GET /" + b"a" * 64_000 + b" HTTP/1.1\r\nHost: h\r\n" + CLOSE + b"\r\n")

    assert statuses(answer) == [431]


def test_client_that_goes_away_leaves_nothing(edge: Edge) -> None:
    request = with_length(MESSAGE)
    for end in (*range(1, len(HEAD), 37), *range(len(request) - len(MESSAGE), len(request), 41)):
        client = socket.create_connection(("127.0.0.1", edge.port))
        client.sendall(request[:end])
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()  # a reset

    assert edge.http.get("/livez").status_code == 200
    assert edge.log.payloads == []


@pytest.mark.parametrize(
    "framing", [b"Content-Length: 900\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n"]
)
def test_body_that_breaks_off_is_refused(edge: Edge, framing: bytes) -> None:
    answer = edge.raw(HEAD + framing + b'5\r\n{"a":', is_ended=True)

    assert statuses(answer) == [400]
    assert edge.log.payloads == []


def test_half_closed_client_gets_its_answers(edge: Edge) -> None:
    answer = edge.raw(with_length(MESSAGE) * 3, is_ended=True)

    assert statuses(answer) == [200, 200, 200]


def test_slow_body_is_cut_off_and_neighbours_are_served() -> None:
    edge = Edge(body_seconds_max=0.3).start()
    with closing(socket.create_connection(("127.0.0.1", edge.port), timeout=20)) as slow:
        slow.sendall(HEAD + b"Content-Length: 900\r\n\r\n{")

        neighbour = edge.post(SINGLE, MESSAGE)
        answer = slow.recv(65_536)
        rest = slow.recv(65_536)
    edge.stop()

    assert neighbour.status_code == 200
    assert statuses(answer) == [408]
    assert rest == b""
    assert len(edge.log.payloads) == 1


def test_connection_that_sends_no_whole_head_is_ended(
    edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("forebay.edge.http1.HEAD_SECONDS_MAX", 0.2)
    with closing(socket.create_connection(("127.0.0.1", edge.port), timeout=20)) as slow:
        slow.sendall(HEAD)

        answer = read_to_end(slow)

    assert answer == b""


def test_idle_connection_is_ended(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forebay.edge.http1.IDLE_SECONDS_MAX", 0.2)
    with closing(socket.create_connection(("127.0.0.1", edge.port), timeout=20)) as idle:
        idle.sendall(with_length(MESSAGE))

        answer = read_to_end(idle)

    assert statuses(answer) == [200]


def test_client_that_does_not_read_is_ended(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forebay.edge.http1.WRITE_SECONDS_MAX", 0.3)
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    deaf.connect(("127.0.0.1", edge.port))
    deaf.settimeout(0.5)
    request = b"GET /livez HTTP/1.1\r\nHost: h\r\n\r\n" * 1_000
    with closing(deaf):
        was_ended = is_ended_while_sending(deaf, request)

    assert was_ended
    assert edge.http.get("/livez").status_code == 200


def test_connections_beyond_the_limit_are_ended(
    edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("forebay.edge.http1.CONNECTIONS_MAX", 0)

    with closing(socket.create_connection(("127.0.0.1", edge.port), timeout=20)) as refused:
        answer = read_to_end(refused)

    assert answer == b""


def test_more_bodies_than_memory_allows_are_not_stored(
    edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("forebay.edge.exchange.BODY_BYTES_MAX", len(MESSAGE) + 10)
    with closing(socket.create_connection(("127.0.0.1", edge.port), timeout=20)) as other:
        other.sendall(with_length(MESSAGE)[:-1])
        await_held_bytes(edge)

        refused = edge.post(SINGLE, MESSAGE)
        other.sendall(MESSAGE[-1:])
        answer = other.recv(65_536)
        accepted = edge.post(SINGLE, MESSAGE)

    assert refused.status_code == 503
    assert refused.json()["code"] == "NOT_STORED"
    assert statuses(answer) == [200]
    assert accepted.status_code == 200


def await_held_bytes(edge: Edge) -> None:
    pause = threading.Event()
    for _ in range(2_000):
        if edge.application.collection.metrics.held_bytes > 0:
            return
        pause.wait(0.005)
    pytest.fail("no body arrived")


def is_ended_while_sending(client: socket.socket, data: bytes) -> bool:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            client.sendall(data)
        except TimeoutError:
            continue
        except ConnectionError:
            return True
    return False


def read_to_end(client: socket.socket) -> bytes:
    answer = b""
    try:
        while chunk := client.recv(65_536):
            answer += chunk
    except ConnectionError:
        return answer
    return answer
