"""The tutorial's calls, as it prints them."""

import re
from collections.abc import Iterator

import httpx2
import pytest

from support.platform import COLLECTION_URL, FLOW_SERVICE, Platform, running_platform

ETAG = r'"[0-9a-f]{8}-0000-0200-0000-[0-9a-f]{8}0000"'
UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"

NON_AUTHENTICATED = """{
     "name": "Sample streaming connection",
     "providerId": "521eee4d-8cbe-4906-bb48-fb6bd4450033",
     "description": "Sample description",
     "connectionSpec": {
         "id": "bc7b00d6-623a-4dfc-9fdb-f1240aeadaeb",
         "version": "1.0"
     },
     "auth": {
         "specName": "Streaming Connection",
         "params": {
             "sourceId": "Sample connection",
             "dataType": "xdm",
             "name": "Sample connection"
         }
     }
 }"""
AUTHENTICATED = NON_AUTHENTICATED.replace(
    '"name": "Sample connection"\n',
    '"name": "Sample connection",\n"authenticationRequired": true\n',
)


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with running_platform(tmp_path_factory.mktemp("data")) as platform:
        yield platform


@pytest.fixture
def client(platform: Platform) -> Iterator[httpx2.Client]:
    headers = platform.headers(Content_Type="application/json")
    with httpx2.Client(base_url=platform.url, headers=headers) as client:
        yield client


@pytest.mark.parametrize(
    ("body", "is_authentication_required"), [(NON_AUTHENTICATED, False), (AUTHENTICATED, True)]
)
def test_tutorial_creates_a_connection_and_finds_its_inlet(
    client: httpx2.Client, body: str, *, is_authentication_required: bool
) -> None:
    created = client.post(f"{FLOW_SERVICE}/connections", content=body)

    assert created.status_code == 201
    assert created.json().keys() == {"id", "etag"}
    assert re.fullmatch(UUID, created.json()["id"])
    assert re.fullmatch(ETAG, created.json()["etag"])
    assert "\n" not in created.text

    found = client.get(f"{FLOW_SERVICE}/connections/{created.json()['id']}")

    assert found.status_code == 200
    assert found.json().keys() == {"items"}
    [item] = found.json()["items"]
    params = item["auth"]["params"]
    assert re.fullmatch(re.escape(COLLECTION_URL) + r"/collection/[0-9a-f]{64}", params["inletUrl"])
    assert params == {
        "sourceId": "Sample connection",
        "inletUrl": f"{COLLECTION_URL}/collection/{params['inletId']}",
        "inletId": params["inletId"],
        "dataType": "xdm",
        "name": "Sample connection",
        "authenticationRequired": is_authentication_required,
    }
    assert item["connectionSpec"] == {
        "id": "bc7b00d6-623a-4dfc-9fdb-f1240aeadaeb",
        "version": "1.0",
    }
    assert (item["name"], item["description"], item["state"]) == (
        "Sample streaming connection",
        "Sample description",
        "enabled",
    )
    assert item["etag"] == item["version"] == created.json()["etag"]
    assert item["createdAt"] == item["updatedAt"]


def test_audit_members_name_the_client_and_the_sandbox(
    client: httpx2.Client, platform: Platform
) -> None:
    created = client.post(f"{FLOW_SERVICE}/connections", content=NON_AUTHENTICATED)

    [item] = client.get(f"{FLOW_SERVICE}/connections/{created.json()['id']}").json()["items"]

    of = platform.credentials
    who = {item[name] for name in ("createdBy", "updatedBy", "createdClient", "updatedClient")}
    assert who == {of.client_id}
    assert (item["imsOrgId"], item["sandboxName"]) == (of.org_id, "prod")
    assert item["sandboxId"] == platform.sandboxes.resolve(of.org_id).sandbox_id


def test_newest_form_of_the_request_needs_the_data_type_only(client: httpx2.Client) -> None:
    body = {
        "name": "ACME Streaming Connection XDM Data",
        "connectionSpec": {"id": "bc7b00d6-623a-4dfc-9fdb-f1240aeadaeb"},
        "auth": {"specName": "Streaming Connection", "params": {"dataType": "raw"}},
    }

    created = client.post(f"{FLOW_SERVICE}/connections?Cache-Control=no-cache", json=body)

    [item] = client.get(f"{FLOW_SERVICE}/connections/{created.json()['id']}").json()["items"]
    assert item["connectionSpec"]["version"] == "1.0"
    assert item["auth"]["params"]["sourceId"] == "ACME Streaming Connection XDM Data"
    assert item["auth"]["params"]["name"] == "ACME Streaming Connection XDM Data"


def test_call_without_a_sandbox_works_in_the_default_one(platform: Platform) -> None:
    headers = platform.headers(Content_Type="application/json")
    del headers["x-sandbox-name"]
    with httpx2.Client(base_url=platform.url, headers=headers) as client:
        created = client.post(f"{FLOW_SERVICE}/connections", content=NON_AUTHENTICATED)

        [item] = client.get(f"{FLOW_SERVICE}/connections/{created.json()['id']}").json()["items"]

    assert item["sandboxName"] == "prod"
