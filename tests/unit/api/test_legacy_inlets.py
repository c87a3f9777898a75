import re
from collections.abc import Iterator

import httpx2
import pytest

from support.connections import seed_body
from support.platform import FLOW_SERVICE, Platform, running_platform

INLETS = "/data/core/edge/inlet"
BODY = {
    "name": "My inlet",
    "description": "Of old",
    "sourceId": "website",
    "dataType": "xdm",
    "authenticationRequired": True,
}


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with running_platform(tmp_path_factory.mktemp("data")) as platform:
        yield platform


@pytest.fixture
def client(platform: Platform) -> Iterator[httpx2.Client]:
    with platform.client() as client:
        yield client


def test_inlet_is_created_as_a_streaming_connection(
    client: httpx2.Client, platform: Platform
) -> None:
    inlet = client.post(INLETS, json=BODY).json()

    assert {name: inlet[name] for name in BODY} == BODY
    assert inlet["inletUrl"].endswith(f"/collection/{inlet['inletId']}")
    assert inlet["createdBy"] == platform.credentials.client_id
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", inlet["createdAt"])
    listed = client.get(
        f"{FLOW_SERVICE}/connections", params={"property": "auth.params.sourceId==website"}
    )
    assert listed.json()["items"][0]["auth"]["params"]["inletId"] == inlet["inletId"]


def test_inlet_of_a_streaming_connection_is_found(client: httpx2.Client) -> None:
    created = client.post(f"{FLOW_SERVICE}/connections", json=seed_body()).json()
    [item] = client.get(f"{FLOW_SERVICE}/connections/{created['id']}").json()["items"]
    inlet_id = item["auth"]["params"]["inletId"]

    inlet = client.get(f"{INLETS}/{inlet_id}").json()
    listed = client.get(f"{INLETS}/").json()

    assert inlet["sourceId"] == "Sample connection"
    assert inlet in listed["items"]
    assert listed["total"] == len(listed["items"])


@pytest.mark.parametrize("inlet_id", ["0" * 64, "nope", '"'])
def test_unknown_inlet_is_not_found(client: httpx2.Client, inlet_id: str) -> None:
    assert client.get(f"{INLETS}/{inlet_id}").status_code == 404


@pytest.mark.parametrize("body", [None, {}, [], {"name": "x"}, {"dataType": "json"}, "x"])
def test_body_that_breaks_a_rule_creates_nothing(client: httpx2.Client, body: object) -> None:
    answer = client.post(INLETS, json=body)

    assert answer.status_code == 400
    assert answer.json().keys() == {"error_code", "message"}


def test_inlet_of_another_sandbox_is_not_found(client: httpx2.Client) -> None:
    inlet = client.post(INLETS, json=BODY).json()

    answer = client.get(f"{INLETS}/{inlet['inletId']}", headers={"x-sandbox-name": "dev"})

    assert answer.status_code == 404
