"""A checkout of the XDM repository, imported by the command, is what the server shows and uses."""

from pathlib import Path

from forebay.kernel import json
from support.server import Client, Server

NS = "https://ns.adobe.com/xdm/"
GROUP = f"{NS}mixins/profile/pet-details"


def a_checkout(root: Path) -> Path:
    behavior = root / "components" / "behaviors" / "record.schema.json"
    group = root / "components" / "fieldgroups" / "pet-details.schema.json"
    behavior.parent.mkdir(parents=True)
    group.parent.mkdir()
    behavior.write_bytes(json.encode({"$id": f"{NS}data/record", "title": "Record Schema"}))
    group.write_bytes(
        json.encode(
            {
                "$id": GROUP,
                "title": "Pet Details",
                "meta:intendedToExtend": [f"{NS}context/profile"],
                "definitions": {
                    "pet": {
                        "properties": {
                            "xdm:petName": {"type": "string", "description": "What it is called."}
                        }
                    }
                },
                "allOf": [{"$ref": "#/definitions/pet"}],
            }
        )
    )
    return root


def test_imported_component_is_shown_and_takes_records(tmp_path: Path) -> None:
    server = Server(tmp_path / "data")
    try:
        output = server.command("xdm", "import", str(a_checkout(tmp_path / "xdm"))).stdout
        client = Client(server.start())

        accept = "application/vnd.adobe.xed-full+json; version=1"
        path = "/data/foundation/schemaregistry/global/fieldgroups/_xdm.mixins.profile.pet-details"
        shown = client.call("GET", path, accept=accept).json()
        schema_id, dataset_id = client.create_dataset(
            "pets", ["xdm/context/profile", "xdm/mixins/profile/pet-details"], None
        )
        inlet = client.create_inlet()
        message = client.message(schema_id, dataset_id, {"petName": "Rex"})
        answer = server.http.post(inlet["auth"]["params"]["inletUrl"], json=message)
        server.await_lake()

        assert "1  field groups" in output
        assert "start it again" in output
        assert shown["title"] == "Pet Details"
        assert shown["properties"]["petName"]["description"] == "What it is called."
        assert answer.status_code == 200
        assert server.query('select "petName" from pets') == [{"petName": "Rex"}]
    finally:
        server.close()


def test_folder_that_is_no_checkout_is_refused(server: Server, tmp_path: Path) -> None:
    finished = server.command("xdm", "import", str(tmp_path), check=False)

    assert finished.returncode == 1
    assert "no components/behaviors" in finished.stderr
    assert "[XDM-1003]" in finished.stderr
