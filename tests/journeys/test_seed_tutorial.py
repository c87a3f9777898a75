"""The tutorial the project exists for, call by call."""

import os
import re
import subprocess
from pathlib import Path

from support.server import Client, Server

CONNECTIONS = "/data/foundation/flowservice/connections"
SEED = {
    "name": "Sample streaming connection",
    "providerId": "521eee4d-8cbe-4906-bb48-fb6bd4450033",
    "description": "Sample description",
    "connectionSpec": {"id": "bc7b00d6-623a-4dfc-9fdb-f1240aeadaeb", "version": "1.0"},
    "auth": {
        "specName": "Streaming Connection",
        "params": {
            "sourceId": "Sample connection",
            "dataType": "xdm",
            "name": "Sample connection",
        },
    },
}
UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def test_creating_a_connection_answers_201_with_id_and_etag_only(client: Client) -> None:
    answer = client.call("POST", CONNECTIONS, SEED)

    assert answer.status_code == 201
    assert set(answer.json()) == {"id", "etag"}
    assert re.fullmatch(UUID, answer.json()["id"])
    assert re.fullmatch(f'"{UUID}"', answer.json()["etag"])


def test_getting_a_connection_shows_its_inlet(client: Client, server: Server) -> None:
    created = client.call("POST", CONNECTIONS, SEED).json()

    item = client.call("GET", f"{CONNECTIONS}/{created['id']}").json()["items"][0]

    parameters = item["auth"]["params"]
    assert item["id"] == created["id"]
    assert item["state"] == "enabled"
    assert item["createdBy"] == client.members["client_id"]
    assert item["version"] == item["etag"]
    assert re.fullmatch(r"[0-9a-f]{64}", parameters["inletId"])
    assert parameters["inletUrl"] == f"{server.collection_url}/collection/{parameters['inletId']}"
    assert parameters["sourceId"] == "Sample connection"
    assert parameters["dataType"] == "xdm"


def test_an_authenticated_connection_without_a_token_answers_as_printed(
    client: Client, server: Server
) -> None:
    inlet = client.create_inlet(is_authenticated=True)["auth"]["params"]["inletUrl"]

    answer = server.http.post(inlet, content=b"{}", headers={"content-type": "application/json"})

    assert answer.status_code == 401
    assert answer.content == (
        b'{"type":"https://ns.adobe.com/adobecloud/problem/data-collection-service-authorization",'
        b'"status":"401","title":"Authorization",'
        b'"report":{"message":"[id] Ims service token is empty"}}'
    )


def test_the_example_script_runs_the_tutorial(server: Server) -> None:
    exports = server.command("credentials", "--format", "env").stdout
    script = Path(__file__).parents[2] / "examples" / "seed_tutorial.sh"

    finished = subprocess.run(
        ["bash", "-c", f"{exports}\n{script}"],
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"]},
        check=False,
    )

    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.count('"etag":') == 3
    assert "401 Unauthorized" in finished.stdout
