from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from support.registry import (
    EVENT,
    EVENT_EMAIL,
    FULL,
    LIST,
    PERSON_DETAILS,
    PROFILE,
    RAW,
    RegistryClient,
    a_dataset,
    a_field_group,
    a_schema,
    a_title,
    an_event_schema,
    an_identity,
    running_registry,
)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryClient]:
    directory: Path = tmp_path_factory.mktemp("registry")
    with running_registry(directory) as running:
        yield running


def test_record_walk_through_reaches_a_dataset(client: RegistryClient) -> None:
    schema = client.create("schemas", a_schema(**{"meta:immutableTags": ["union"]}))

    descriptor = client.registry("POST", "/tenant/descriptors", an_identity(schema["$id"]))
    tags = {"unifiedIdentity": ["enabled:true"], "unifiedProfile": ["enabled:true"]}
    dataset_id = client.create_dataset(a_dataset(schema["$id"], tags=tags))

    composed = client.lookup(schema["$id"])
    fields = composed["properties"]
    assert descriptor.status_code == 201
    assert "allOf" not in composed
    assert fields["person"]["properties"]["name"]["properties"]["firstName"]["type"] == "string"
    assert fields["workEmail"]["properties"]["address"]["format"] == "email"
    assert fields["person"]["properties"]["birthDate"]["meta:xdmType"] == "date"
    assert fields["_repo"]["meta:xedConverted"] is True
    assert client.dataset(dataset_id)["classification"]["dataBehavior"] == "record"


def test_time_series_walk_through_reaches_a_dataset(client: RegistryClient) -> None:
    schema = client.create("schemas", an_event_schema(**{"meta:immutableTags": ["union"]}))

    identity = an_identity(schema["$id"], EVENT_EMAIL)
    descriptor = client.registry("POST", "/tenant/descriptors", identity)
    dataset_id = client.create_dataset(a_dataset(schema["$id"]))

    fields = client.lookup(schema["$id"])["properties"]
    assert descriptor.status_code == 201
    assert schema["required"] == ["@id", "xdm:timestamp"]
    assert fields["timestamp"]["meta:xdmType"] == "date-time"
    assert fields["productListItems"]["items"]["properties"]["SKU"]["type"] == "string"
    assert fields["identityMap"]["meta:xdmType"] == "map"
    assert client.dataset(dataset_id)["classification"]["dataBehavior"] == "time-series"


def test_created_schema_carries_the_read_only_attributes(client: RegistryClient) -> None:
    scope = client.namespace.removeprefix("_")

    created = client.create("schemas", a_schema(description="for tests"))

    metadata = created["meta:registryMetadata"]
    assert created["$id"].startswith(f"https://ns.adobe.com/{scope}/schemas/")
    assert len(created["$id"].rpartition("/")[2]) == 48
    assert created["meta:altId"] == f"_{scope}.schemas.{created['$id'].rpartition('/')[2]}"
    assert created["version"] == "1.0"
    assert created["meta:resourceType"] == "schemas"
    assert created["meta:class"] == PROFILE
    assert created["meta:extends"][0] == PROFILE
    assert "https://ns.adobe.com/xdm/data/record" in created["meta:extends"]
    assert PERSON_DETAILS in created["refs"]
    assert created["meta:containerId"] == "tenant"
    assert created["meta:sandboxType"] == "production"
    assert created["meta:tenantNamespace"] == client.namespace
    assert created["imsOrg"] == client.credentials.org_id
    assert created["allOf"][0] == {"$ref": PROFILE, "type": "object", "meta:xdmType": "object"}
    assert metadata["repo:createdDate"] == metadata["repo:lastModifiedDate"]
    assert len(metadata["eTag"]) == 64


def test_ids_and_owned_attributes_of_a_client_are_ignored(client: RegistryClient) -> None:
    sent = {"$id": "https://ns.adobe.com/other/schemas/1", "imsOrg": "X", "version": "7.7"}

    created = client.create("schemas", a_schema(**sent))

    assert created["$id"] != sent["$id"]
    assert created["imsOrg"] == client.credentials.org_id
    assert created["version"] == "1.0"


def test_schema_without_type_is_an_object(client: RegistryClient) -> None:
    body = a_schema()
    del body["type"]

    created = client.create("schemas", body)

    assert created["type"] == "object"


@pytest.mark.parametrize("suffix", ["", "/"])
def test_lookup_takes_both_ids_and_a_final_slash(client: RegistryClient, suffix: str) -> None:
    created = client.create("schemas", a_schema())
    ids = [created["meta:altId"], quote(created["$id"], safe="")]

    answers = [
        client.registry("GET", f"/tenant/schemas/{known}{suffix}", accept=RAW) for known in ids
    ]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json() == created


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"allOf": []}, "REG-4001"),
        ({"allOf": "x"}, "REG-4001"),
        ({"allOf": [{"$ref": PERSON_DETAILS}]}, "REG-4001"),
        ({"allOf": [{"$ref": PROFILE}, {"$ref": EVENT}]}, "REG-4001"),
        ({"allOf": [{"$ref": "https://ns.adobe.com/xdm/nothing"}]}, "REG-4001"),
        ({"allOf": [{"$ref": "http://127.0.0.1:1/x"}]}, "REG-4001"),
        ({"allOf": [{"$ref": 7}]}, "REG-4001"),
        ({"allOf": [{"$ref": PROFILE}, {"$ref": "#/definitions/none"}]}, "XDM-1001"),
        ({"title": ""}, "REG-4001"),
        ({"title": 5}, "REG-4001"),
        ({"title": "x" * 256}, "REG-4001"),
        ({"type": "string"}, "REG-4001"),
        ({"description": ["x"]}, "REG-4001"),
        ({"meta:immutableTags": ["other"]}, "REG-4001"),
        ({"meta:immutableTags": "union"}, "REG-4001"),
        ({"properties": {"color": {"type": "string"}}}, "XDM-1020"),
        (
            {
                "allOf": [
                    {"$ref": PROFILE},
                    {"$ref": "https://ns.adobe.com/xdm/context/experienceevent-web"},
                ]
            },
            "REG-4002",
        ),
    ],
)
def test_bad_schema_is_refused_with_its_code(
    client: RegistryClient, change: dict[str, Any], code: str
) -> None:
    answer = client.registry("POST", "/tenant/schemas", a_schema() | change)

    assert answer.status_code == 400
    assert answer.json()["type"] == f"http://ns.adobe.com/aep/errors/{code}-400"


def test_problem_has_the_registry_shape(client: RegistryClient) -> None:
    missing = "https://ns.adobe.com/x/schemas/1"

    answer = client.registry("GET", f"/tenant/schemas/{quote(missing, safe='')}", accept=RAW)

    body = answer.json()
    assert answer.status_code == 404
    assert body["type"] == "http://ns.adobe.com/aep/errors/XDM-1012-404"
    assert body["title"] == "Resource not found"
    assert body["status"] == 404
    assert body["detail"] == (
        f"The requested schema resource {missing} with version 1 is not found."
    )
    assert body["report"]["detailed-message"] == body["detail"]
    assert body["report"]["registryRequestId"]


def test_title_is_unique_over_all_resource_types(client: RegistryClient) -> None:
    title = a_title()
    first = client.create("datatypes", {"type": "object", "title": title, "properties": {}})

    answer = client.registry("POST", "/tenant/schemas", a_schema() | {"title": title})

    assert answer.status_code == 400
    assert answer.json()["type"].endswith("XDM-1521-400")
    assert first["$id"] in answer.json()["detail"]


def test_title_may_be_used_in_another_sandbox(client: RegistryClient) -> None:
    body = a_schema()
    client.create("schemas", body)

    other = client.registry("POST", "/tenant/schemas", body, x_sandbox_name="dev")

    assert other.status_code == 201


def test_patch_changes_and_grows_the_minor_version(client: RegistryClient) -> None:
    created = client.create("schemas", a_schema(PROFILE, PERSON_DETAILS))
    group = {"$ref": "https://ns.adobe.com/xdm/context/profile-work-details"}
    path = f"/tenant/schemas/{created['meta:altId']}"

    first = client.registry("PATCH", path, [{"op": "add", "path": "/allOf/-", "value": group}])
    second = client.registry(
        "PATCH", path, [{"op": "replace", "path": "/title", "value": a_title()}]
    )

    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json()["version"] == "1.1"
    assert group["$ref"] in first.json()["meta:extends"]
    assert second.json()["version"] == "1.2"
    assert "workEmail" in client.lookup(created["$id"])["properties"]


@pytest.mark.parametrize(
    "operations",
    [
        {"op": "add"},
        "x",
        None,
        [5],
        [{"op": "add", "path": "/nowhere/deep", "value": 1}],
        [{"op": "remove", "path": "/allOf/9"}],
        [{"op": "replace", "path": "/absent", "value": 1}],
        [{"op": "move", "from": "/title", "path": "/description"}],
        [{"op": ["add"], "path": "/title", "value": 1}],
        [{"op": "add", "path": "title", "value": "x"}],
        [{"op": "remove", "path": "/title"}],
        [{"op": "remove", "path": "/allOf/0"}],
        [{"op": "add", "path": "", "value": {}}],
        [{"op": "test", "path": "/version", "value": "9.9"}],
    ],
)
def test_patch_that_cannot_be_applied_changes_nothing(
    client: RegistryClient, operations: object
) -> None:
    created = client.create("schemas", a_schema())

    answer = client.registry("PATCH", f"/tenant/schemas/{created['meta:altId']}", operations)

    assert answer.status_code == 400
    assert client.lookup(created["$id"], accept=RAW) == created


def test_replace_takes_a_looked_up_schema_back(client: RegistryClient) -> None:
    created = client.create("schemas", an_event_schema())
    body = created | {"description": "now with a text"}

    answer = client.registry("PUT", f"/tenant/schemas/{created['meta:altId']}", body)

    assert answer.status_code == 200
    assert answer.json()["description"] == "now with a text"
    assert answer.json()["version"] == "1.1"
    metadata = answer.json()["meta:registryMetadata"]
    assert metadata["repo:createdDate"] == created["meta:registryMetadata"]["repo:createdDate"]


def test_deleted_schema_is_gone(client: RegistryClient) -> None:
    created = client.create("schemas", a_schema())
    path = f"/tenant/schemas/{created['meta:altId']}"

    answer = client.registry("DELETE", path)

    assert answer.status_code == 204
    assert answer.content == b""
    assert client.registry("GET", path, accept=RAW).status_code == 404
    assert client.registry("DELETE", path).status_code == 404


def test_union_tag_needs_an_identity_when_it_is_added(client: RegistryClient) -> None:
    created = client.create("schemas", a_schema())
    path = f"/tenant/schemas/{created['meta:altId']}"
    tag = [{"op": "add", "path": "/meta:immutableTags", "value": ["union"]}]

    without = client.registry("PATCH", path, tag)
    client.registry("POST", "/tenant/descriptors", an_identity(created["$id"]))
    with_identity = client.registry("PATCH", path, tag)

    assert without.json()["type"].endswith("XDM-1528-400")
    assert with_identity.status_code == 200


def test_schema_with_identity_map_may_join_the_union(client: RegistryClient) -> None:
    created = client.create("schemas", an_event_schema())
    tag = [{"op": "add", "path": "/meta:immutableTags", "value": ["union"]}]

    answer = client.registry("PATCH", f"/tenant/schemas/{created['meta:altId']}", tag)

    assert answer.status_code == 200


def test_union_tagged_schema_stays(client: RegistryClient) -> None:
    created = client.create("schemas", a_schema(**{"meta:immutableTags": ["union"]}))
    path = f"/tenant/schemas/{created['meta:altId']}"
    untag = [{"op": "remove", "path": "/meta:immutableTags"}]

    assert client.registry("DELETE", path).status_code == 400
    assert client.registry("PATCH", path, untag).json()["type"].endswith("REG-4003-400")


def test_schema_of_a_dataset_can_only_grow(client: RegistryClient) -> None:
    created = client.create("schemas", a_schema(PROFILE, PERSON_DETAILS))
    client.create_dataset(a_dataset(created["$id"]))
    path = f"/tenant/schemas/{created['meta:altId']}"
    group = {"$ref": "https://ns.adobe.com/xdm/context/profile-work-details"}

    shrink = client.registry("PATCH", path, [{"op": "remove", "path": "/allOf/1"}])
    grow = client.registry("PATCH", path, [{"op": "add", "path": "/allOf/-", "value": group}])

    assert shrink.status_code == 400
    assert shrink.json()["type"].endswith("REG-4003-400")
    assert "/person would be removed" in shrink.json()["detail"]
    assert grow.status_code == 200
    assert client.registry("DELETE", path).json()["type"].endswith("REG-4004-400")


def test_custom_field_group_composes_into_a_schema(client: RegistryClient) -> None:
    space = client.namespace
    loyalty = {"properties": {"level": {"type": "string"}, "points": {"type": "integer"}}}
    body = a_field_group({space: {"type": "object", "properties": {"loyalty": loyalty}}})

    group = client.create("fieldgroups", body)
    schema = client.create("schemas", a_schema(PROFILE, group["$id"]))

    fields = client.lookup(schema["$id"])["properties"]
    assert "/mixins/" in group["$id"]
    assert group["meta:resourceType"] == "mixins"
    assert (group["meta:abstract"], group["meta:extensible"]) == (True, True)
    assert fields[space]["properties"]["loyalty"]["properties"]["points"]["meta:xdmType"] == "int"


def test_change_of_a_field_group_shows_in_every_schema_at_once(client: RegistryClient) -> None:
    space = client.namespace
    leaf = {"type": "string"}
    group = client.create("mixins", a_field_group({space: {"properties": {"one": leaf}}}))
    schema = client.create("schemas", a_schema(PROFILE, group["$id"]))
    path = f"/tenant/mixins/{group['meta:altId']}"
    place = f"/definitions/custom/properties/{space}/properties/two"

    client.registry("PATCH", path, [{"op": "add", "path": place, "value": leaf}])

    fields = client.lookup(schema["$id"])["properties"][space]["properties"]
    assert set(fields) == {"one", "two"}


def test_field_group_in_use_is_kept_whole(client: RegistryClient) -> None:
    space = client.namespace
    group = client.create(
        "mixins", a_field_group({space: {"properties": {"a": _TEXT, "b": _TEXT}}})
    )
    schema = client.create("schemas", a_schema(PROFILE, group["$id"]))
    client.create_dataset(a_dataset(schema["$id"]))
    path = f"/tenant/fieldgroups/{group['meta:altId']}"
    place = f"/definitions/custom/properties/{space}/properties/a"

    removal = client.registry("PATCH", path, [{"op": "remove", "path": place}])
    retype = client.registry("PATCH", path, [{"op": "replace", "path": place, "value": _NUMBER}])
    deletion = client.registry("DELETE", path)

    assert removal.json()["type"].endswith("REG-4003-400")
    assert retype.json()["type"].endswith("REG-4003-400")
    assert deletion.json()["type"].endswith("REG-4004-400")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"color": {"type": "string"}}, "XDM-1020"),
        ({"person": {"properties": {"color": {"type": "string"}}}}, "XDM-1020"),
        ({"TENANT": {"properties": {"_color": {"type": "string"}}}}, "XDM-1021"),
        ({"TENANT": {"properties": {"a color": {"type": "string"}}}}, "XDM-1021"),
        ({"TENANT": {"properties": {"xdm:color": {"type": "string"}}}}, "XDM-1021"),
        ({"TENANT": {"properties": {"list": {"type": "array", "items": 5}}}}, "REG-4001"),
        ({"TENANT": {"properties": {"x": {"type": "text"}}}}, "REG-4001"),
        ({"TENANT": {"properties": {"x": {"type": "string", "pattern": "("}}}}, "REG-4001"),
        ({"TENANT": {"properties": {"x": {"type": "string", "pattern": "(?=a)"}}}}, "REG-4001"),
        ({"TENANT": {"properties": {"x": {"type": "integer", "minimum": "1"}}}}, "REG-4001"),
        ({"TENANT": {"properties": {"x": {"type": "string", "enum": []}}}}, "REG-4001"),
        ({"TENANT": {"properties": {"x": {"$ref": "https://example.com/x"}}}}, "XDM-1001"),
        ({"TENANT": {"properties": {"x": {"$ref": "#/definitions/none"}}}}, "XDM-1001"),
        (
            {"TENANT": {"properties": {"x": {"type": "string", "meta:xdmType": "long"}}}},
            "REG-4001",
        ),
    ],
)
def test_bad_custom_field_is_refused_with_its_code(
    client: RegistryClient, fields: dict[str, Any], code: str
) -> None:
    placed = {name.replace("TENANT", client.namespace): field for name, field in fields.items()}

    answer = client.registry("POST", "/tenant/fieldgroups", a_field_group(placed))

    assert answer.status_code == 400
    assert answer.json()["type"] == f"http://ns.adobe.com/aep/errors/{code}-400"


def test_standard_object_may_be_extended_with_tenant_fields(client: RegistryClient) -> None:
    fields = {"person": {"properties": {client.namespace: {"properties": {"shoeSize": _NUMBER}}}}}

    group = client.create("fieldgroups", a_field_group(fields))

    assert group["version"] == "1.0"


def test_field_group_that_contains_itself_is_refused(client: RegistryClient) -> None:
    group = client.create(
        "fieldgroups", a_field_group({client.namespace: {"properties": {"a": _TEXT}}})
    )
    path = f"/tenant/fieldgroups/{group['meta:altId']}"
    itself = {"$ref": group["$id"]}

    answer = client.registry("PATCH", path, [{"op": "add", "path": "/allOf/-", "value": itself}])

    assert answer.status_code == 400
    assert answer.json()["type"].endswith("XDM-1001-400")


def test_field_group_without_classes_extends_any(client: RegistryClient) -> None:
    space = client.namespace
    group = client.create(
        "mixins", a_field_group({space: {"properties": {"a": _TEXT}}}, extends=())
    )

    created = client.create("schemas", a_schema(EVENT, group["$id"]))

    assert created["meta:class"] == EVENT


def test_class_and_data_type_of_the_tenant_make_a_schema(client: RegistryClient) -> None:
    space = client.namespace
    size = client.create(
        "datatypes", {"type": "object", "title": a_title(), "properties": {"width": _NUMBER}}
    )
    thing = {"properties": {"size": {"$ref": size["$id"]}}}
    body = {
        "type": "object",
        "title": a_title(),
        "definitions": {"own": {"properties": {space: thing}}},
        "allOf": [
            {"$ref": "https://ns.adobe.com/xdm/data/record"},
            {"$ref": "#/definitions/own"},
        ],
    }

    created = client.create("classes", body)
    schema = client.create("schemas", a_schema(created["$id"]))

    field = client.lookup(schema["$id"])["properties"][space]["properties"]["size"]
    assert created["meta:extends"] == ["https://ns.adobe.com/xdm/data/record"]
    assert schema["meta:class"] == created["$id"]
    assert field["meta:referencedFrom"] == size["$id"]
    assert field["properties"]["width"]["meta:xdmType"] == "number"
    assert client.registry("DELETE", f"/tenant/datatypes/{size['meta:altId']}").status_code == 400


def test_class_without_one_behavior_is_refused(client: RegistryClient) -> None:
    body = {"type": "object", "title": a_title(), "allOf": [{"$ref": PROFILE}]}

    answer = client.registry("POST", "/tenant/classes", body)

    assert answer.json()["type"].endswith("REG-4001-400")
    assert "exactly one behavior" in answer.json()["detail"]


def test_ad_hoc_class_gets_a_namespace_of_its_own(client: RegistryClient) -> None:
    body = {
        "type": "object",
        "title": a_title(),
        "allOf": [{"$ref": "https://ns.adobe.com/xdm/data/adhoc"}],
        "properties": {"_adhoc": {"type": "object", "properties": {"a": _TEXT}}},
    }

    created = client.create("classes", body)
    schema = client.create("schemas", a_schema(created["$id"]))

    namespace = f"_{created['$id'].rpartition('/')[2][:32]}"
    assert list(created["properties"]) == [namespace]
    assert created["meta:datasetNamespace"] == schema["meta:datasetNamespace"] == namespace


def test_ad_hoc_fields_may_stand_in_a_part_of_the_class_as_in_the_tutorial(
    client: RegistryClient,
) -> None:
    fields = {"_adhoc": {"type": "object", "properties": {"a": _TEXT}}}
    body = {
        "type": "object",
        "title": a_title(),
        "allOf": [
            {"$ref": "https://ns.adobe.com/xdm/data/adhoc"},
            {"properties": fields, "required": ["_adhoc"]},
        ],
    }

    created = client.create("classes", body)
    schema = client.create("schemas", a_schema(created["$id"]))

    namespace = created["meta:datasetNamespace"]
    assert list(created["allOf"][1]["properties"]) == [namespace]
    full = client.lookup(schema["$id"])
    assert full["properties"][namespace]["properties"]["a"]["type"] == "string"
    assert full["required"] == [namespace]


def test_ad_hoc_class_keeps_its_namespace_when_it_changes(client: RegistryClient) -> None:
    body = {
        "title": a_title(),
        "allOf": [{"$ref": "https://ns.adobe.com/xdm/data/adhoc"}],
        "properties": {"_adhoc": {"type": "object", "properties": {"a": _TEXT}}},
    }
    created = client.create("classes", body)
    schema = client.create("schemas", a_schema(created["$id"]))
    namespace = created["meta:datasetNamespace"]
    path = f"/tenant/classes/{created['meta:altId']}"

    patched = client.registry(
        "PATCH",
        path,
        [{"op": "add", "path": f"/properties/{namespace}/properties/b", "value": _TEXT}],
    )
    replaced = client.registry("PUT", path, body)

    assert patched.json()["meta:datasetNamespace"] == namespace
    assert replaced.json()["meta:datasetNamespace"] == namespace
    assert list(replaced.json()["properties"]) == [namespace]
    fields = client.lookup(schema["$id"])["properties"]
    assert list(fields[namespace]["properties"]) == ["a"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"_adhoc": {"properties": {"a b": {"type": "string"}}}}, "XDM-1021-400"),
        ({"a": {"type": "string"}}, "XDM-1020-400"),
    ],
)
def test_fields_of_an_ad_hoc_class_lie_in_its_own_namespace(
    client: RegistryClient, change: dict[str, Any], code: str
) -> None:
    parts = [{"$ref": "https://ns.adobe.com/xdm/data/adhoc"}]
    body = {"title": a_title(), "allOf": parts, "properties": change}

    answer = client.registry("POST", "/tenant/classes", body)

    assert answer.json()["type"].endswith(code)


def test_foreign_schema_answers_exactly_like_a_missing_one(client: RegistryClient) -> None:
    created = client.create("schemas", a_schema())
    stranger = RegistryClient(
        client.platform, client.platform.access.create_organization("Strangers")
    )
    path = f"/tenant/schemas/{created['meta:altId']}"
    missing = path[:-4] + ("0000" if not path.endswith("0000") else "1111")

    def told(method: str, where: str, body: object = None) -> tuple[int, str]:
        answer = stranger.registry(method, where, body, accept=RAW)
        return answer.status_code, answer.json()["detail"].replace(where.rpartition("/")[2], "ID")

    other_sandbox = client.registry("GET", path, accept=RAW, x_sandbox_name="dev")
    patch = [{"op": "replace", "path": "/title", "value": "stolen"}]
    assert told("GET", path) == told("GET", missing)
    assert told("DELETE", path) == told("DELETE", missing)
    assert told("PATCH", path, patch) == told("PATCH", missing, patch)
    assert told("PUT", path, a_schema()) == told("PUT", missing, a_schema())
    assert other_sandbox.status_code == 404
    assert client.lookup(created["$id"], accept=RAW) == created
    stranger.http.close()


def test_foreign_field_group_cannot_be_referred_to(client: RegistryClient) -> None:
    group = client.create("mixins", a_field_group({client.namespace: {"properties": {"a": _TEXT}}}))
    stranger = RegistryClient(
        client.platform, client.platform.access.create_organization("Other strangers")
    )

    answer = stranger.registry("POST", "/tenant/schemas", a_schema(PROFILE, group["$id"]))

    assert answer.status_code == 400
    assert "does not exist" in answer.json()["detail"]
    stranger.http.close()


def test_resource_is_found_only_under_its_own_type(client: RegistryClient) -> None:
    created = client.create("schemas", a_schema())

    answer = client.registry("GET", f"/tenant/classes/{created['meta:altId']}", accept=RAW)

    assert answer.json()["type"].endswith("XDM-1010-404")


def test_listing_has_results_page_and_links(client: RegistryClient) -> None:
    created = client.create("schemas", a_schema())

    answer = client.registry(
        "GET", f"/tenant/schemas/?property=title=={created['title']}", accept=LIST
    )

    body = answer.json()
    assert body["results"] == [
        {name: created[name] for name in ("$id", "meta:altId", "version", "title")}
    ]
    assert body["_page"] == {"orderby": "updated", "next": None, "count": 1}
    assert body["_links"]["next"] is None
    assert body["_links"]["global_schemas"]["href"].startswith(
        "/data/foundation/schemaregistry/global/schemas"
    )


def test_listing_pages_lose_and_repeat_nothing(client: RegistryClient) -> None:
    titles = {client.create("schemas", a_schema(description="paged"))["title"] for _ in range(7)}
    query = "property=description==paged&orderby=title&limit=3"
    accept = "application/vnd.adobe.xed+json"

    seen: list[str] = []
    start = ""
    for _ in range(4):
        page = client.registry("GET", f"/tenant/schemas?{query}{start}", accept=accept).json()
        seen.extend(item["title"] for item in page["results"])
        start = f"&start={quote(str(page['_page']['next']))}"
        if page["_page"]["next"] is None:
            break

    assert seen == sorted(titles)


def test_habits_of_the_python_client_are_served(client: RegistryClient) -> None:
    created = client.create("schemas", a_schema())
    adhoc = "property=meta:extends!=https://ns.adobe.com/xdm/data/adhoc"

    schemas = client.registry("GET", f"/tenant/schemas/?{adhoc}", accept=LIST)
    groups = client.registry("GET", "/global/fieldgroups/?limit=300", accept=LIST)
    union = client.registry(
        "GET",
        f"/tenant/schemas?property=meta:immutableTags==union&property=meta:class=={PROFILE}",
        accept="application/vnd.adobe.xed+json",
    )
    behaviors = client.registry("GET", "/global/behaviors", accept="application/vnd.adobe.xed+json")
    patched = client.registry(
        "PATCH",
        f"/tenant/schemas/{quote(created['$id'], safe='')}/",
        [{"op": "add", "path": "/description", "value": "x"}],
        accept="application/vnd.adobe.xed+json",
    )

    assert created["$id"] in [item["$id"] for item in schemas.json()["results"]]
    assert len(groups.json()["results"]) > 300
    assert groups.json()["_page"]["next"] is None
    assert all(item["meta:class"] == PROFILE for item in union.json()["results"])
    assert len(behaviors.json()["results"]) == 3
    assert patched.json()["version"] == "1.1"


@pytest.mark.parametrize(
    "query",
    ["limit=x", "limit=501", "limit=-1", "limit=1e9", "property===", "property=title~(", "start=x"],
)
def test_listing_parameter_that_means_nothing_is_refused(
    client: RegistryClient, query: str
) -> None:
    client.create("schemas", a_schema())

    answer = client.registry("GET", f"/tenant/schemas?{query}", accept=LIST)

    assert answer.status_code == 400
    assert answer.json()["type"].endswith("REG-4007-400")


def test_global_container_lists_and_looks_up(client: RegistryClient) -> None:
    accept = "application/vnd.adobe.xed-full+json; version=1"

    classes = client.registry("GET", "/global/classes", accept=LIST)
    profile = client.registry("GET", "/global/classes/_xdm.context.profile", accept=accept)
    behavior = client.registry("GET", "/global/behaviors/_xdm.data.time-series", accept=accept)
    wrong_type = client.registry("GET", "/global/classes/_xdm.data.record", accept=accept)

    assert PROFILE in [item["$id"] for item in classes.json()["results"]]
    assert "personID" in profile.json()["properties"]
    assert "timestamp" in behavior.json()["properties"]
    assert wrong_type.status_code == 404


def test_tenant_container_shows_standard_resources_but_changes_none(
    client: RegistryClient,
) -> None:
    path = f"/tenant/fieldgroups/{quote(PERSON_DETAILS, safe='')}"

    found = client.registry("GET", path, accept=RAW)
    deletion = client.registry("DELETE", path)

    assert found.json()["$id"] == PERSON_DETAILS
    assert deletion.status_code == 404


def test_global_field_groups_are_filtered_by_class(client: RegistryClient) -> None:
    query = f"property=meta:intendedToExtend=={PROFILE}"

    answer = client.registry("GET", f"/global/fieldgroups?{query}", accept=LIST)

    assert PERSON_DETAILS in [item["$id"] for item in answer.json()["results"]]


def test_global_container_is_read_only(client: RegistryClient) -> None:
    answer = client.registry("POST", "/global/schemas", a_schema())

    assert answer.status_code == 404


def test_stats_count_what_there_is(client: RegistryClient) -> None:
    before = client.registry("GET", "/stats").json()
    created = client.create("schemas", a_schema())

    after = client.registry("GET", "/stats/").json()

    assert after["tenantId"] == client.credentials.tenant_id
    assert after["imsOrg"] == client.credentials.org_id
    assert after["counts"]["schemas"] == before["counts"]["schemas"] + 1
    assert after["recentlyCreatedResources"][0]["title"] == created["title"]
    assert after["recentlyUpdatedResources"][0]["meta:classTitle"] == "XDM Individual Profile"
    assert created["$id"] in [item["$id"] for item in after["classUsage"][PROFILE]]


def test_forms_of_a_lookup_differ_in_what_they_show(client: RegistryClient) -> None:
    created = client.create("schemas", a_schema(description="visible"))
    client.registry("POST", "/tenant/descriptors", an_identity(created["$id"]))

    def form(name: str) -> dict[str, Any]:
        accept = f"application/vnd.adobe.{name}+json; version=1"
        return client.lookup(created["$id"], accept=accept)

    full = client.lookup(created["$id"], accept=FULL)
    assert form("xed") == created
    assert "description" not in form("xed-notext")
    assert "title" not in form("xed-full-notext")["properties"]["person"]
    assert full["properties"]["person"]["title"]
    assert full["description"] == "visible"
    assert len(form("xed-full-desc")["meta:descriptors"]) == 1
    assert "person/name/firstName" in form("xed-full-flat")["properties"]


_TEXT = {"type": "string"}
_NUMBER = {"type": "number"}
