from collections.abc import Iterator
from typing import Any

import pytest

from support.adobe import adobe_schema_client
from support.registry import (
    PROFILE,
    RegistryClient,
    a_dataset,
    a_field_group,
    a_schema,
    an_event_schema,
    an_identity,
    running_registry,
)

PATH = "/tenant/descriptors"


def adobe(form: str) -> str:
    return f"application/vnd.adobe.{form}+json"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryClient]:
    with running_registry(tmp_path_factory.mktemp("descriptors")) as running:
        yield running


@pytest.fixture
def schema_id(client: RegistryClient) -> str:
    return str(client.create("schemas", a_schema())["$id"])


def test_created_descriptor_is_looked_up_with_audit_members(
    client: RegistryClient, schema_id: str
) -> None:
    body = an_identity(schema_id)

    created = client.registry("POST", PATH, body)
    found = client.registry("GET", f"{PATH}/{created.json()['@id']}", accept=adobe("xdm"))

    assert created.status_code == 201
    assert body.items() <= created.json().items()
    assert len(created.json()["@id"]) == 48
    assert created.json()["version"] == "1"
    assert created.json()["meta:containerId"] == "tenant"
    assert created.json().items() <= found.json().items()
    assert {"created", "updated", "createdUser", "createdClient", "updatedUser"} <= set(
        found.json()
    )


def test_identity_gets_the_defaults_that_clients_leave_out(
    client: RegistryClient, schema_id: str
) -> None:
    body = {
        "@type": "xdm:descriptorIdentity",
        "sourceSchema": schema_id,
        "sourceProperty": "/personID",
        "xdm:namespace": "CRM",
    }

    created = client.registry("POST", PATH, body).json()

    assert created["xdm:sourceSchema"] == schema_id
    assert created["xdm:sourceVersion"] == 1
    assert created["xdm:property"] == "xdm:code"
    assert created["xdm:isPrimary"] is False


@pytest.mark.parametrize(
    "change",
    [
        {"@type": "xdm:descriptorOfNothing"},
        {"@type": ["xdm:descriptorIdentity"]},
        {"@type": None},
        {"xdm:sourceSchema": "https://ns.adobe.com/x/schemas/none"},
        {"xdm:sourceSchema": PROFILE},
        {"xdm:sourceSchema": 5},
        {"xdm:sourceVersion": 2},
        {"xdm:sourceVersion": True},
        {"xdm:sourceProperty": "workEmail/address"},
        {"xdm:sourceProperty": "/workEmail/address/"},
        {"xdm:sourceProperty": "/workEmail/nothing"},
        {"xdm:sourceProperty": "/properties/workEmail/properties/address"},
        {"xdm:sourceProperty": "/workEmail"},
        {"xdm:sourceProperty": "/workEmail/primary"},
        {"xdm:sourceProperty": "/organizations"},
        {"xdm:sourceProperty": "/_id"},
        {"xdm:sourceProperty": ["/workEmail/address"]},
        {"xdm:sourceProperty": {"a": 1}},
        {"xdm:namespace": ""},
        {"xdm:namespace": True},
        {"xdm:namespace": ["Email"]},
        {"xdm:property": ["xdm:code"]},
        {"xdm:property": "code"},
        {"xdm:isPrimary": "true"},
    ],
)
def test_bad_identity_is_refused(
    client: RegistryClient, schema_id: str, change: dict[str, Any]
) -> None:
    answer = client.registry("POST", PATH, an_identity(schema_id) | change)

    assert answer.status_code == 400
    assert answer.json()["type"] == "http://ns.adobe.com/aep/errors/REG-4005-400"


def test_schema_has_one_primary_identity(client: RegistryClient, schema_id: str) -> None:
    first = client.registry("POST", PATH, an_identity(schema_id)).json()

    second = client.registry("POST", PATH, an_identity(schema_id, "/personID"))
    secondary = client.registry(
        "POST", PATH, an_identity(schema_id, "/personID") | {"xdm:isPrimary": False}
    )
    itself = client.registry("PUT", f"{PATH}/{first['@id']}", an_identity(schema_id))

    assert second.status_code == 400
    assert first["@id"] in second.json()["detail"]
    assert secondary.status_code == 201
    assert itself.status_code == 201
    assert itself.json() == {"@id": first["@id"]}


def test_every_documented_type_is_kept(client: RegistryClient, schema_id: str) -> None:
    bodies: list[dict[str, Any]] = [
        {"@type": "xdm:alternateDisplayInfo", "xdm:title": {"en_us": "Work mail"}},
        {"@type": "xdm:descriptorDeprecated", "xdm:sourceProperty": ["/workPhone", "/personID"]},
        {"@type": "xdm:descriptorReferenceIdentity", "xdm:identityNamespace": "Email"},
        {"@type": "xdm:descriptorLabel", "xdm:labels": ["core/C1"]},
        {"@type": "xdm:descriptorTimeSeriesGranularity", "xdm:granularity": "day"}
        | {"xdm:ianaTimezone": "UTC"},
    ]
    shared = {"xdm:sourceSchema": schema_id, "xdm:sourceProperty": "/workEmail/address"}

    answers = [client.registry("POST", PATH, shared | body) for body in bodies]

    assert [answer.status_code for answer in answers] == [201] * len(bodies)


def test_display_information_and_deprecation_show_in_their_forms(
    client: RegistryClient, schema_id: str
) -> None:
    shared = {"xdm:sourceSchema": schema_id}
    title = {"xdm:title": {"en_us": "Work mail"}, "meta:enum": {"a": "A"}}
    display = {"@type": "xdm:alternateDisplayInfo", "xdm:sourceProperty": "/workEmail/address"}
    client.registry("POST", PATH, shared | display | title)
    hidden = {"@type": "xdm:descriptorDeprecated", "xdm:sourceProperty": "/workPhone"}
    client.registry("POST", PATH, shared | hidden)

    described = client.lookup(schema_id, accept=f"{adobe('xed-full-desc')}; version=1")
    plain = client.lookup(schema_id)
    with_deprecated = client.lookup(schema_id, accept=f"{adobe('xed-deprecatefield')}; version=1")

    address = described["properties"]["workEmail"]["properties"]["address"]
    assert address["title"] == "Work mail"
    assert address["meta:enum"] == {"a": "A"}
    assert "workPhone" not in plain["properties"]
    assert with_deprecated["properties"]["workPhone"]["meta:status"] == "deprecated"


def test_listing_comes_by_type_or_in_pages(client: RegistryClient) -> None:
    schema_id = client.create("schemas", an_event_schema())["$id"]
    kind = "xdm:descriptorIdentity"
    ids = [
        client.registry(
            "POST", PATH, an_identity(schema_id, path) | {"xdm:isPrimary": False}
        ).json()["@id"]
        for path in ("/eventMergeId", "/eventType", "/producedBy")
    ]
    mine = f"property=xdm:sourceSchema=={schema_id}"

    def listed(form: str, more: str = "") -> Any:
        return client.registry("GET", f"{PATH}/?{mine}{more}", accept=adobe(form)).json()

    assert listed("xdm-id") == {kind: ids}
    assert listed("xdm-link") == {kind: [f"{PATH}/{i}" for i in ids]}
    assert [item["@id"] for item in listed("xdm")[kind]] == ids
    assert [item["@id"] for item in listed("xdm-v2")["results"]] == ids
    assert listed("xdm-v2-id")["results"] == ids
    assert listed("xdm-v2-link")["results"] == [f"{PATH}/{i}" for i in ids]
    assert listed("xdm-id", ",@type==xdm:descriptorLabel") == {}
    first = listed("xdm-v2-id", "&orderby=xdm:sourceProperty&limit=2")
    rest = listed("xdm-v2-id", f"&orderby=xdm:sourceProperty&start={first['_page']['next']}")
    assert first["results"] + rest["results"] == ids
    assert rest["_page"]["next"] is None


def test_deleted_descriptor_is_gone(client: RegistryClient, schema_id: str) -> None:
    created = client.registry("POST", PATH, an_identity(schema_id)).json()
    path = f"{PATH}/{created['@id']}"

    answer = client.registry("DELETE", path, accept=adobe("xdm"))

    assert answer.status_code == 204
    assert client.registry("GET", path).json()["type"].endswith("XDM-1015-404")
    assert client.registry("DELETE", path).status_code == 404
    assert client.registry("PUT", path, an_identity(schema_id)).status_code == 404


def test_primary_identity_of_a_dataset_stays(client: RegistryClient, schema_id: str) -> None:
    created = client.registry("POST", PATH, an_identity(schema_id)).json()
    client.create_dataset(a_dataset(schema_id))
    path = f"{PATH}/{created['@id']}"

    deletion = client.registry("DELETE", path)
    demotion = client.registry("PUT", path, an_identity(schema_id) | {"xdm:isPrimary": False})

    assert deletion.json()["type"].endswith("REG-4003-400")
    assert demotion.json()["type"].endswith("REG-4003-400")


def test_identity_keeps_its_field_until_the_descriptor_is_deleted(
    client: RegistryClient,
) -> None:
    schema = client.create("schemas", a_schema())
    created = client.registry("POST", PATH, an_identity(schema["$id"])).json()
    path = f"/tenant/schemas/{schema['meta:altId']}"
    without_work_details = [{"op": "remove", "path": "/allOf/2"}]

    refused = client.registry("PATCH", path, without_work_details)
    client.registry("DELETE", f"{PATH}/{created['@id']}")
    done = client.registry("PATCH", path, without_work_details)

    assert refused.json()["type"].endswith("REG-4003-400")
    assert created["@id"] in refused.json()["detail"]
    assert done.status_code == 200


def test_deleting_a_schema_deletes_its_descriptors(client: RegistryClient) -> None:
    schema = client.create("schemas", a_schema())
    created = client.registry("POST", PATH, an_identity(schema["$id"])).json()

    client.registry("DELETE", f"/tenant/schemas/{schema['meta:altId']}")

    assert client.registry("GET", f"{PATH}/{created['@id']}").status_code == 404


def test_foreign_descriptor_answers_exactly_like_a_missing_one(
    client: RegistryClient, schema_id: str
) -> None:
    created = client.registry("POST", PATH, an_identity(schema_id)).json()
    strangers = client.platform.access.create_organization("Descriptor strangers")
    stranger = RegistryClient(client.platform, strangers)

    def told(method: str, descriptor_id: str) -> tuple[int, str]:
        answer = stranger.registry(method, f"{PATH}/{descriptor_id}")
        return answer.status_code, answer.json()["detail"].replace(descriptor_id, "ID")

    assert told("GET", created["@id"]) == told("GET", "0" * 48)
    assert told("DELETE", created["@id"]) == told("DELETE", "0" * 48)
    assert stranger.registry("GET", PATH, accept=adobe("xdm-id")).json() == {}
    stranger.http.close()


def test_identity_of_a_tenant_field_is_found_by_its_path(client: RegistryClient) -> None:
    space = client.namespace
    fields = {space: {"properties": {"loyaltyId": {"type": "string"}}}}
    group = client.create("fieldgroups", a_field_group(fields))
    schema = client.create("schemas", a_schema(PROFILE, group["$id"]))

    created = client.registry("POST", PATH, an_identity(schema["$id"], f"/{space}/loyaltyId"))

    assert created.status_code == 201


@pytest.mark.parametrize(
    ("kind", "members"),
    [
        ("xdm:descriptorIdentity", {"identityNSCode": "Email", "identityPrimary": True}),
        ("xdm:alternateDisplayInfo", {"alternateTitle": "Key", "alternateDescription": "A key"}),
        ("xdm:descriptorOneToOne", {"targetCompletePath": "/personID"}),
        ("xdm:descriptorOneToOne", {}),
        ("xdm:descriptorReferenceIdentity", {"identityNSCode": "Email"}),
        ("xdm:descriptorDeprecated", {}),
        ("xdm:descriptorTimeSeriesGranularity", {"granularity": "hour"}),
        ("xdm:descriptorRelationship", {"targetNamespace": "Email"}),
        ("xdm:descriptorPrimaryKey", {}),
        ("xdm:descriptorVersion", {}),
        ("xdm:descriptorTimestamp", {}),
        ("xdm:descriptorLabel", {"labels": ["C1"]}),
    ],
)
def test_descriptor_of_the_python_client_is_created_listed_changed_and_deleted(
    client: RegistryClient, kind: str, members: dict[str, Any]
) -> None:
    fields = {"key": {"type": "string"}, "at": {"type": "string", "format": "date-time"}}
    node = {"type": "object", "properties": fields, "required": ["key", "at"]}
    group = client.create("fieldgroups", a_field_group({client.namespace: node}))
    source = client.create("schemas", a_schema(PROFILE, group["$id"]))["$id"]
    target = client.create("schemas", a_schema())["$id"]
    adobe_client = adobe_schema_client(client)
    field = "at" if kind == "xdm:descriptorTimestamp" else "key"

    body = adobe_client.createDescriptorOperation(
        sourceSchema=source,
        descType=kind,
        completePath=f"{client.namespace}.{field}",
        targetSchema=target,
        **members,
    )
    created = adobe_client.createDescriptor(descriptorObj=body)
    listed = adobe_client.getDescriptors(type_desc=kind, prop=f"xdm:sourceSchema=={source}")
    found = adobe_client.getDescriptor(created["@id"])
    changed = adobe_client.putDescriptor(created["@id"], body)
    adobe_client.deleteDescriptor(created["@id"])

    assert [item["@id"] for item in listed] == [created["@id"]] == [changed["@id"]]
    assert created.items() <= found.items()
    gone = client.registry("GET", f"{PATH}/{created['@id']}", accept=adobe("xdm"))
    assert gone.status_code == 404
