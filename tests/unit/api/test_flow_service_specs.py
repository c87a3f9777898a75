from collections.abc import Iterator

import httpx2
import pytest

from support.platform import FLOW_SERVICE, Platform, running_platform

STREAMING = "bc7b00d6-623a-4dfc-9fdb-f1240aeadaeb"
WITH_TRANSFORMATION = "c1a19761-d2c7-4702-b9fa-fe91f0613e81"


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with running_platform(tmp_path_factory.mktemp("data")) as platform:
        yield platform


@pytest.fixture
def client(platform: Platform) -> Iterator[httpx2.Client]:
    with platform.client() as client:
        yield client


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["Streaming Connection", "datalake"]),
        ("?orderby=-name", ["datalake", "Streaming Connection"]),
        ('?property=name=="datalake"', ["datalake"]),
        ("?property=name==datalake", ["datalake"]),
        ("?property=attributes.isSource==true", ["Streaming Connection"]),
        ("?property=providerId==521eee4d-8cbe-4906-bb48-fb6bd4450033", ["Streaming Connection"]),
    ],
)
def test_connection_specs_are_listed(
    client: httpx2.Client, query: str, expected: list[str]
) -> None:
    body = client.get(f"{FLOW_SERVICE}/connectionSpecs{query}").json()

    assert sorted(spec["name"] for spec in body["items"]) == sorted(expected)
    assert body["_links"] == {}


def test_streaming_spec_says_which_parameters_a_connection_takes(client: httpx2.Client) -> None:
    [spec] = client.get(f"{FLOW_SERVICE}/connectionSpecs/{STREAMING}").json()["items"]

    [auth_spec] = spec["authSpec"]
    assert auth_spec["name"] == "Streaming Connection"
    assert auth_spec["spec"]["properties"]["dataType"]["enum"] == ["xdm", "raw"]
    assert auth_spec["spec"]["required"] == ["dataType"]


def test_flow_specs_are_listed(client: httpx2.Client) -> None:
    body = client.get(
        f"{FLOW_SERVICE}/flowSpecs", params={"property": 'name=="Steam data with transformation"'}
    ).json()

    [spec] = body["items"]
    assert spec["id"] == WITH_TRANSFORMATION
    assert spec["attributes"]["frequency"] == "streaming"
    assert spec["transformationSpecs"][0]["spec"]["required"] == ["mappingId"]


def test_flow_spec_is_found_by_its_id(client: httpx2.Client) -> None:
    [spec] = client.get(f"{FLOW_SERVICE}/flowSpecs/{WITH_TRANSFORMATION}").json()["items"]

    assert STREAMING in spec["sourceConnectionSpecIds"]


@pytest.mark.parametrize("kind", ["connectionSpecs", "flowSpecs"])
def test_unknown_spec_is_not_found(client: httpx2.Client, kind: str) -> None:
    answer = client.get(f"{FLOW_SERVICE}/{kind}/nope")

    assert answer.status_code == 404
    assert answer.json()["report"]["type"] == kind


@pytest.mark.parametrize(
    ("kind", "code"), [("connectionSpecs", "FLOW-1423-400"), ("flowSpecs", "FLOW-1449-400")]
)
def test_filter_on_an_unknown_member_is_refused(
    client: httpx2.Client, kind: str, code: str
) -> None:
    answer = client.get(f"{FLOW_SERVICE}/{kind}?property=nothing==1")

    assert answer.status_code == 400
    assert answer.json()["type"].endswith(code)
