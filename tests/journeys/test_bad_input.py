"""Bad input at a whole platform: the documented answer, nothing stored, neighbours untouched."""

import gzip
import os
import signal
import socket
import time
import zlib
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from forebay.kernel import json
from forebay.kernel.limits import REQUEST_BYTES_MAX
from support.server import Client, Server, a_person

JSON_TYPE = {"content-type": "application/json"}
CONNECTIONS = "/data/foundation/flowservice/connections"


@pytest.fixture(scope="module")
def people(client: Client) -> tuple[str, str]:
    return client.people("bad input")


@pytest.fixture(scope="module")
def inlet(client: Client) -> str:
    url: str = client.create_inlet(name="bad input")["auth"]["params"]["inletUrl"]
    return url


def durable(server: Server) -> int:
    watermarks = server.http.get(f"{server.platform_url}/forebay/v1/watermarks").json()
    return sum(p["durable"] + 1 for p in watermarks["partitions"].values())


def a_body(client: Client, people: tuple[str, str], **entity: Any) -> bytes:
    return json.encode(client.message(*people, a_person(**entity)))


BODIES: dict[str, tuple[Callable[[bytes], bytes], int]] = {
    "empty": (lambda _: b"", 400),
    "malformed": (lambda body: body[:-1], 400),
    "not an object": (lambda _: b"[]", 400),
    "depth 100,000": (lambda _: b"[" * 100_000 + b"]" * 100_000, 400),
    "deep entity": (
        lambda body: body.replace(b'"Ada"', b"[" * 100_000 + b"]" * 100_000),
        400,
    ),
    "byte order mark": (lambda body: b"\xef\xbb\xbf" + body, 400),
    "UTF-16": (lambda body: body.decode().encode("utf-16"), 400),
    "duplicate envelope key": (
        lambda body: body.replace(b'"header":', b'"header":{},"header":', 1),
        400,
    ),
    "duplicate organization": (
        lambda body: body.replace(b'"imsOrgId":', b'"imsOrgId":"x","imsOrgId":', 1),
        400,
    ),
    "1 MB + 1": (lambda body: body + b" " * (REQUEST_BYTES_MAX + 1 - len(body)), 413),
    "unknown dataset": (
        lambda body: body.replace(b'"datasetId":"', b'"datasetId":"f', 1),
        400,
    ),
    "unknown schema": (lambda body: body.replace(b"/schemas/", b"/schemas/f"), 400),
}


@pytest.mark.parametrize("case", BODIES)
def test_a_bad_body_is_refused_and_not_stored(
    client: Client, server: Server, people: tuple[str, str], inlet: str, case: str
) -> None:
    make, status = BODIES[case]
    before = durable(server)

    answer = server.http.post(inlet, content=make(a_body(client, people)), headers=JSON_TYPE)

    assert answer.status_code == status, answer.text
    assert answer.json()["status"] == status
    assert answer.json()["report"]["message"]
    assert durable(server) == before


ENTITIES: dict[str, bytes] = {
    "NaN": b"NaN",
    "1e400": b"1e400",
    "lone surrogate": b'"\\ud800"',
    "2^64 as a name": b"18446744073709551616",
    "null": b"null",
    "an object": b"{}",
}


@pytest.mark.parametrize("case", ENTITIES)
def test_a_bad_value_is_refused_or_ends_as_a_failed_record(
    client: Client, server: Server, people: tuple[str, str], inlet: str, case: str
) -> None:
    body = a_body(client, people).replace(b'"Ada"', ENTITIES[case])
    assert body != a_body(client, people)

    answer = server.http.post(inlet, content=body, headers=JSON_TYPE)
    asked = server.http.post(f"{inlet}?syncValidation=true", content=body, headers=JSON_TYPE)

    server.await_lake()
    assert asked.status_code == 400, asked.text
    assert answer.status_code in {200, 400}
    stored = {"id": answer.json().get("xactionId", "")}
    rows = server.query("select _ingest.xactionId as id from bad_input")
    assert stored not in rows
    failed = server.query("select xactionId as id from failed_records")
    assert (stored in failed) == (answer.status_code == 200)


def test_a_duplicate_key_in_an_entity_ends_as_a_failed_record(
    client: Client, server: Server, people: tuple[str, str], inlet: str
) -> None:
    body = a_body(client, people).replace(
        b'"firstName":"Ada"', b'"firstName":"Ada","firstName":"Eve"'
    )

    answer = server.http.post(inlet, content=body, headers=JSON_TYPE)

    server.await_lake()
    failed = server.query("select xactionId as id from failed_records")
    assert {"id": answer.json()["xactionId"]} in failed


ENCODINGS: dict[str, tuple[Callable[[bytes], bytes], str, int]] = {
    "bomb": (lambda _: gzip.compress(b" " * 200_000_000), "gzip", 413),
    "truncated": (lambda body: gzip.compress(body)[:-9], "gzip", 400),
    "not gzip": (lambda body: body, "gzip", 400),
    "deflate": (zlib.compress, "deflate", 415),
    "brotli": (lambda body: body, "br", 415),
}


@pytest.mark.parametrize("case", ENCODINGS)
def test_a_bad_encoding_is_refused_and_not_stored(
    client: Client, server: Server, people: tuple[str, str], inlet: str, case: str
) -> None:
    make, encoding, status = ENCODINGS[case]
    before = durable(server)

    answer = server.http.post(
        inlet,
        content=make(a_body(client, people)),
        headers=JSON_TYPE | {"content-encoding": encoding},
    )

    assert answer.status_code == status, answer.text
    assert durable(server) == before


def test_gzip_itself_is_accepted(
    client: Client, server: Server, people: tuple[str, str], inlet: str
) -> None:
    body = gzip.compress(a_body(client, people))

    answer = server.http.post(inlet, content=body, headers=JSON_TYPE | {"content-encoding": "gzip"})

    assert answer.status_code == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "multipart/form-data", ""])
def test_another_content_type_is_refused(
    client: Client, server: Server, people: tuple[str, str], inlet: str, kind: str
) -> None:
    answer = server.http.post(inlet, content=a_body(client, people), headers={"content-type": kind})

    assert answer.status_code == 415
    assert answer.json()["status"] == 415


def test_an_unknown_inlet_is_not_found(client: Client, server: Server, people: Any) -> None:
    answer = server.http.post(
        f"{server.collection_url}/collection/{'0' * 64}",
        content=a_body(client, people),
        headers=JSON_TYPE,
    )

    assert answer.status_code == 404
    assert answer.json()["type"].endswith("data-collection-service/inlet")


def test_a_slow_body_is_cut_off_and_its_neighbour_served(
    client: Client, server: Server, people: tuple[str, str], inlet: str
) -> None:
    body = a_body(client, people)
    path = inlet.removeprefix(server.collection_url)
    with socket.create_connection(("127.0.0.1", server.collection_port), timeout=30) as slow:
        slow.sendall(
            f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\n\r\n".encode()
        )
        slow.sendall(body[:1])

        neighbour = server.http.post(inlet, content=body, headers=JSON_TYPE)
        answer = slow.recv(4096)

    assert neighbour.status_code == 200
    assert answer.startswith((b"HTTP/1.1 408", b""))


def forged_tokens(client: Client) -> dict[str, str]:
    claims = jwt.decode(client.token, options={"verify_signature": False})
    kid = jwt.get_unverified_header(client.token)["kid"]
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    head, body, signature = client.token.split(".")
    return {
        "not a token": "abc",
        "alg none": jwt.encode(claims, "", algorithm="none", headers={"kid": kid}),
        "HS256": jwt.encode(claims, "x" * 32, algorithm="HS256", headers={"kid": kid}),
        "wrong key": jwt.encode(claims, pem, algorithm="RS256", headers={"kid": kid}),
        "unknown kid": jwt.encode(claims, pem, algorithm="RS256", headers={"kid": "x"}),
        "wrong issuer": jwt.encode(
            claims | {"as": "elsewhere"}, pem, algorithm="RS256", headers={"kid": kid}
        ),
        "changed": f"{head}.{body[:-2]}AA.{signature}",
        "expired": jwt.encode(
            claims | {"created_at": "1000"}, pem, algorithm="RS256", headers={"kid": kid}
        ),
    }


def test_no_forged_token_opens_an_authenticated_inlet(
    client: Client, server: Server, people: tuple[str, str]
) -> None:
    closed = client.create_inlet(is_authenticated=True)["auth"]["params"]["inletUrl"]
    body = a_body(client, people)
    before = durable(server)

    answers = {
        name: server.http.post(
            closed, content=body, headers=JSON_TYPE | {"authorization": f"Bearer {token}"}
        )
        for name, token in forged_tokens(client).items()
    }

    assert {name: a.status_code for name, a in answers.items()} == dict.fromkeys(answers, 401)
    assert {a.json()["status"] for a in answers.values()} == {"401"}
    assert durable(server) == before


def test_no_forged_token_passes_the_gateway(client: Client, server: Server) -> None:
    answers = {
        name: server.http.get(
            f"{server.platform_url}{CONNECTIONS}",
            headers=client.headers | {"Authorization": f"Bearer {token}"},
        ).json()["error_code"]
        for name, token in forged_tokens(client).items()
    }

    assert set(answers.values()) == {"401013"}


def test_a_token_of_another_organization_is_forbidden(
    client: Client, server: Server, people: tuple[str, str]
) -> None:
    closed = client.create_inlet(is_authenticated=True)["auth"]["params"]["inletUrl"]
    created = server.command("org", "create", "--name", "Foreign", "--format", "json")
    foreign = Client(server, json.decode(created.stdout))

    def send() -> Any:
        return server.http.post(
            closed,
            content=a_body(client, people),
            headers=JSON_TYPE | {"authorization": f"Bearer {foreign.token}"},
        )

    # An organization made from outside is known within a second.
    answer = await_answer(send, lambda answer: answer.status_code != 401)

    assert answer.status_code == 403
    assert answer.json()["status"] == "403"


def test_a_valid_token_opens_an_authenticated_inlet(
    client: Client, server: Server, people: tuple[str, str]
) -> None:
    closed = client.create_inlet(is_authenticated=True)["auth"]["params"]["inletUrl"]

    answer = server.http.post(
        closed,
        content=a_body(client, people),
        headers=JSON_TYPE | {"authorization": f"bearer {client.token}"},
    )

    server.await_lake()
    assert answer.status_code == 200
    assert server.query(
        "select _ingest.isAuthenticated as trusted from bad_input "
        f"where _ingest.xactionId = '{answer.json()['xactionId']}'"
    ) == [{"trusted": True}]


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"x-sandbox-name": "nowhere"}, 404), ({"x-gw-ims-org-id": "0" * 24 + "@AdobeOrg"}, 403)],
)
def test_a_wrong_sandbox_or_organization_is_refused(
    client: Client, server: Server, headers: dict[str, str], status: int
) -> None:
    answer = server.http.get(
        f"{server.platform_url}{CONNECTIONS}", headers=client.headers | headers
    )

    assert answer.status_code == status


def test_a_stale_tag_is_refused(client: Client) -> None:
    connection = client.create_inlet()
    path = f"{CONNECTIONS}/{connection['id']}"
    change = [{"op": "replace", "path": "/name", "value": "Renamed"}]
    client.call("PATCH", path, change, If_Match=connection["etag"])

    stale = client.call("PATCH", path, change, If_Match=connection["etag"])

    assert stale.status_code == 412
    assert stale.json()["type"] == "https://ns.adobe.com/aep/errors/FLOW-1404-412"


def await_answer(send: Callable[[], Any], is_settled: Callable[[Any], bool]) -> Any:
    deadline = time.monotonic() + 10
    while not is_settled(answer := send()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return answer


def test_the_edge_goes_on_when_the_platform_is_away(
    client: Client, server: Server, people: tuple[str, str], inlet: str
) -> None:
    status = json.decode((server.data / "run" / "roles" / "platform.json").read_bytes())
    os.kill(status["pid"], signal.SIGSTOP)
    try:
        answer = server.http.post(inlet, content=a_body(client, people), headers=JSON_TYPE)
    finally:
        os.kill(status["pid"], signal.SIGCONT)

    assert answer.status_code == 200


def test_a_dead_role_is_started_again(server: Server) -> None:
    file = server.data / "run" / "roles" / "collection-1.json"
    before = json.decode(file.read_bytes())["pid"]
    os.kill(before, signal.SIGKILL)

    server.await_ready()

    after = json.decode(file.read_bytes())["pid"]
    assert after != before
