from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from forebay.control.access.model import NewCredentials
from support.registry import (
    EVENT_EMAIL,
    PERSON_DETAILS,
    PROFILE,
    REGISTRY,
    RegistryClient,
    a_dataset,
    a_field_group,
    a_schema,
    a_title,
    an_event_schema,
    an_identity,
    running_registry,
)

PLACEHOLDER = "<XDM_TENANTID_PLACEHOLDER>"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryClient]:
    with running_registry(tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture(scope="module")
def rival(client: RegistryClient) -> Iterator[RegistryClient]:
    credentials: NewCredentials = client.platform.access.create_organization("Rival")
    other = RegistryClient(client.platform, credentials)
    yield other
    other.http.close()


@pytest.fixture(scope="module")
def development(client: RegistryClient) -> Iterator[RegistryClient]:
    other = RegistryClient(client.platform, x_sandbox_name="dev")
    yield other
    other.http.close()


def an_own_schema(client: RegistryClient) -> dict[str, Any]:
    fields = {"type": "object", "required": ["level"], "properties": {"level": {"type": "integer"}}}
    group = client.create("fieldgroups", a_field_group({client.namespace: fields}))
    return client.create("schemas", a_schema(PROFILE, PERSON_DETAILS, group["$id"]))


def without_sandbox(exported: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {name: value for name, value in item.items() if not name.startswith("meta:sandbox")}
        for item in exported
    ]


def test_schema_moves_into_another_sandbox_and_another_organization(
    client: RegistryClient, development: RegistryClient, rival: RegistryClient
) -> None:
    schema = an_own_schema(client)
    exported = client.registry("GET", f"/rpc/export/{quote(schema['$id'], safe='')}")

    there = [
        other.registry("POST", "/rpc/import", exported.json()) for other in (development, rival)
    ]

    again = rival.registry("GET", f"/rpc/export/{there[1].json()[-1]['meta:altId']}")
    composed = rival.lookup(there[1].json()[-1]["$id"])
    assert [answer.status_code for answer in there] == [200, 200]
    assert there[0].json()[-1]["$id"] == schema["$id"]
    assert without_sandbox(again.json()) == without_sandbox(exported.json())
    assert composed["properties"][rival.namespace]["required"] == ["level"]


def test_imported_schema_takes_descriptors_and_a_dataset(
    client: RegistryClient, rival: RegistryClient
) -> None:
    exported = client.registry("GET", f"/rpc/export/{an_own_schema(client)['meta:altId']}").json()
    imported = rival.registry("POST", "/rpc/import", exported).json()[-1]

    identity = an_identity(imported["$id"], "/person/name/firstName")
    descriptor = rival.registry("POST", "/tenant/descriptors", identity)

    assert descriptor.status_code == 201
    assert rival.create_dataset(a_dataset(imported["$id"]))


def test_import_needs_no_content_type(client: RegistryClient, rival: RegistryClient) -> None:
    exported = client.registry("GET", f"/rpc/export/{an_own_schema(client)['meta:altId']}")

    answer = rival.http.post(f"{REGISTRY}/rpc/import", content=exported.content)

    assert answer.status_code == 200


def test_import_of_another_type_is_refused(rival: RegistryClient) -> None:
    answer = rival.http.post(
        f"{REGISTRY}/rpc/import", content=b"<a/>", headers={"Content-Type": "text/xml"}
    )

    assert answer.status_code == 400


def test_refused_import_says_why_and_keeps_nothing(
    client: RegistryClient, rival: RegistryClient
) -> None:
    exported = client.registry("GET", f"/rpc/export/{an_own_schema(client)['meta:altId']}").json()
    rival.create("schemas", a_schema(title=exported[-1]["title"]))
    before = rival.registry("GET", "/stats").json()["counts"]

    answer = rival.registry("POST", "/rpc/import", exported)

    body = answer.json()
    assert answer.status_code == 400
    assert body["type"] == "http://ns.adobe.com/aep/errors/XDM-3005-400"
    assert body["title"] == "Import Resource Failed"
    assert body["detail"].startswith("Failed to import resources. Error: ")
    assert "already exists with the same title" in body["detail"]
    assert body["report"]["cause"] == "XDM-1521"
    assert rival.registry("GET", "/stats").json()["counts"] == before


@pytest.mark.parametrize("body", [None, {}, [], [[]], "text", [{"$id": 7}], [{"$id": "x" * 9000}]])
def test_import_of_something_else_is_a_documented_error(
    client: RegistryClient, body: object
) -> None:
    answer = client.registry("POST", "/rpc/import", body)

    assert answer.status_code == 400
    assert answer.json()["type"].endswith("XDM-3005-400")


@pytest.mark.parametrize(
    "resource_id",
    ["_acme.schemas.none", "%2e%2e", "%00", "a" * 5000, quote("https://x/é", safe="")],
)
@pytest.mark.parametrize("procedure", ["export", "sampledata", "auditlog"])
def test_unknown_resource_is_not_found(
    client: RegistryClient, procedure: str, resource_id: str
) -> None:
    answer = client.registry("GET", f"/rpc/{procedure}/{resource_id}")

    assert answer.status_code == 404
    assert answer.json()["report"]["registryRequestId"]


def test_resources_of_others_are_not_found(client: RegistryClient, rival: RegistryClient) -> None:
    schema = an_own_schema(client)

    answers = [
        rival.registry("GET", f"/rpc/{procedure}/{schema['meta:altId']}")
        for procedure in ("export", "sampledata", "auditlog")
    ]

    assert [answer.status_code for answer in answers] == [404, 404, 404]


def test_sample_data_is_in_standard_notation_and_stays_the_same(client: RegistryClient) -> None:
    schema = client.create("schemas", an_event_schema())
    client.registry("POST", "/tenant/descriptors", an_identity(schema["$id"], EVENT_EMAIL))
    path = f"/rpc/sampledata/{schema['meta:altId']}"

    first, second = client.registry("GET", path), client.registry("GET", path)

    sample = first.json()
    assert first.status_code == 200
    assert first.content == second.content
    assert sample["@id"] == "/uri-reference"
    assert sample["xdm:timestamp"] == "2018-11-12T20:20:39+00:00"
    assert sample["xdm:productListItems"][0]["xdm:SKU"] == "string"
    assert sample["xdm:environment"]["xdm:type"] == "browser"


def test_sample_data_of_the_tenant_has_no_prefix_and_nothing_deprecated(
    client: RegistryClient,
) -> None:
    fields = {
        "type": "object",
        "properties": {
            "level": {"type": "integer"},
            "old": {"type": "string", "meta:status": "deprecated"},
        },
    }
    group = client.create("fieldgroups", a_field_group({client.namespace: fields}))
    schema = client.create("schemas", a_schema(PROFILE, group["$id"]))

    sample = client.registry("GET", f"/rpc/sampledata/{schema['meta:altId']}").json()

    assert sample[client.namespace] == {"level": 7}


def test_audit_log_tells_the_newest_change_first(client: RegistryClient) -> None:
    schema = client.create("schemas", a_schema(description="old"))
    path = f"/tenant/schemas/{schema['meta:altId']}"
    title = a_title()
    change = [{"op": "replace", "path": "/title", "value": title}]
    client.registry("PATCH", path, change, x_request_id="the-change")
    client.registry("DELETE", path)

    answer = client.registry("GET", f"/rpc/auditlog/{quote(schema['$id'], safe='')}")

    entries = answer.json()
    assert answer.status_code == 200
    assert [entry["updates"][0]["action"] for entry in entries] == ["remove", "replace", "add"]
    assert entries[1]["requestId"] == "the-change"
    assert entries[1]["updates"] == [
        {
            "id": schema["$id"],
            "xdmType": "schemas",
            "action": "replace",
            "path": "/title",
            "value": title,
        }
    ]


def test_change_that_changes_nothing_is_not_logged(client: RegistryClient) -> None:
    schema = client.create("schemas", a_schema())
    same = [{"op": "replace", "path": "/title", "value": schema["title"]}]

    client.registry("PATCH", f"/tenant/schemas/{schema['meta:altId']}", same)

    entries = client.registry("GET", f"/rpc/auditlog/{schema['meta:altId']}").json()
    assert len(entries) == 1
