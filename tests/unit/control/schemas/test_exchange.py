from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from forebay.control.schemas.errors import ImportFailed, ResourceNotFound
from forebay.control.schemas.model import TENANT_PLACEHOLDER as PLACEHOLDER
from forebay.control.schemas.model import ResourceType
from forebay.control.schemas.service import SchemaService
from forebay.control.schemas.views import View
from forebay.control.store.engine import WRITE_SECONDS_MAX
from support.clocks import HurryingClock
from support.registry import PERSON_DETAILS, PROFILE, a_field_group, a_schema
from support.schemas import ACME, ACME_DEV, ACTOR, RIVAL, a_registry

Document = dict[str, Any]


@pytest.fixture
def service(tmp_path: Path) -> Iterator[SchemaService]:
    service, store = a_registry(tmp_path)
    yield service
    store.close()


def a_family(service: SchemaService) -> Document:
    """Create a data type, a class, a field group that uses both, and a schema; return that."""
    inner = service.create(
        ACME,
        ACTOR,
        ResourceType.DATA_TYPE,
        {"type": "object", "title": "Tier", "properties": {"name": {"type": "string"}}},
    )
    base = service.create(
        ACME,
        ACTOR,
        ResourceType.CLASS,
        {
            "type": "object",
            "title": "Ticket",
            "allOf": [{"$ref": "https://ns.adobe.com/xdm/data/record"}],
        },
    )
    fields = {
        "type": "object",
        "required": ["tier"],
        "properties": {
            "tier": {"$ref": inner["$id"]},
            "owner": {"type": "string", "enum": ["_acme"], "title": "of _acme"},
            "notes": {"type": "object", "additionalProperties": {"type": "string"}},
        },
    }
    group = service.create(
        ACME,
        ACTOR,
        ResourceType.FIELD_GROUP,
        a_field_group({"_acme": fields}, extends=(base["$id"],), title="Fields of acme"),
    )
    return service.create(
        ACME, ACTOR, ResourceType.SCHEMA, a_schema(base["$id"], group["$id"], title="Tickets")
    )


def without_sandbox(exported: list[Document]) -> list[Document]:
    return [
        {name: value for name, value in item.items() if not name.startswith("meta:sandbox")}
        for item in exported
    ]


def titles(exported: list[Document]) -> list[str]:
    return [item["title"] for item in exported]


def test_export_has_everything_of_the_tenant_with_dependencies_first(
    service: SchemaService,
) -> None:
    schema = a_family(service)

    exported = service.rpc.export(ACME, schema["meta:altId"])

    assert titles(exported)[-1] == "Tickets"
    assert sorted(titles(exported)) == ["Fields of acme", "Ticket", "Tickets", "Tier"]
    assert titles(exported).index("Tier") < titles(exported).index("Fields of acme")


def test_export_names_no_tenant_and_no_organization(service: SchemaService) -> None:
    schema = a_family(service)

    exported = service.rpc.export(ACME, schema["$id"])

    fields = exported[titles(exported).index("Fields of acme")]["definitions"]["custom"]
    inner = fields["properties"][f"_{PLACEHOLDER}"]["properties"]
    hidden = {"imsOrg", "meta:containerId", "meta:registryMetadata", "meta:tenantNamespace"}
    assert all(hidden.isdisjoint(item) for item in exported)
    assert all(f"/{PLACEHOLDER}/" in item["$id"] for item in exported)
    assert all(item["meta:altId"].startswith(f"_{PLACEHOLDER}.") for item in exported)
    assert exported[-1]["meta:sandboxType"] == "production"
    assert inner["tier"]["$ref"].startswith(f"https://ns.adobe.com/{PLACEHOLDER}/datatypes/")
    assert inner["owner"]["enum"] == ["_acme"]
    assert inner["owner"]["title"] == "of _acme"


@pytest.mark.parametrize("scope", [ACME_DEV, RIVAL])
def test_export_is_the_same_after_an_import_elsewhere(service: SchemaService, scope: Any) -> None:
    schema = a_family(service)
    exported = service.rpc.export(ACME, schema["$id"])

    imported = service.rpc.import_resources(scope, ACTOR, exported)

    again = service.rpc.export(scope, imported[-1]["$id"])
    last = imported[-1]["$id"].rpartition("/")[2]
    assert without_sandbox(again) == without_sandbox(exported)
    assert last == schema["$id"].rpartition("/")[2]
    assert imported[-1]["imsOrg"] == scope.org_id
    assert imported[-1]["meta:tenantNamespace"] == f"_{scope.tenant_id}"
    composed = service.get(scope, ResourceType.SCHEMA, imported[-1]["$id"], View(is_composed=True))
    tenant = composed["properties"][f"_{scope.tenant_id}"]["properties"]
    assert tenant["tier"]["properties"]["name"]["type"] == "string"


def test_version_survives_the_journey(service: SchemaService) -> None:
    schema = a_family(service)
    changes = [{"op": "add", "path": "/description", "value": "new"}]
    service.patch(ACME, ACTOR, ResourceType.SCHEMA, schema["$id"], changes)

    exported = service.rpc.export(ACME, schema["$id"])
    imported = service.rpc.import_resources(RIVAL, ACTOR, exported)

    assert exported[-1]["version"] == imported[-1]["version"] == "1.1"


def a_type(service: SchemaService, title: str, **fields: Document) -> Document:
    body = {"type": "object", "title": title, "properties": fields}
    return service.create(ACME, ACTOR, ResourceType.DATA_TYPE, body)


def grown(service: SchemaService, resource: Document, **fields: Document) -> None:
    body = resource | {"properties": resource["properties"] | fields}
    service.replace(ACME, ACTOR, ResourceType.DATA_TYPE, resource["$id"], body)


def test_type_that_is_a_part_of_itself_can_be_moved_and_deleted(service: SchemaService) -> None:
    part = a_type(service, "Part", name={"type": "string"})
    grown(service, part, parts={"type": "array", "items": {"$ref": part["$id"]}})

    exported = service.rpc.export(ACME, part["$id"])
    imported = service.rpc.import_resources(RIVAL, ACTOR, exported)

    assert titles(imported) == ["Part"]
    service.delete(ACME, ACTOR, ResourceType.DATA_TYPE, part["$id"])
    assert service.stats(ACME)["counts"]["datatypes"] == 0


def test_types_that_are_parts_of_each_other_are_exported(service: SchemaService) -> None:
    outer = a_type(service, "Outer", name={"type": "string"})
    inner = a_type(service, "Inner", outer={"$ref": outer["$id"]})
    grown(service, outer, inner={"$ref": inner["$id"]})

    assert titles(service.rpc.export(ACME, outer["$id"])) == ["Inner", "Outer"]


def test_second_import_changes_nothing(service: SchemaService) -> None:
    exported = service.rpc.export(ACME, a_family(service)["$id"])
    first = service.rpc.import_resources(RIVAL, ACTOR, exported)

    second = service.rpc.import_resources(RIVAL, ACTOR, exported)

    assert second == first
    assert service.rpc.import_resources(ACME, ACTOR, exported)[-1]["version"] == "1.0"


def test_imports_may_share_a_dependency(service: SchemaService) -> None:
    exported = service.rpc.export(ACME, a_family(service)["$id"])
    service.rpc.import_resources(RIVAL, ACTOR, exported[:1])

    imported = service.rpc.import_resources(RIVAL, ACTOR, exported)

    assert titles(imported) == titles(exported)


def test_order_of_the_array_does_not_matter(service: SchemaService) -> None:
    exported = service.rpc.export(ACME, a_family(service)["$id"])

    imported = service.rpc.import_resources(RIVAL, ACTOR, exported[::-1])

    assert titles(imported)[-1] == "Tickets"


def test_ad_hoc_class_keeps_its_namespace(service: SchemaService) -> None:
    base = service.create(
        ACME,
        ACTOR,
        ResourceType.CLASS,
        {
            "type": "object",
            "title": "Ad hoc",
            "allOf": [{"$ref": "https://ns.adobe.com/xdm/data/adhoc"}],
            "properties": {
                "_adhoc": {"type": "object", "properties": {"x": {"type": "string"}}},
            },
        },
    )
    schema = service.create(ACME, ACTOR, ResourceType.SCHEMA, a_schema(base["$id"]))

    exported = service.rpc.export(ACME, schema["$id"])
    imported = service.rpc.import_resources(RIVAL, ACTOR, exported)

    assert imported[-1]["meta:datasetNamespace"] == base["meta:datasetNamespace"]
    again = service.rpc.export(RIVAL, imported[-1]["$id"])
    assert without_sandbox(again) == without_sandbox(exported)


def test_one_bad_resource_keeps_all_others_out(service: SchemaService) -> None:
    exported = service.rpc.export(ACME, a_family(service)["$id"])
    exported[-1]["allOf"].append({"$ref": "https://ns.adobe.com/xdm/context/nothing"})

    with pytest.raises(ImportFailed, match="context/nothing") as caught:
        service.rpc.import_resources(RIVAL, ACTOR, exported)

    assert caught.value.message.startswith("Failed to import resources. Error: ")
    assert service.stats(RIVAL)["counts"]["datatypes"] == 0


def test_import_that_takes_too_long_keeps_nothing(service: SchemaService, tmp_path: Path) -> None:
    exported = service.rpc.export(ACME, a_family(service)["$id"])
    many = [
        exported[0] | {"$id": f"{exported[0]['$id']}{number}", "title": f"T{number}"}
        for number in range(WRITE_SECONDS_MAX + 2)
    ]
    slow, store = a_registry(tmp_path, HurryingClock())

    with pytest.raises(ImportFailed, match=r"of 12 resources .* Import them in parts"):
        slow.rpc.import_resources(RIVAL, ACTOR, many)

    assert slow.stats(RIVAL)["counts"]["datatypes"] == 0
    assert len(slow.rpc.import_resources(RIVAL, ACTOR, many[:5])) == 5
    store.close()


def test_title_that_another_resource_has_is_refused(service: SchemaService) -> None:
    exported = service.rpc.export(ACME, a_family(service)["$id"])
    taken = service.create(
        RIVAL, ACTOR, ResourceType.SCHEMA, a_schema(PROFILE, PERSON_DETAILS, title="Tickets")
    )

    with pytest.raises(ImportFailed) as caught:
        service.rpc.import_resources(RIVAL, ACTOR, exported)

    expected = f"An object {taken['$id']} already exists with the same title"
    assert f"Title must be unique. {expected}" in caught.value.message
    assert caught.value.code == "XDM-3005"


def test_resource_that_says_something_else_is_not_replaced(service: SchemaService) -> None:
    exported = service.rpc.export(ACME, a_family(service)["$id"])
    service.rpc.import_resources(RIVAL, ACTOR, exported)
    exported[0]["description"] = "changed"

    with pytest.raises(ImportFailed, match="already exists and says something else"):
        service.rpc.import_resources(RIVAL, ACTOR, exported)


def test_foreign_and_standard_resources_are_not_exported(service: SchemaService) -> None:
    schema = a_family(service)

    with pytest.raises(ResourceNotFound, match="is not found"):
        service.rpc.export(RIVAL, schema["$id"])
    with pytest.raises(ResourceNotFound, match="nothing to export"):
        service.rpc.export(ACME, PROFILE)


HOME = f"https://ns.adobe.com/{PLACEHOLDER}/"
_RESOURCE = {"$id": f"{HOME}datatypes/1", "type": "object", "title": "T", "properties": {}}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (None, "must be an array"),
        ({}, "must be an array"),
        ([], "must be an array"),
        ([7], "Item 0 is not a resource"),
        ([{}], "Item 0 has the $id null"),
        ([{**_RESOURCE, "$id": "https://ns.adobe.com/other/datatypes/1"}], "tenant's own"),
        ([{**_RESOURCE, "$id": PROFILE}], "tenant's own"),
        ([{**_RESOURCE, "$id": f"{HOME}tables/1"}], "the type is one of"),
        ([{**_RESOURCE, "$id": f"{HOME}datatypes/"}], "the type is one of"),
        ([{**_RESOURCE, "$id": f"{HOME}datatypes/a b"}], "the type is one of"),
        ([{**_RESOURCE, "$id": f"{HOME}datatypes/{'a' * 200}"}], "the type is one of"),
        ([{**_RESOURCE, "$id": f"{HOME}schemas/a__union"}], "the type is one of"),
        ([{**_RESOURCE, "meta:resourceType": "schemas"}], "expected datatypes"),
        ([_RESOURCE, _RESOURCE], "of an earlier item"),
        ([_RESOURCE] * 201, "at most 200"),
        ([{**_RESOURCE, "title": ""}], "title must be a text"),
        ([{**_RESOURCE, "properties": 7}], "properties is 7"),
        ([{**_RESOURCE, "properties": {"_x": {"type": "string"}}}], "is not a field name"),
        (
            [
                {**_RESOURCE, "properties": {"a": {"$ref": f"{HOME}datatypes/2"}}},
                {
                    **_RESOURCE,
                    "$id": f"{HOME}datatypes/2",
                    "title": "U",
                    "properties": {"a": {"$ref": f"{HOME}datatypes/1"}},
                },
            ],
            "refer to each other in a circle",
        ),
    ],
)
def test_what_is_no_export_is_refused_with_a_reason(
    service: SchemaService, body: object, reason: str
) -> None:
    with pytest.raises(ImportFailed) as caught:
        service.rpc.import_resources(ACME, ACTOR, body)

    assert reason in caught.value.message
    assert service.stats(ACME)["counts"]["datatypes"] == 0
