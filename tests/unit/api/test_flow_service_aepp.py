"""The calls of aepp, Adobe's own Python client, through aepp itself."""

from collections.abc import Iterator
from typing import Any

import pytest
from aepp.flowservice import FlowService
from aepp.sandboxes import Sandboxes

from support.adobe import adobe_configuration
from support.platform import Platform, running_platform

STREAMING = "bc7b00d6-623a-4dfc-9fdb-f1240aeadaeb"


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with running_platform(tmp_path_factory.mktemp("data")) as platform:
        yield platform


@pytest.fixture(scope="module")
def configuration(platform: Platform) -> dict[str, Any]:
    configuration: dict[str, Any] = adobe_configuration(platform.credentials, platform.url)
    return configuration


@pytest.fixture
def flow_service(configuration: dict[str, Any]) -> FlowService:
    return FlowService(config=configuration)


def test_streaming_connection_is_created_read_changed_and_deleted(
    flow_service: FlowService, platform: Platform
) -> None:
    created = flow_service.createConnectionStreaming(
        name="From aepp", sourceId="aepp source", dataType="xdm", paramName="parameters"
    )
    read = flow_service.getConnection(created["id"])
    changed = flow_service.patchConnection(
        created["id"], [{"op": "Replace", "path": "/name", "value": "Renamed"}]
    )
    tested = flow_service.connectionTest(created["id"])
    renamed = flow_service.getConnection(created["id"])
    deleted = flow_service.deleteConnection(created["id"])
    missing = flow_service.connector.getData(f"{flow_service.endpoint}/connections/{created['id']}")

    assert read["etag"] == created["etag"] != changed["etag"]
    assert read["auth"]["params"]["sourceId"] == "aepp source"
    assert read["auth"]["params"]["inletUrl"].endswith(read["auth"]["params"]["inletId"])
    assert renamed["name"] == "Renamed"
    assert tested == {"result": True}
    assert deleted == 204
    assert (missing["status"], missing["report"]["type"]) == (404, "connections")
    assert read["createdBy"] == platform.credentials.client_id


def test_connections_are_paged_to_the_end(flow_service: FlowService) -> None:
    ids = {
        flow_service.createConnectionStreaming(
            name=f"Page {number}", sourceId="s", dataType="xdm", paramName="p"
        )["id"]
        for number in range(5)
    }

    listed = flow_service.getConnections(limit=2, n_results="inf")
    counted = flow_service.getConnections(limit=2, count=True)

    assert {item["id"] for item in listed} == ids
    assert counted["errorMessage"].startswith("The limit and count parameters")


def test_specs_are_found_by_their_names(flow_service: FlowService) -> None:
    assert flow_service.getConnectionSpecIdFromName("Streaming Connection") == STREAMING
    assert flow_service.getConnectionSpec(STREAMING)["items"][0]["id"] == STREAMING
    assert (
        flow_service.getFlowSpecIdFromNames(
            "Steam data with transformation", "Streaming Connection", "datalake"
        )
        == "c1a19761-d2c7-4702-b9fa-fe91f0613e81"
    )


def test_sandboxes_are_listed(configuration: dict[str, Any]) -> None:
    sandboxes = Sandboxes(config=configuration)

    listed = sandboxes.getSandboxes()
    one = sandboxes.getSandbox("dev")

    assert [each["name"] for each in listed] == ["prod", "dev"]
    assert one["name"] == "dev"
