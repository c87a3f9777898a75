import gzip
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
import structlog
from fastapi import APIRouter

from forebay.control.access.keys import new_key_pair
from forebay.kernel.limits import PLATFORM_BODY_BYTES_MAX
from support.platform import FLOW_SERVICE, Platform, running_platform
from support.tokens import signed

CONNECTIONS = f"{FLOW_SERVICE}/connections"
NO_CONTENT_TYPE = {
    "type": "/placeholder/type/uri",
    "status": 400,
    "title": "BadRequestError",
    "detail": "A valid content-type must be specified",
}


def broken_router() -> APIRouter:
    routes = APIRouter()

    @routes.get(f"{FLOW_SERVICE}/broken")
    @routes.get("/data/foundation/catalog/broken")
    @routes.get("/data/foundation/schemaregistry/broken")
    @routes.get("/data/broken")
    def break_down() -> None:
        message = "a defect of ours"
        raise RuntimeError(message)

    @routes.get("/data/typed/{number}")
    def typed(number: int) -> int:
        return number

    return routes


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    directory: Path = tmp_path_factory.mktemp("data")
    with running_platform(directory, routers=lambda _store: [broken_router()]) as platform:
        yield platform


@pytest.fixture
def client(platform: Platform) -> Iterator[httpx2.Client]:
    with platform.client() as client:
        yield client


@pytest.mark.parametrize(
    ("changed", "status", "error_code", "message"),
    [
        ({"x-api-key": ""}, 403, "403000", "Api Key is required"),
        ({"Authorization": ""}, 403, "403010", "Oauth token is missing."),
        ({"Authorization": "Bearer"}, 401, "401013", "Oauth token is not valid"),
        ({"Authorization": "Bearer x.y.z"}, 401, "401013", "Oauth token is not valid"),
        ({"Authorization": "Basic x"}, 401, "401013", "Oauth token is not valid"),
        ({"x-api-key": "nobody"}, 403, "403003", "Api Key is invalid"),
        ({"x-gw-ims-org-id": ""}, 400, "400003", "Missing header"),
        ({"x-gw-ims-org-id": "luma"}, 403, "403027", "User region is missing"),
        ({"x-gw-ims-org-id": "A" * 24 + "@AdobeOrg"}, 403, "403025", "Profile is not valid"),
    ],
)
def test_request_without_the_right_headers_is_refused_at_the_gate(
    platform: Platform, changed: dict[str, str], status: int, error_code: str, message: str
) -> None:
    headers = platform.headers() | changed

    answer = httpx2.get(platform.url + CONNECTIONS, headers=headers)

    assert answer.status_code == status
    assert answer.json() == {"error_code": error_code, "message": message}
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("left_out", "error_code"),
    [
        (["x-api-key", "Authorization", "x-gw-ims-org-id"], "403000"),
        (["Authorization", "x-gw-ims-org-id"], "403010"),
        (["x-gw-ims-org-id"], "400003"),
    ],
)
def test_first_fault_in_the_documented_order_is_told(
    platform: Platform, left_out: list[str], error_code: str
) -> None:
    headers = {n: value for n, value in platform.headers().items() if n not in left_out}

    answer = httpx2.post(platform.url + CONNECTIONS, headers=headers, content=b"no json")

    assert answer.json()["error_code"] == error_code


def test_api_key_and_organization_of_another_client_are_refused(platform: Platform) -> None:
    other = platform.access.create_organization("Gate other")
    headers = platform.headers()

    by_key = httpx2.get(
        platform.url + CONNECTIONS, headers=headers | {"x-api-key": other.client_id}
    )
    by_org = httpx2.get(
        platform.url + CONNECTIONS, headers=headers | {"x-gw-ims-org-id": other.org_id}
    )

    assert by_key.json()["error_code"] == "403003"
    assert by_org.json()["error_code"] == "403025"


def test_forged_token_opens_nothing(platform: Platform) -> None:
    of = platform.credentials
    key_id = next(iter(platform.access.verifying_keys()))
    forged = signed(
        new_key_pair(), 1_795_000_000_000, key_id=key_id, client_id=of.client_id, org=of.org_id
    )

    answer = httpx2.get(
        platform.url + CONNECTIONS,
        headers=platform.headers() | {"Authorization": f"Bearer {forged}"},
    )

    assert answer.status_code == 401


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_scheme_of_the_token_is_read_whatever_its_case(platform: Platform, scheme: str) -> None:
    headers = platform.headers() | {"Authorization": f"{scheme} {platform.token()}"}

    assert httpx2.get(platform.url + CONNECTIONS, headers=headers).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_body_without_a_json_content_type_is_refused(
    client: httpx2.Client, method: str, content_type: str | None
) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}

    answer = client.request(method, f"{CONNECTIONS}/x", content=b"{}", headers=headers)

    assert answer.status_code == 400
    assert answer.json() == NO_CONTENT_TYPE


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "Application/JSON; charset=utf-8", "application/json-patch+json"],
)
def test_json_content_types_are_accepted(client: httpx2.Client, content_type: str) -> None:
    answer = client.post(CONNECTIONS, content=b"{}", headers={"Content-Type": content_type})

    assert answer.json()["type"].endswith("FLOW-1405-400")


def test_post_without_a_body_needs_no_content_type(client: httpx2.Client) -> None:
    answer = client.post(f"{CONNECTIONS}/x/action?op=publish")

    assert answer.status_code == 404
    assert answer.json()["type"].endswith("FLOW-1439-404")


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"{} {}",
        b'{"a":NaN}',
        b'"\\ud800"',
        b"\xef\xbb\xbf{}",
        b"\xff\xfe{\x00}\x00",
        b'"\xff"',
        b"1e400",
        b"1" * 5000,
        b"[" * 100_000,
        b"[" * 201 + b"]" * 201,
        b'{"a":' * 500 + b"1" + b"}" * 500,
    ],
)
def test_body_that_is_not_plain_json_is_refused(client: httpx2.Client, body: bytes) -> None:
    answer = client.post(CONNECTIONS, content=body, headers={"Content-Type": "application/json"})

    assert answer.status_code == 400
    assert answer.json()["report"]["detailed-message"].startswith("The request body is n")


def test_packed_body_is_refused_by_name(client: httpx2.Client) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}

    answer = client.post(CONNECTIONS, content=gzip.compress(b"{}"), headers=headers)

    assert answer.status_code == 415
    assert "Content-Encoding gzip" in answer.json()["report"]["detailed-message"]


def test_body_above_the_cap_is_refused(client: httpx2.Client) -> None:
    body = b'"' + b"x" * PLATFORM_BODY_BYTES_MAX + b'"'

    answer = client.post(CONNECTIONS, content=body, headers={"Content-Type": "application/json"})

    assert answer.status_code == 413
    assert answer.json()["title"] == "Request body too large"


def test_request_id_of_the_caller_is_answered(client: httpx2.Client) -> None:
    answer = client.get(f"{CONNECTIONS}/x", headers={"x-request-id": "my-request-1"})

    assert answer.headers["x-request-id"] == "my-request-1"
    assert answer.json()["report"]["request-id"] == "my-request-1"


@pytest.mark.parametrize("asked", ["", "a b", "x" * 129, "é"])
def test_request_id_is_made_where_none_can_be_echoed(client: httpx2.Client, asked: str) -> None:
    answer = client.get(CONNECTIONS, headers={"x-request-id": asked.encode("latin-1")})

    assert re.fullmatch("[0-9A-Za-z]{32}", answer.headers["x-request-id"])


@pytest.mark.parametrize("path", ["/livez", "/ims/keys", "/nothing", "/data/nothing"])
def test_every_answer_has_a_request_id(client: httpx2.Client, path: str) -> None:
    assert client.get(path).headers["x-request-id"]


@pytest.mark.parametrize("path", [CONNECTIONS, "/livez", "/ims/keys"])
def test_slash_at_the_end_changes_nothing_and_never_redirects(
    client: httpx2.Client, path: str
) -> None:
    answer = client.get(f"{path}/", follow_redirects=False)

    assert answer.status_code == 200
    assert answer.text == client.get(path).text


def test_unknown_path_is_told_in_the_words_of_the_service(client: httpx2.Client) -> None:
    gateway = client.get("/data/foundation/nothing")
    flow_service = client.get(f"{FLOW_SERVICE}/flows/84224def")
    registry = client.get("/data/foundation/schemaregistry/nothing")
    ims = client.get("/ims/nothing")

    assert {answer.status_code for answer in (gateway, flow_service, registry, ims)} == {404}
    assert gateway.json() == {
        "error_code": "404000",
        "message": "There is nothing at GET /data/foundation/nothing",
    }
    assert flow_service.json()["type"] == "https://ns.adobe.com/aep/errors/FLOW-1439-404"
    assert flow_service.json()["report"]["type"] == "flows"
    assert flow_service.json()["report"]["id"] == "84224def"
    assert "registryRequestId" in registry.json()["report"]
    assert ims.json()["error"] == "invalid_request"


@pytest.mark.parametrize("method", ["DELETE", "PUT", "OPTIONS", "HEAD", "TRACE"])
def test_unknown_method_is_as_if_the_path_were_unknown(client: httpx2.Client, method: str) -> None:
    assert client.request(method, f"{FLOW_SERVICE}/connectionSpecs").status_code == 404


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"x-sandbox-name": "nope"}, "FLOW-2100-404"),
        ({"x-sandbox-name": "PROD"}, "FLOW-2100-404"),
        ({"x-sandbox-name": "*"}, "FLOW-2100-404"),
        ({"x-sandbox-name": "", "x-sandbox-id": "nope"}, "FLOW-2100-404"),
        ({"x-sandbox-name": "prod", "x-sandbox-id": "nope"}, "FLOW-2103-404"),
    ],
)
def test_unknown_sandbox_is_not_found(
    client: httpx2.Client, headers: dict[str, str], code: str
) -> None:
    answer = client.get(CONNECTIONS, headers=headers)

    assert answer.status_code == 404
    assert answer.json()["type"] == f"https://ns.adobe.com/aep/errors/{code}"
    assert answer.json()["title"] == "Sandbox not found"


def test_unknown_sandbox_is_not_found_at_the_other_services_either(client: httpx2.Client) -> None:
    answer = client.get("/data/foundation/catalog/dataSets", headers={"x-sandbox-name": "nope"})

    assert answer.status_code == 404
    assert "'nope'" in answer.json()["detail"]


def test_sandbox_management_works_in_whatever_sandbox(client: httpx2.Client) -> None:
    path = "/data/foundation/sandbox-management/sandboxes/dev"

    assert client.get(path, headers={"x-sandbox-name": "nope"}).status_code == 200


@pytest.mark.parametrize(
    ("path", "member"),
    [
        (f"{FLOW_SERVICE}/broken", "errorMessage"),
        ("/data/foundation/catalog/broken", "detail"),
        ("/data/foundation/schemaregistry/broken", "detail"),
        ("/data/broken", "message"),
    ],
)
def test_defect_of_ours_is_a_500_in_the_words_of_the_service_and_once_in_the_log(
    client: httpx2.Client, path: str, member: str
) -> None:
    with structlog.testing.capture_logs() as logs:
        answer = client.get(path)

    assert answer.status_code == 500
    assert answer.json()[member].startswith("An internal error has occurred.")
    assert "a defect of ours" not in answer.text
    assert [entry["event"] for entry in logs] == ["request failed"]


def test_parameter_of_a_wrong_type_is_the_callers_mistake(client: httpx2.Client) -> None:
    assert client.get("/data/typed/5").status_code == 200
    assert client.get("/data/typed/five").status_code == 400


def test_client_that_goes_away_in_the_middle_disturbs_nobody(
    platform: Platform, client: httpx2.Client
) -> None:
    address = urlsplit(platform.url)
    head = "".join(f"{name}: {value}\r\n" for name, value in platform.headers().items())
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.sendall(
            f"POST {CONNECTIONS} HTTP/1.1\r\nHost: x\r\n{head}"
            "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{".encode()
        )

    assert client.get(CONNECTIONS).status_code == 200


def test_secrets_and_tokens_are_in_no_log(platform: Platform) -> None:
    token = platform.token()
    headers = platform.headers() | {"Authorization": f"Bearer {token}"}

    with structlog.testing.capture_logs() as logs:
        httpx2.get(f"{platform.url}{FLOW_SERVICE}/broken", headers=headers)

    assert token not in str(logs)
