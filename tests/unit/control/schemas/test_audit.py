from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from forebay.control.schemas import audit
from forebay.control.schemas.errors import BreakingChangeRefused, ResourceNotFound
from forebay.control.schemas.model import ResourceType
from forebay.control.schemas.service import SchemaService
from forebay.control.scope import Actor
from support.registry import a_field_group, a_schema
from support.schemas import ACME, ACME_DEV, ACTOR, StandingClock, a_registry

NAMED = Actor("client", "user", "request-1")


@pytest.fixture
def service(tmp_path: Path) -> Iterator[SchemaService]:
    service, store = a_registry(tmp_path, StandingClock())
    yield service
    store.close()


def a_group(service: SchemaService, **fields: object) -> dict[str, Any]:
    body = a_field_group({"_acme": {"type": "object", "properties": fields}})
    return service.create(ACME, NAMED, ResourceType.FIELD_GROUP, body)


def patch(service: SchemaService, resource: dict[str, Any], *operations: dict[str, Any]) -> None:
    kind = ResourceType(resource["meta:resourceType"])
    service.patch(ACME, NAMED, kind, resource["$id"], list(operations))


def updates(service: SchemaService, resource: dict[str, Any]) -> list[tuple[str, str, object]]:
    newest = service.rpc.list_changes(ACME, resource["$id"])[0]
    return [(item["action"], item["path"], item["value"]) for item in newest["updates"]]


def test_entry_says_who_changed_what_and_when(service: SchemaService) -> None:
    group = a_group(service, a={"type": "string"})

    (entry,) = service.rpc.list_changes(ACME, group["meta:altId"])

    first = entry.pop("updates")[0]
    assert entry == {
        "id": group["$id"],
        "updatedUser": "user",
        "imsOrg": ACME.org_id,
        "updatedTime": "11-14-2023 22:13:20",
        "requestId": "request-1",
        "clientId": "client",
        "sandBoxId": ACME.sandbox_id,
    }
    assert first == {
        "id": group["$id"],
        "xdmType": "mixins",
        "action": "add",
        "path": "/type",
        "value": "object",
    }


def test_newest_change_stands_first(service: SchemaService) -> None:
    group = a_group(service, a={"type": "string"})
    place = "/definitions/custom/properties/_acme/properties"

    patch(service, group, {"op": "add", "path": f"{place}/b", "value": {"type": "boolean"}})

    entries = service.rpc.list_changes(ACME, group["$id"])
    added = {"type": "boolean", "meta:xdmType": "boolean"}
    assert len(entries) == 2
    assert updates(service, group) == [("add", f"{place}/b", added)]


def test_lists_are_compared_by_their_members(service: SchemaService) -> None:
    schema = service.create(ACME, NAMED, ResourceType.SCHEMA, a_schema())
    group = a_group(service, a={"type": "string"})

    patch(service, schema, {"op": "add", "path": "/allOf/-", "value": {"$ref": group["$id"]}})
    added = {"$ref": group["$id"], "type": "object", "meta:xdmType": "object"}
    seen = updates(service, schema)
    patch(service, schema, {"op": "remove", "path": "/allOf/3"})

    assert seen == [("add", "/allOf", added)]
    assert updates(service, schema) == [("remove", "/allOf", added)]


def test_another_order_of_the_same_members_is_one_replacement(service: SchemaService) -> None:
    group = a_group(service, a={"type": "string", "enum": ["x", "y"]})
    path = "/definitions/custom/properties/_acme/properties/a/enum"

    patch(service, group, {"op": "replace", "path": path, "value": ["y", "x"]})

    assert updates(service, group) == [("replace", path, ["y", "x"])]


def test_replaced_and_removed_members_are_named(service: SchemaService) -> None:
    schema = service.create(ACME, NAMED, ResourceType.SCHEMA, a_schema(description="old"))

    patch(
        service,
        schema,
        {"op": "replace", "path": "/title", "value": "New title"},
        {"op": "remove", "path": "/description"},
    )

    assert sorted(updates(service, schema)) == [
        ("remove", "/description", "old"),
        ("replace", "/title", "New title"),
    ]


def test_log_outlives_the_resource(service: SchemaService) -> None:
    group = a_group(service, a={"type": "string"})

    service.delete(ACME, NAMED, ResourceType.FIELD_GROUP, group["$id"])

    assert len(service.rpc.list_changes(ACME, group["$id"])) == 2
    assert updates(service, group) == [("remove", "/", None)]


def test_refused_change_leaves_no_entry(service: SchemaService) -> None:
    tagged = a_schema(**{"meta:immutableTags": ["union"]})
    schema = service.create(ACME, NAMED, ResourceType.SCHEMA, tagged)

    with pytest.raises(BreakingChangeRefused):
        patch(service, schema, {"op": "remove", "path": "/meta:immutableTags"})

    assert len(service.rpc.list_changes(ACME, schema["$id"])) == 1


def test_import_is_logged_where_it_happened(service: SchemaService) -> None:
    group = a_group(service, a={"type": "string"})

    service.rpc.import_resources(ACME_DEV, ACTOR, service.rpc.export(ACME, group["$id"]))

    assert len(service.rpc.list_changes(ACME_DEV, group["$id"])) == 1
    assert len(service.rpc.list_changes(ACME, group["$id"])) == 1


def test_unknown_resource_has_no_log(service: SchemaService) -> None:
    with pytest.raises(ResourceNotFound, match="field group"):
        service.rpc.list_changes(ACME, "https://ns.adobe.com/acme/mixins/1")
    with pytest.raises(ResourceNotFound, match="schema"):
        service.rpc.list_changes(ACME, "nothing")


def test_oldest_entries_of_a_resource_are_dropped(
    service: SchemaService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "RESOURCE_ENTRIES_MAX", 3)
    group = a_group(service, a={"type": "string"})

    for number in range(5):
        patch(service, group, {"op": "add", "path": "/description", "value": f"no. {number}"})

    values = [
        entry["updates"][0]["value"] for entry in service.rpc.list_changes(ACME, group["$id"])
    ]
    assert values == ["no. 4", "no. 3", "no. 2"]


def test_oldest_entries_of_a_sandbox_are_dropped(
    service: SchemaService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "SANDBOX_ENTRIES_MAX", 2)
    first = a_group(service, a={"type": "string"})

    for _ in range(2):
        a_group(service, a={"type": "string"})

    assert service.rpc.list_changes(ACME, first["$id"]) == []


def test_long_lists_and_values_are_cut(service: SchemaService) -> None:
    group = a_group(service, a={"type": "string"})
    place = "/definitions/custom/properties/_acme/properties"
    many = [
        {"op": "add", "path": f"{place}/f{number}", "value": {"type": "string"}}
        for number in range(120)
    ]

    patch(service, group, *many)
    listed = updates(service, group)
    values = [f"{'v' * 20}{number}" for number in range(800)]
    patch(service, group, {"op": "add", "path": f"{place}/f1/enum", "value": values})

    assert len(listed) == audit.UPDATES_MAX + 1
    assert listed[-1] == ("replace", "/", "20 more changes are not listed")
    assert updates(service, group) == [("add", f"{place}/f1/enum", "a value of 20691 bytes")]


def test_values_of_one_entry_are_bounded_together(service: SchemaService) -> None:
    group = a_group(service, a={"type": "string"})
    place = "/definitions/custom/properties/_acme/properties"
    text = "v" * 3_900
    fields = [
        {"op": "add", "path": f"{place}/f{number}", "value": {"type": "string", "title": text}}
        for number in range(12)
    ]

    patch(service, group, *fields)

    kept = [value for _, _, value in updates(service, group) if isinstance(value, dict)]
    described = [value for _, _, value in updates(service, group) if isinstance(value, str)]
    assert (len(kept), len(described)) == (8, 4)
    assert described[0] == "a value of 3952 bytes"
