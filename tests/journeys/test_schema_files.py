"""Schemas kept in files: the same as through the API, and applied as often as one likes."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from forebay.kernel import json
from support.server import CONTENT_TYPE, Client, Server

EXAMPLE = Path(__file__).parents[2] / "examples" / "schemas" / "loyalty-members.yaml"
REGISTRY = "/data/foundation/schemaregistry"
FULL = "application/vnd.adobe.xed-full+json; version=1"
HOME = "https://ns.adobe.com/"
GROUPS = [
    "xdm/context/profile-person-details",
    "xdm/context/profile-personal-details",
    "xdm/context/profile-work-details",
    "xdm/mixins/profile-consents",
    "xdm/context/profile-preferences-details",
    "xdm/mixins/profile/profile-loyalty-details",
    "xdm/mixins/profile/profile-user-account-details",
    "xdm/mixins/profile/profile-telecom-subscription",
    "xdm/mixins/profile/travel-preferences",
    "xdm/mixins/profile-personal-finance-details",
]


@pytest.fixture(scope="module")
def applied(server: Server) -> str:
    """Apply the example; the title of its schema."""
    server.command("schema", "apply", str(EXAMPLE))
    return "Loyalty members"


def created(client: Client, collection: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = client.call("POST", f"{REGISTRY}/tenant/{collection}", body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def membership_fields(reward_id: str) -> dict[str, Any]:
    text, number = {"type": "string"}, {"type": "integer", "meta:xdmType": "int"}
    date = {"type": "string", "format": "date"}
    return {
        "loyaltyId": text | {"pattern": "^L-[0-9]{4}$"},
        "points": {
            "type": "integer",
            "meta:xdmType": "long",
            "minimum": -9007199254740992,
            "maximum": 9007199254740992,
        },
        "tier": text
        | {
            "enum": ["silver", "gold", "platinum"],
            "meta:enum": {"silver": "Silver", "gold": "Gold", "platinum": "Platinum"},
        },
        "enrolledAt": {"type": "string", "format": "date-time"},
        "channels": {"type": "array", "items": text},
        "homeStore": {
            "type": "object",
            "properties": {
                "storeId": text,
                "location": {
                    "type": "object",
                    "properties": {"city": text, "country": text | {"pattern": "^[A-Z]{2}$"}},
                },
            },
            "required": ["storeId"],
        },
        "tierHistory": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "tier": text,
                    "since": date,
                    "reasons": {"type": "array", "items": text},
                },
                "required": ["tier"],
            },
        },
        "rewards": {"type": "array", "items": {"$ref": reward_id}},
        "notes": {"type": "object", "meta:xdmType": "map", "additionalProperties": text},
        "pointsByYear": {"type": "object", "meta:xdmType": "map", "additionalProperties": number},
    }


def create_by_hand(client: Client) -> tuple[str, str]:
    """Make the example's schema and dataset as Adobe's guides do, call by call."""
    namespace = f"_{client.members['tenant_id']}"
    reward = created(
        client,
        "datatypes",
        {
            "title": "Reward by hand",
            "type": "object",
            "properties": {
                "sku": {"type": "string", "maxLength": 40},
                "name": {"type": "string"},
                "points": {"type": "integer", "meta:xdmType": "int", "minimum": 0},
                "validUntil": {"type": "string", "format": "date"},
            },
            "required": ["sku"],
        },
    )
    group = created(
        client,
        "fieldgroups",
        {
            "title": "Membership by hand",
            "type": "object",
            "meta:intendedToExtend": [f"{HOME}xdm/context/profile"],
            "definitions": {
                "loyalty": {
                    "type": "object",
                    "properties": {
                        namespace: {
                            "type": "object",
                            "properties": membership_fields(reward["$id"]),
                            "required": ["loyaltyId"],
                        }
                    },
                }
            },
            "allOf": [{"$ref": "#/definitions/loyalty"}],
        },
    )
    parts = [f"{HOME}xdm/context/profile", *(HOME + name for name in GROUPS), group["$id"]]
    schema_id = created(
        client,
        "schemas",
        {"title": "By hand", "type": "object", "allOf": [{"$ref": part} for part in parts]},
    )["$id"]
    identity = {
        "@type": "xdm:descriptorIdentity",
        "xdm:sourceSchema": schema_id,
        "xdm:sourceVersion": 1,
        "xdm:sourceProperty": f"/{namespace}/loyaltyId",
        "xdm:namespace": "Loyalty",
        "xdm:property": "xdm:code",
        "xdm:isPrimary": True,
    }
    created(client, "descriptors", identity)
    dataset = client.call(
        "POST",
        "/data/foundation/catalog/dataSets",
        {"name": "By hand", "schemaRef": {"id": schema_id, "contentType": CONTENT_TYPE}},
    )
    return schema_id, dataset.json()[0].removeprefix("@/dataSets/")


def from_file(client: Client) -> tuple[str, str]:
    datasets = client.call("GET", "/data/foundation/catalog/dataSets").json()
    ((dataset_id, dataset),) = (
        item for item in datasets.items() if item[1]["name"] == "Loyalty members"
    )
    return dataset["schemaRef"]["id"], dataset_id


def fields(client: Client, schema_id: str) -> Any:
    path = f"{REGISTRY}/tenant/schemas/{quote(schema_id, safe='')}"
    composed = client.call("GET", path, accept=FULL).json()
    own = composed["properties"][f"_{client.members['tenant_id']}"]["properties"]
    # The one difference: the data types are two, since titles are unique.
    for name in ("meta:referencedFrom", "title", "description"):
        own["rewards"]["items"].pop(name, None)
    return composed["properties"], composed["required"]


def a_member(client: Client, loyalty_id: str) -> dict[str, Any]:
    return {
        "person": {"name": {"firstName": "Ada", "lastName": "King"}},
        "personalEmail": {"address": "ada@example.com"},
        f"_{client.members['tenant_id']}": {
            "loyaltyId": loyalty_id,
            "points": 1200,
            "tier": "gold",
            "channels": ["web", "store"],
            "homeStore": {"storeId": "S1", "location": {"city": "Basel", "country": "CH"}},
            "tierHistory": [{"tier": "silver", "since": "2025-01-31", "reasons": ["start"]}],
            "rewards": [{"sku": "R1", "points": 100}],
            "notes": {"allergies": "none"},
            "pointsByYear": {"2025": 900, "2026": 300},
        },
    }


@pytest.mark.usefixtures("applied")
def test_a_schema_from_a_file_is_the_one_made_through_the_api(
    client: Client, server: Server
) -> None:
    by_hand, by_hand_dataset = create_by_hand(client)
    by_file, by_file_dataset = from_file(client)
    inlet = client.create_inlet()["auth"]["params"]["inletUrl"]

    for schema_id, dataset_id, name in (
        (by_hand, by_hand_dataset, "L-0001"),
        (by_file, by_file_dataset, "L-0002"),
    ):
        message = client.message(schema_id, dataset_id, a_member(client, name))
        answer = server.http.post(f"{inlet}?syncValidation=true", json=message)
        assert answer.status_code == 200, answer.text
    server.await_lake()

    assert fields(client, by_hand) == fields(client, by_file)
    own = f"_{client.members['tenant_id']}"
    sql = (
        f"select {own}.loyaltyId as id, {own}.homeStore.location.city as city, "
        f"{own}.tierHistory[1].reasons[1] as reason, {own}.pointsByYear['2026'] as points, "
        f"{own}.rewards[1].sku as sku from {{}}"
    )
    row = {"city": "Basel", "reason": "start", "points": 300, "sku": "R1"}
    assert server.query(sql.format("by_hand")) == [{"id": "L-0001", **row}]
    assert server.query(sql.format("loyalty_members")) == [{"id": "L-0002", **row}]


@pytest.mark.usefixtures("applied")
def test_a_second_run_finds_everything_unchanged(server: Server) -> None:
    again = server.command("schema", "apply", str(EXAMPLE))
    dry = server.command("schema", "apply", "--dry-run", "--exit-code", str(EXAMPLE))

    assert "Everything is unchanged (8)." in again.stdout
    assert "Everything is unchanged (8)." in dry.stdout


@pytest.mark.usefixtures("applied")
def test_an_export_makes_the_same_schema_in_another_sandbox(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "exported.yaml"
    file.write_text(server.command("schema", "export", "Loyalty members").stdout)

    server.command("schema", "apply", str(file), "--sandbox", "dev")

    here = server.command("schema", "show", "Loyalty members", "--all").stdout.splitlines()
    there = server.command("schema", "show", "Loyalty members", "--all", "--sandbox", "dev")
    unchanged = server.command("schema", "apply", str(file)).stdout
    assert here[2:] == there.stdout.splitlines()[2:]
    assert "loyaltyId * string primary identity Loyalty" in there.stdout
    assert "rewards[] object" in there.stdout
    assert "[Loyalty membership]" in there.stdout
    assert "Everything is unchanged" in unchanged


def test_files_that_describe_nothing_are_not_called_unchanged(
    server: Server, tmp_path: Path
) -> None:
    empty = tmp_path / "empty.yaml"
    empty.write_text("schemas: []\n")

    assert "Nothing is described" in server.command("schema", "apply", str(empty)).stdout


def test_a_terminal_without_utf_8_gets_an_answer(server: Server) -> None:
    shown = subprocess.run(
        [
            *(sys.executable, "-m", "forebay.cli", "schema", "show", "XDM Individual Profile"),
            *("--data", str(server.data)),
        ],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        check=False,
    )

    assert "XDM Individual Profile  class ? version" in shown.stdout


def test_an_exported_ad_hoc_class_gets_its_own_namespace_in_another_sandbox(
    server: Server, tmp_path: Path
) -> None:
    file = tmp_path / "ad-hoc.yaml"
    file.write_text(
        "classes: [{title: Rows, behavior: adhoc, fields: {id: string}}]\n"
        "schemas: [{title: Row list, class: Rows}]\n"
    )
    server.command("schema", "apply", str(file))
    file.write_text(server.command("schema", "export", "Row list").stdout)

    there = server.command("schema", "apply", str(file), "--sandbox", "dev").stdout
    here = server.command("schema", "apply", str(file)).stdout

    assert "2 created" in there
    assert "Everything is unchanged" in here


def test_breaking_changes_stop_a_pipeline_and_additions_do_not(
    server: Server, tmp_path: Path
) -> None:
    text = EXAMPLE.read_text().replace("Loyalty m", "Partner m").replace("Loyalty r", "Partner r")
    first = tmp_path / "first.yaml"
    first.write_text(text)
    server.command("schema", "apply", str(first))
    broken, grown = tmp_path / "broken.yaml", tmp_path / "grown.yaml"
    broken.write_text(text.replace("points: long", "points: string"))
    grown.write_text(text.replace("points: long", "points: long\n      nickname: string"))

    stopped = server.command("schema", "apply", str(broken), check=False)
    shown = server.command("schema", "diff", "Partner members", str(broken), check=False)
    judged = server.command(
        "schema", "diff", "Partner members", str(broken), "--exit-code", check=False
    )
    dry = server.command("schema", "apply", "--dry-run", "--exit-code", str(grown), check=False)
    server.command("schema", "apply", str(grown))
    since = server.command("schema", "diff", "Partner membership@1.0", "Partner membership")

    assert stopped.returncode == 1
    assert "broken.yaml:19" in stopped.stderr
    assert "would change its type" in stopped.stderr
    assert (shown.returncode, judged.returncode) == (0, 4)
    assert "BREAKING" in judged.stdout
    assert (dry.returncode, "nickname  string" in dry.stdout) == (3, True)
    assert "nickname  string" in since.stdout


@pytest.mark.usefixtures("applied")
def test_samples_are_ready_to_be_sent(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "messages.ndjson"
    sample = ("schema", "sample", "Loyalty members", "--count", "20")

    file.write_text(server.command(*sample, "--message").stdout)
    sent = server.command("send", str(file), "--dataset", "Loyalty members", "--sync-validation")
    once, again = server.command(*sample).stdout, server.command(*sample).stdout

    assert "accepted  20" in sent.stdout
    assert "refused" not in sent.stdout
    assert once == again
    assert len(once.splitlines()) == 20


@pytest.mark.parametrize("kind", ["schemas", "fieldgroups", "classes", "datatypes", "behaviors"])
def test_adobes_components_are_listed(server: Server, kind: str) -> None:
    listed = server.command("schema", "list", "--global", "--type", kind, "--format", "json")

    assert json.decode(listed.stdout)


@pytest.mark.usefixtures("applied")
def test_the_tenants_resources_are_listed(server: Server) -> None:
    shown = server.command("schema", "list", "--filter", "loyalty").stdout
    unions = server.command("schema", "list", "--type", "unions").stdout

    assert "Loyalty members  XDM Individual Profile" in shown
    assert "•" in shown
    assert "_xdm.context.profile__union" in unions


@pytest.mark.usefixtures("applied")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("show", "Loyalty memberz"), "Did you mean Loyalty members"),
        (("show", "Account", "--global"), "is ambiguous"),
        (("diff", "Loyalty members@7.7", "Loyalty members"), "REG-4042"),
        (("sample", "By hand at all"), "Nothing is called"),
        (("show", "Loyalty members@7.7"), "REG-4042"),
        (("export",), "Name resources"),
        (("export", "XDM Individual Profile"), "only the tenant's own resources"),
        (("apply", "none.yaml"), "No such file"),
    ],
)
def test_what_is_not_there_is_an_error_that_helps(
    server: Server, arguments: tuple[str, ...], message: str
) -> None:
    refused = server.command("schema", *arguments, check=False)

    assert refused.returncode in {1, 2}
    assert message in refused.stderr
