from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from forebay.control.schemas.errors import SchemaNotFound
from forebay.control.schemas.model import ResourceType
from forebay.control.schemas.service import SchemaService
from support.registry import PROFILE, WORK_DETAILS, a_field_group, a_schema, an_identity
from support.schemas import ACME, ACME_DEV, ACTOR, RIVAL, StandingClock, a_registry

TEXT = {"type": "string"}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[SchemaService]:
    opened, store = a_registry(tmp_path, StandingClock())
    yield opened
    store.close()


def create(service: SchemaService, kind: ResourceType, body: dict[str, Any]) -> str:
    return str(service.create(ACME, ACTOR, kind, body)["$id"])


def test_document_is_strict_and_made_once(service: SchemaService) -> None:
    schema_id = create(service, ResourceType.SCHEMA, a_schema())

    document = service.validation_document(ACME, schema_id)

    assert document["additionalProperties"] is False
    assert document["properties"]["workEmail"]["additionalProperties"] is False
    assert service.validation_document(ACME, schema_id) is document
    assert len(service.digest(ACME, schema_id)) == 64


def test_unrelated_write_does_not_make_it_again(service: SchemaService) -> None:
    schema_id = create(service, ResourceType.SCHEMA, a_schema())
    document = service.validation_document(ACME, schema_id)

    service.create(RIVAL, ACTOR, ResourceType.SCHEMA, a_schema())
    create(service, ResourceType.SCHEMA, a_schema())

    assert service.validation_document(ACME, schema_id) is document


def test_primary_identity_is_required_at_once(service: SchemaService) -> None:
    schema_id = create(service, ResourceType.SCHEMA, a_schema())
    before = service.validation(ACME, schema_id)

    service.descriptors.create(ACME, ACTOR, an_identity(schema_id))

    after = service.validation(ACME, schema_id)
    assert "required" not in before.document
    assert after.document["required"] == ["workEmail"]
    assert "address" in after.document["properties"]["workEmail"]["required"]
    assert before.digest != after.digest


def test_change_is_effective_although_the_clock_stands(service: SchemaService) -> None:
    fields = {"_acme": {"properties": {"one": TEXT}}}
    group_id = create(service, ResourceType.FIELD_GROUP, a_field_group(fields))
    schema_id = create(service, ResourceType.SCHEMA, a_schema(PROFILE, group_id))
    place = "/definitions/custom/properties/_acme/properties/two"

    before = set(_acme(service, schema_id))
    for _ in range(2):
        service.patch(
            ACME,
            ACTOR,
            ResourceType.FIELD_GROUP,
            group_id,
            [{"op": "add", "path": place, "value": TEXT}],
        )

    assert before == {"one"}
    assert set(_acme(service, schema_id)) == {"one", "two"}


def test_change_by_another_process_is_seen(service: SchemaService, tmp_path: Path) -> None:
    schema_id = create(service, ResourceType.SCHEMA, a_schema(PROFILE))
    service.validation_document(ACME, schema_id)
    other, store = a_registry(tmp_path)

    group = {"op": "add", "path": "/allOf/-", "value": {"$ref": WORK_DETAILS}}
    other.patch(ACME, ACTOR, ResourceType.SCHEMA, schema_id, [group])
    store.close()

    assert "workEmail" in service.validation_document(ACME, schema_id)["properties"]


def test_other_id_gives_the_same_document(service: SchemaService) -> None:
    created = service.create(ACME, ACTOR, ResourceType.SCHEMA, a_schema())

    document = service.validation_document(ACME, created["meta:altId"])

    assert service.validation_document(ACME, created["$id"]) is document


def test_replaced_and_deleted_descriptors_count(service: SchemaService) -> None:
    schema_id = create(service, ResourceType.SCHEMA, a_schema())
    identity = service.descriptors.create(ACME, ACTOR, an_identity(schema_id))["@id"]
    first = service.digest(ACME, schema_id)

    service.descriptors.replace(ACME, ACTOR, identity, an_identity(schema_id, "/personID"))
    second = service.validation(ACME, schema_id)
    service.descriptors.delete(ACME, identity)
    third = service.validation(ACME, schema_id)

    assert first != second.digest
    assert second.document["required"] == ["personID"]
    assert "required" not in third.document


def test_schema_of_somebody_else_does_not_exist(service: SchemaService) -> None:
    schema_id = create(service, ResourceType.SCHEMA, a_schema())

    for scope in (RIVAL, ACME_DEV):
        with pytest.raises(SchemaNotFound):
            service.validation_document(scope, schema_id)


@pytest.mark.parametrize("schema_id", ["", "x", PROFILE, "_xdm.context.profile"])
def test_what_is_no_schema_has_no_document(service: SchemaService, schema_id: str) -> None:
    with pytest.raises(SchemaNotFound):
        service.validation_document(ACME, schema_id)


def test_deleted_schema_has_no_document(service: SchemaService) -> None:
    schema_id = create(service, ResourceType.SCHEMA, a_schema())
    service.validation_document(ACME, schema_id)

    service.delete(ACME, ACTOR, ResourceType.SCHEMA, schema_id)

    with pytest.raises(SchemaNotFound):
        service.validation_document(ACME, schema_id)


def test_threads_get_the_same_rules(service: SchemaService) -> None:
    ids = [create(service, ResourceType.SCHEMA, a_schema()) for _ in range(4)]

    with ThreadPoolExecutor(8) as pool:
        digests = list(pool.map(lambda schema_id: service.digest(ACME, schema_id), ids * 8))

    assert len(set(digests)) == 1


def _acme(service: SchemaService, schema_id: str) -> dict[str, Any]:
    document = service.validation_document(ACME, schema_id)
    fields: dict[str, Any] = document["properties"]["_acme"]["properties"]
    return fields
