import base64
from collections.abc import Iterator
from typing import Any

import httpx2
import jwt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.platform import Platform, running_platform

SIGNATURE = "Could not match JWT signature to any of the bindings"


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with running_platform(tmp_path_factory.mktemp("data")) as platform:
        yield platform


@pytest.fixture
def client(platform: Platform) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=platform.url) as client:
        yield client


def parameters(platform: Platform, **changed: str) -> dict[str, str]:
    of = platform.credentials
    right = {
        "grant_type": "client_credentials",
        "client_id": of.client_id,
        "client_secret": of.client_secret,
        "scope": of.scopes,
    }
    return right | changed


@pytest.mark.parametrize(
    ("version", "expires_in"), [("v1", 86_399_000), ("v2", 86_399), ("v3", 86_399), ("v4", 86_399)]
)
def test_token_comes_with_its_lifetime_in_the_unit_of_the_path(
    platform: Platform, client: httpx2.Client, version: str, expires_in: int
) -> None:
    answer = client.post(f"/ims/token/{version}", data=parameters(platform))

    body = answer.json()
    assert answer.status_code == 200
    assert (body["token_type"], body["expires_in"]) == ("bearer", expires_in)
    assert platform.access.authenticate(body["access_token"]) is not None
    assert answer.headers["cache-control"] == "no-store"


def test_parameters_may_all_stand_in_the_address(platform: Platform, client: httpx2.Client) -> None:
    answer = client.post("/ims/token/v2", params=parameters(platform))

    assert answer.status_code == 200


def test_client_id_may_stand_in_the_address_and_the_rest_in_the_body(
    platform: Platform, client: httpx2.Client
) -> None:
    body = parameters(platform)
    client_id = body.pop("client_id")

    answer = client.post("/ims/token/v3", params={"client_id": client_id}, data=body)

    assert answer.status_code == 200


def test_parameters_may_come_as_multipart(platform: Platform, client: httpx2.Client) -> None:
    body = parameters(platform)
    client_id = body.pop("client_id")
    parts = {name: (None, value) for name, value in body.items()}

    answer = client.post("/ims/token/v4", params={"client_id": client_id}, files=parts)

    assert answer.status_code == 200


def test_body_wins_over_the_address(platform: Platform, client: httpx2.Client) -> None:
    answer = client.post(
        "/ims/token/v3", params={"client_secret": "wrong"}, data=parameters(platform)
    )

    assert answer.status_code == 200


def test_client_may_prove_itself_with_basic_credentials(
    platform: Platform, client: httpx2.Client
) -> None:
    body = parameters(platform)
    proof = base64.b64encode(f"{body.pop('client_id')}:{body.pop('client_secret')}".encode())

    answer = client.post(
        "/ims/token/v3", data=body, headers={"Authorization": f"Basic {proof.decode()}"}
    )

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("changed", "error", "description"),
    [
        ({"client_secret": "wrong"}, "invalid_client", "invalid client_secret parameter"),
        ({"client_id": "nobody"}, "invalid_client", "invalid client_id parameter"),
        ({"client_id": ""}, "invalid_client", "invalid client_id parameter"),
        ({"scope": "openid,admin"}, "invalid_scope", None),
        ({"scope": ""}, "invalid_scope", None),
        ({"grant_type": ""}, "invalid_request", None),
        ({"grant_type": "password"}, "unsupported_grant_type", None),
        ({"grant_type": "authorization_code"}, "unsupported_grant_type", None),
    ],
)
def test_request_that_proves_nothing_gets_no_token(
    platform: Platform,
    client: httpx2.Client,
    changed: dict[str, str],
    error: str,
    description: str | None,
) -> None:
    answer = client.post("/ims/token/v3", data=parameters(platform, **changed))

    body = answer.json()
    assert answer.status_code == 400
    assert body.keys() == {"error", "error_description"}
    assert body["error"] == error
    assert description in {None, body["error_description"]}


@pytest.mark.parametrize("path", ["/ims/exchange/jwt", "/ims/exchange/jwt/"])
def test_assertion_gives_a_token_with_its_lifetime_in_milliseconds(
    platform: Platform, client: httpx2.Client, path: str
) -> None:
    of = platform.credentials
    body = (
        f"&client_id={of.client_id}&client_secret={of.client_secret}"
        f"&jwt_token={assertion(platform)}"
    )

    answer = client.post(
        path, content=body, headers={"Content-Type": "application/x-www-form-urlencoded"}
    )

    assert answer.status_code == 200
    assert answer.json()["expires_in"] == 86_399_000
    assert platform.access.authenticate(answer.json()["access_token"]) is not None


def test_assertion_may_come_as_multipart(platform: Platform, client: httpx2.Client) -> None:
    parts = {
        "client_id": (None, platform.credentials.client_id),
        "client_secret": (None, platform.credentials.client_secret),
        "jwt_token": (None, assertion(platform)),
    }

    assert client.post("/ims/exchange/jwt/", files=parts).status_code == 200


@pytest.mark.parametrize(
    ("changed", "error"),
    [({"exp": 1}, "invalid_token"), ({"aud": "elsewhere"}, "invalid_token")],
)
def test_assertion_that_proves_nothing_gets_no_token(
    platform: Platform, client: httpx2.Client, changed: dict[str, Any], error: str
) -> None:
    body = parameters(platform, jwt_token=assertion(platform, **changed))

    answer = client.post("/ims/exchange/jwt", data=body)

    assert answer.status_code == 400
    assert answer.json()["error"] == error


def test_assertion_that_nobody_signed_is_refused_in_the_words_clients_look_for(
    platform: Platform, client: httpx2.Client
) -> None:
    answer = client.post("/ims/exchange/jwt", data=parameters(platform, jwt_token="a.b.c"))

    assert answer.json() == {"error": "invalid_token", "error_description": SIGNATURE}


def test_published_keys_verify_the_tokens_also_after_a_rotation(
    platform: Platform, client: httpx2.Client
) -> None:
    before = platform.token()
    platform.access.rotate_keys()
    after = platform.token()

    keys = jwt.PyJWKSet.from_dict(client.get("/ims/keys").json())

    for token in (before, after):
        key = keys[jwt.get_unverified_header(token)["kid"]]
        claims = jwt.decode(token, key, algorithms=["RS256"])
        assert claims["client_id"] == platform.credentials.client_id


def test_configuration_says_where_tokens_and_keys_are(client: httpx2.Client) -> None:
    configuration = client.get("/ims/.well-known/openid-configuration").json()

    assert configuration["token_endpoint"] == "http://platform.example:8080/ims/token/v3"
    assert configuration["jwks_uri"] == "http://platform.example:8080/ims/keys"


def test_unknown_version_is_not_found(platform: Platform, client: httpx2.Client) -> None:
    assert client.post("/ims/token/v9", data=parameters(platform)).status_code == 404


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    body=st.binary(max_size=200),
    content_type=st.sampled_from(
        [
            "application/x-www-form-urlencoded",
            "multipart/form-data",
            "multipart/form-data; boundary=x",
            'multipart/form-data; boundary="',
            "text/plain",
            "",
        ]
    ),
    frame=st.sampled_from([b"%b", b"--x\r\n%b", b"--x\r\nContent-Disposition: form-data%b--x--"]),
)
def test_arbitrary_body_is_the_callers_mistake(
    client: httpx2.Client, body: bytes, content_type: str, frame: bytes
) -> None:
    answer = client.post(
        "/ims/token/v3", content=frame % body, headers={"Content-Type": content_type}
    )

    assert answer.status_code == 400
    assert answer.json().keys() == {"error", "error_description"}


def assertion(platform: Platform, **changed: Any) -> str:
    of = platform.credentials
    claims = {
        "iss": of.org_id,
        "sub": of.technical_account_id,
        "aud": f"https://ims-na1.adobelogin.com/c/{of.client_id}",
        "exp": 4_000_000_000,
        "https://ims-na1.adobelogin.com/s/ent_dataservices_sdk": True,
    }
    return jwt.encode(claims | changed, of.jwt_private_key, algorithm="RS256")
