from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from forebay.control.access.service import AccessService
from forebay.control.datasets.service import DatasetService
from forebay.control.sandboxes.service import SandboxService
from forebay.control.schemas.errors import (
    BreakingChangeRefused,
    RegistryError,
    ResourceInUse,
    TitleNotUnique,
)
from forebay.control.schemas.listing import Query
from forebay.control.schemas.model import ResourceType
from forebay.control.schemas.service import SchemaService
from forebay.control.schemas.views import View
from forebay.kernel import json
from forebay.kernel.clock import SystemClock
from forebay.xdm.validator import Validator
from support.registry import PROFILE, a_field_group, a_schema
from support.schemas import ACME, ACME_DEV, ACTOR, RIVAL, a_registry

TEXT = {"type": "string"}
STANDARD_SCHEMA = "https://ns.adobe.com/experience/adcloud/adcloudsegment"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[SchemaService]:
    opened, store = a_registry(tmp_path)
    yield opened
    store.close()


def test_one_of_many_racers_gets_the_title(service: SchemaService) -> None:
    body = a_schema()

    def create(_: int) -> bool:
        try:
            service.create(ACME, ACTOR, ResourceType.SCHEMA, body)
        except TitleNotUnique:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        winners = list(pool.map(create, range(12)))

    assert winners.count(True) == 1


def test_refused_change_leaves_nothing_behind(service: SchemaService) -> None:
    created = service.create(ACME, ACTOR, ResourceType.SCHEMA, a_schema())

    with pytest.raises(RegistryError):
        service.replace(ACME, ACTOR, ResourceType.SCHEMA, created["$id"], {"title": "x"})

    assert service.get(ACME, ResourceType.SCHEMA, created["$id"], View()) == created


def test_change_is_checked_through_every_level_of_references(service: SchemaService) -> None:
    inner = service.create(
        ACME,
        ACTOR,
        ResourceType.DATA_TYPE,
        {"type": "object", "title": "inner", "properties": {"leaf": TEXT}},
    )["$id"]
    outer = service.create(
        ACME,
        ACTOR,
        ResourceType.DATA_TYPE,
        {"type": "object", "title": "outer", "properties": {"inner": {"$ref": inner}}},
    )["$id"]
    fields = {"_acme": {"properties": {"outer": {"$ref": outer}}}}
    group = service.create(ACME, ACTOR, ResourceType.FIELD_GROUP, a_field_group(fields))["$id"]
    tagged = a_schema(PROFILE, group, **{"meta:immutableTags": ["union"]})
    service.create(ACME, ACTOR, ResourceType.SCHEMA, tagged)

    with pytest.raises(BreakingChangeRefused, match="/_acme/outer/inner/leaf would be removed"):
        service.patch(
            ACME,
            ACTOR,
            ResourceType.DATA_TYPE,
            inner,
            [{"op": "remove", "path": "/properties/leaf"}],
        )
    with pytest.raises(ResourceInUse):
        service.delete(ACME, ACTOR, ResourceType.DATA_TYPE, inner)


def test_data_types_that_contain_each_other_do_not_hang(service: SchemaService) -> None:
    first = service.create(
        ACME, ACTOR, ResourceType.DATA_TYPE, {"title": "first", "properties": {"a": TEXT}}
    )["$id"]
    second = service.create(
        ACME,
        ACTOR,
        ResourceType.DATA_TYPE,
        {"title": "second", "properties": {"b": {"$ref": first}}},
    )["$id"]

    changed = service.patch(
        ACME,
        ACTOR,
        ResourceType.DATA_TYPE,
        first,
        [{"op": "add", "path": "/properties/back", "value": {"$ref": second}}],
    )

    assert second in changed["refs"]


def test_sandboxes_and_organizations_share_nothing(service: SchemaService) -> None:
    created = service.create(ACME, ACTOR, ResourceType.SCHEMA, a_schema())

    assert service.find_schema(ACME, created["$id"]) == created
    assert service.find_schema(ACME, created["meta:altId"]) == created
    assert service.find_schema(ACME_DEV, created["$id"]) is None
    assert service.find_schema(RIVAL, created["$id"]) is None
    assert service.stats(RIVAL)["counts"]["schemas"] == 0


def test_summaries_cover_all_organizations(tmp_path: Path) -> None:
    service, store = a_registry(tmp_path)
    access = AccessService(store, SystemClock())
    scopes = [
        SandboxService(store).resolve(access.create_organization(name).org_id, name=sandbox)
        for name, sandbox in (("First", "prod"), ("Second", "dev"))
    ]
    created = [service.create(scope, ACTOR, ResourceType.SCHEMA, a_schema()) for scope in scopes]
    bound = {"name": "b", "schemaRef": {"id": STANDARD_SCHEMA}}
    DatasetService(store, SystemClock(), service).create(scopes[0], ACTOR, bound)

    found = service.list_schemas()

    expected = {(scope, item["$id"], "1.0") for scope, item in zip(scopes, created, strict=True)}
    assert {(item.scope, item.schema_id, item.version) for item in found} == expected | {
        (scopes[0], STANDARD_SCHEMA, "")
    }
    assert all(service.validation_document(item.scope, item.schema_id) for item in found)
    store.close()


def test_found_schema_is_a_schema(service: SchemaService) -> None:
    assert service.find_schema(ACME, PROFILE) is None


def test_ad_hoc_schema_composes_and_validates(service: SchemaService) -> None:
    body = {
        "title": "ad hoc",
        "allOf": [{"$ref": "https://ns.adobe.com/xdm/data/adhoc"}],
        "properties": {"_adhoc": {"properties": {"a": TEXT}, "required": ["a"]}},
    }
    base = service.create(ACME, ACTOR, ResourceType.CLASS, body)
    schema = service.create(ACME, ACTOR, ResourceType.SCHEMA, a_schema(base["$id"]))
    namespace = base["meta:datasetNamespace"]

    validator = Validator(service.validation_document(ACME, schema["$id"]))

    assert schema["meta:datasetNamespace"] == namespace
    assert len(namespace) == 33
    assert validator.accepts(json.encode({namespace: {"a": "x"}}))
    assert not validator.accepts(json.encode({namespace: {"a": 5}}))
    assert not validator.accepts(json.encode({"_adhoc": {"a": "x"}}))


def test_use_is_counted_and_changes_neither_version_nor_tag(service: SchemaService) -> None:
    group = service.create(
        ACME, ACTOR, ResourceType.FIELD_GROUP, a_field_group({"_acme": {"properties": {"a": TEXT}}})
    )
    for _ in range(2):
        service.create(ACME, ACTOR, ResourceType.SCHEMA, a_schema(PROFILE, group["$id"]))

    shown = service.get(ACME, ResourceType.FIELD_GROUP, group["$id"], View())
    listed = service.list_resources(ACME, ResourceType.FIELD_GROUP, Query(), is_summary=False)

    metadata = shown["meta:registryMetadata"]
    assert metadata == group["meta:registryMetadata"] | {"meta:usageCount": 2}
    assert [entry.document for entry in listed.entries] == [shown]
