"""The registry calls of aepp, the public Python client, through aepp itself."""

from collections.abc import Iterator
from typing import Any

import pytest
from aepp.schema import Schema

from support.adobe import adobe_schema_client
from support.registry import (
    EVENT,
    PERSON_DETAILS,
    PROFILE,
    RegistryClient,
    a_field_group,
    a_schema,
    an_identity,
    running_registry,
)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryClient]:
    with running_registry(tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture(scope="module")
def connect(client: RegistryClient) -> Any:
    def connected(sandbox: str = "prod") -> Schema:
        return adobe_schema_client(client, sandbox=sandbox)

    return connected


@pytest.fixture(scope="module")
def schemas(connect: Any) -> Schema:
    connected: Schema = connect()
    return connected


@pytest.fixture(scope="module")
def created(client: RegistryClient) -> dict[str, Any]:
    fields = {
        "type": "object",
        "properties": {
            "number": {"type": "string"},
            "old": {"type": "string", "meta:status": "deprecated"},
        },
    }
    group = client.create("fieldgroups", a_field_group({client.namespace: fields}))
    schema = client.create("schemas", a_schema(PROFILE, PERSON_DETAILS, group["$id"]))
    identity = an_identity(schema["$id"], f"/{client.namespace}/number")
    assert client.registry("POST", "/tenant/descriptors", identity).status_code == 201
    return schema


def test_schema_is_read_in_every_form_of_the_client(
    schemas: Schema, client: RegistryClient, created: dict[str, Any]
) -> None:
    own = client.namespace

    standard = schemas.getSchema(created["$id"])
    payload = schemas.getSchema(created["$id"], schema_type="xed", desc=True)
    deprecated = schemas.getSchema(created["$id"], schema_type="xed", deprecated=True)
    raw = schemas.getSchema(created["$id"], full=False)

    assert "xdm:person" in standard["properties"]
    assert set(payload["properties"][own]["properties"]) == {"number"}
    assert payload["meta:descriptors"][0]["xdm:isPrimary"] is True
    assert set(deprecated["properties"][own]["properties"]) == {"number", "old"}
    assert raw["allOf"] == created["allOf"]


def test_paths_of_a_schema_are_those_of_its_records(
    schemas: Schema, client: RegistryClient, created: dict[str, Any]
) -> None:
    paths = schemas.getSchemaPaths(created["$id"])

    assert {"person.name.firstName", "personID", "_id", f"{client.namespace}.number"} <= set(paths)


def test_sample_of_a_schema_is_in_standard_notation(
    schemas: Schema, client: RegistryClient, created: dict[str, Any]
) -> None:
    sample = schemas.getSchemaSample(created["$id"])

    assert sample["xdm:person"]["xdm:name"]["xdm:firstName"] == "string"
    assert sample[client.namespace] == {"number": "string"}


def test_resource_is_exported_and_imported_into_another_sandbox(
    schemas: Schema, connect: Any, created: dict[str, Any]
) -> None:
    exported = schemas.exportResource(created["$id"])
    elsewhere = connect("dev")

    imported = elsewhere.importResource(exported)

    assert imported[-1]["$id"] == created["$id"]
    assert elsewhere.getSchema(created["$id"], full=False)["title"] == created["title"]


def test_audit_log_is_read(schemas: Schema, created: dict[str, Any]) -> None:
    logs = schemas.getAuditLogs(created["$id"])

    assert logs[0]["id"] == created["$id"]
    assert {update["path"] for update in logs[0]["updates"]} >= {"/title", "/allOf"}


def test_field_group_is_extended_to_further_classes(
    schemas: Schema, client: RegistryClient, connect: Any
) -> None:
    fields = {"type": "object", "properties": {"x": {"type": "string"}}}
    group = client.create("fieldgroups", a_field_group({client.namespace: fields}))

    extended = connect().extendFieldGroup(group["$id"])

    shown = schemas.getFieldGroup(group["$id"], full=False)
    assert set(extended["meta:intendedToExtend"]) == {PROFILE, EVENT}
    assert shown["meta:intendedToExtend"] == extended["meta:intendedToExtend"]
