import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forebay.kernel import json
from support.edge import OPEN, TOKEN, Edge, a_message

SINGLE = f"/collection/{OPEN}"
BATCH = f"/collection/batch/{OPEN}"
ALIAS = "/data/foundation/import/collection"


@pytest.mark.parametrize("path", [SINGLE, f"{SINGLE}/", f"{ALIAS}/{OPEN}"])
def test_single_messages_have_these_addresses(edge: Edge, path: str) -> None:
    answer = edge.post(path, a_message())

    assert answer.status_code == 200


@pytest.mark.parametrize("path", [BATCH, f"{BATCH}/", f"{ALIAS}/batch/{OPEN}"])
def test_batches_have_these_addresses(edge: Edge, path: str) -> None:
    answer = edge.post(path, {"messages": [a_message()]})

    assert answer.status_code == 207


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/collection",
        "/collection/",
        "/collection/batch",
        "/collection/batch/",
        f"/collection/{OPEN}/x",
        f"//collection/{OPEN}",
        f"{SINGLE}//",
        "/collection/%2e%2e/livez",
        f"/collection/{OPEN.upper()}",
        "/data/foundation/import/collection/",
        "/nothing",
    ],
)
def test_every_other_address_is_not_found_and_never_a_redirect(edge: Edge, path: str) -> None:
    answer = edge.post(path, a_message())

    assert answer.status_code == 404
    assert answer.json()["status"] == 404
    assert "location" not in answer.headers


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE"])
@pytest.mark.parametrize("path", [SINGLE, BATCH])
def test_other_methods_are_refused_with_those_that_are_allowed(
    edge: Edge, method: str, path: str
) -> None:
    answer = edge.http.request(method, path)

    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST, OPTIONS"


def test_browser_is_allowed_to_post_from_anywhere(edge: Edge) -> None:
    answer = edge.http.options(
        SINGLE,
        headers={
            "origin": "https://shop.example.com",
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization, content-type, x-adobe-flow-id",
        },
    )

    allowed = set(answer.headers["access-control-allow-headers"].split(", "))
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert {"authorization", "content-type", "x-adobe-flow-id"} <= allowed


@pytest.mark.parametrize(
    "path", [SINGLE, "/collection/nope", "/nothing", "/livez", "/readyz", "/metrics"]
)
def test_every_answer_may_be_read_by_a_browser_and_has_a_request_id(edge: Edge, path: str) -> None:
    for answer in (edge.http.get(path), edge.post(path, a_message())):
        assert answer.headers["access-control-allow-origin"] == "*"
        assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["x-request-id"])
        assert answer.headers["date"].endswith("GMT")


def test_request_id_is_echoed(edge: Edge) -> None:
    answer = edge.post(SINGLE, a_message(), headers={"x-request-id": "my-id/1"})

    assert answer.headers["x-request-id"] == "my-id/1"


@pytest.mark.parametrize("request_id", ["", "a b", "x" * 129, "caf\xe9"])
def test_request_id_that_is_none_is_replaced(edge: Edge, request_id: str) -> None:
    headers = {b"x-request-id": request_id.encode("latin-1"), b"content-type": b"application/json"}

    answer = edge.http.post(SINGLE, content=json.encode(a_message()), headers=headers)

    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["x-request-id"])


def test_request_ids_differ(edge: Edge) -> None:
    ids = {edge.http.get("/livez").headers["x-request-id"] for _ in range(20)}

    assert len(ids) == 20


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics", "/livez/"])
def test_health_is_read_with_get(edge: Edge, path: str) -> None:
    assert edge.http.get(path).status_code == 200
    assert edge.http.head(path).status_code == 200
    assert edge.http.head(path).content == b""
    assert edge.http.post(path).status_code == 405


def test_metrics_are_those_of_the_whole_house(edge: Edge) -> None:
    answer = edge.http.get("/metrics")

    assert answer.text == "forebay_up 1\n"
    assert answer.headers["content-type"].startswith("text/plain")


def test_edge_that_is_not_ready_lives(edge: Edge) -> None:
    edge.unready = "the disk is full"

    assert edge.http.get("/livez").status_code == 200
    assert edge.http.get("/readyz").status_code == 503


@pytest.mark.parametrize(
    "name",
    [
        "Host",
        "Authorization",
        "Content-Type",
        "Content-Encoding",
        "x-adobe-flow-id",
        "X-Adobe-Dataset-Id",
    ],
)
def test_header_that_decides_something_may_not_come_twice(edge: Edge, name: str) -> None:
    head = f"POST {SINGLE} HTTP/1.1\r\nContent-Length: 2\r\n"
    both = f"{name}: {TOKEN}\r\n{name.lower()}: {TOKEN}\r\n"
    host = "" if name == "Host" else "Host: h\r\n"

    answer = edge.raw(f"{head}{host}{both}\r\n{{}}".encode())

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"came twice" in answer
    assert edge.log.payloads == []


def test_request_without_host_is_refused(edge: Edge) -> None:
    answer = edge.raw(f"POST {SINGLE} HTTP/1.1\r\nContent-Length: 2\r\n\r\n{{}}".encode())

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"host is missing" in answer


def test_http10_needs_no_host(edge: Edge) -> None:
    answer = edge.raw(b"GET /livez HTTP/1.0\r\n\r\n")

    assert b"200 OK" in answer


def test_headers_larger_than_allowed_are_refused(edge: Edge) -> None:
    answer = edge.http.get("/livez", headers={"x": "x" * 33_000})

    assert answer.status_code == 431


# Hostile input: whatever comes, there is an answer below 500, and what is good is kept.

slow_ok = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
content_types = st.sampled_from(
    [
        "application/json",
        "application/x-jackson-smile",
        "application/json;charset=utf-8",
        "text/plain",
    ]
)
encodings = st.sampled_from([{}, {"content-encoding": "gzip"}, {"content-encoding": "br"}])
paths = st.sampled_from([SINGLE, BATCH, f"{SINGLE}?syncValidation=true", "/collection/nope"])


@slow_ok
@given(st.binary(max_size=400), content_types, encodings, paths)
def test_arbitrary_bodies_are_never_our_fault(
    edge: Edge, body: bytes, content_type: str, encoding: dict[str, str], path: str
) -> None:
    answer = edge.post(path, body, headers={"content-type": content_type} | encoding)

    assert 400 <= answer.status_code < 500


@slow_ok
@given(paths, st.data())
def test_mutated_messages_are_never_our_fault(edge: Edge, path: str, data: st.DataObject) -> None:
    message = a_message(entity={"_id": "é", "n": [1.5, {"a": "\n"}]}, createdAt=5)
    body = bytearray(json.encode(message | {"messages": [message, message]}))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(body) - 1))
        end = data.draw(st.sampled_from([start, start + 1, start + 1, start + 9]))
        body[start:end] = data.draw(st.binary(max_size=2) | st.sampled_from([b'"', b"\\u00", b"{"]))

    answer = edge.post(path, bytes(body))

    assert answer.status_code < 500
    assert edge.post(SINGLE, a_message()).status_code == 200


@slow_ok
@given(st.binary(max_size=300))
def test_arbitrary_bytes_on_a_connection_are_never_our_fault(edge: Edge, data: bytes) -> None:
    answer = edge.raw(data, is_ended=True)

    assert b"HTTP/1.1 5" not in answer
    assert edge.http.get("/livez").status_code == 200


@slow_ok
@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=60))
def test_arbitrary_targets_are_never_our_fault(edge: Edge, target: str) -> None:
    request = (
        f"POST /{target} HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}"
    )

    answer = edge.raw(request.encode(), is_ended=True)

    assert answer.startswith(b"HTTP/1.1 4")
