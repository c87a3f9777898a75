from collections.abc import Iterator
from typing import Any

import pytest

from support.registry import (
    PROFILE,
    RegistryClient,
    a_dataset,
    a_schema,
    a_title,
    an_event_schema,
    an_identity,
    running_registry,
)

IDENTITY_MAP = "https://ns.adobe.com/xdm/context/identitymap"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryClient]:
    with running_registry(tmp_path_factory.mktemp("catalog")) as running:
        yield running


@pytest.fixture(scope="module")
def schema_id(client: RegistryClient) -> str:
    return str(client.create("schemas", a_schema())["$id"])


@pytest.fixture(scope="module")
def union_schema_id(client: RegistryClient) -> str:
    body = a_schema(PROFILE, IDENTITY_MAP, **{"meta:immutableTags": ["union"]})
    return str(client.create("schemas", body)["$id"])


def test_created_dataset_is_answered_as_a_reference(client: RegistryClient, schema_id: str) -> None:
    answer = client.catalog(
        "POST", "/dataSets/?requestDataSource=False", a_dataset(schema_id, description="d")
    )

    dataset_id = answer.json()[0].removeprefix("@/dataSets/")
    assert answer.status_code == 201
    assert answer.json() == [f"@/dataSets/{dataset_id}"]
    assert len(dataset_id) == 24
    assert answer.headers["location"].endswith(f"/dataSets/{dataset_id}")


def test_stored_dataset_has_the_documented_members(client: RegistryClient, schema_id: str) -> None:
    name = f"My Data-Set {a_title()}"
    body = a_dataset(schema_id, name=name, tags={"mine": ["a:b"]})
    dataset_id = client.create_dataset(body)

    answer = client.catalog("GET", f"/dataSets/{dataset_id}")

    found = answer.json()[dataset_id]
    assert list(answer.json()) == [dataset_id]
    assert answer.headers["etag"].startswith('"')
    assert found["name"] == name
    assert found["schemaRef"] == body["schemaRef"]
    assert found["imsOrg"] == client.credentials.org_id
    assert found["tags"]["adobe/pqs/table"] == [name.lower().replace(" ", "_").replace("-", "_")]
    assert found["tags"]["mine"] == ["a:b"]
    assert found["version"] == "1.0.0"
    assert found["created"] == found["updated"]
    assert found["createdClient"] == client.credentials.client_id
    assert found["fileDescription"]["format"] == "parquet"
    assert (found["namespace"], found["state"]) == ("ACP", "DRAFT")


def test_table_names_are_unique_in_the_sandbox(client: RegistryClient, schema_id: str) -> None:
    name = a_title()

    ids = [client.create_dataset(a_dataset(schema_id, name=name)) for _ in range(3)]

    base = name.lower().replace(" ", "_")
    tables = [client.dataset(i)["tags"]["adobe/pqs/table"] for i in ids]
    assert tables == [[base], [f"{base}_2"], [f"{base}_3"]]


@pytest.mark.parametrize(
    "change",
    [
        {"name": None},
        {"name": ""},
        {"name": 5},
        {"name": "x" * 256},
        {"schemaRef": None},
        {"schemaRef": "https://ns.adobe.com/x"},
        {"schemaRef": {"id": 5}},
        {"schemaRef": {"id": "https://ns.adobe.com/x/schemas/none"}},
        {"schemaRef": {"id": "https://ns.adobe.com/xdm/context/profile"}},
        {"tags": ["unifiedProfile"]},
        {"tags": {"unifiedProfile": "enabled:true"}},
        {"tags": {"unifiedProfile": [["enabled:true"]]}},
        {"description": 5},
        {"extensions": []},
        {"fileDescription": "parquet"},
        {"enableErrorDiagnostics": "yes"},
    ],
)
def test_bad_dataset_is_refused(
    client: RegistryClient, schema_id: str, change: dict[str, Any]
) -> None:
    answer = client.catalog("POST", "/dataSets", a_dataset(schema_id) | change)

    assert answer.status_code == 400
    assert answer.json()["type"].startswith("http://ns.adobe.com/aep/errors/CAT-14")
    assert answer.json()["detail"]


@pytest.mark.parametrize("value", ["enabled:true", "enabled: true", " Enabled : TRUE "])
def test_profile_needs_a_union_tagged_schema(
    client: RegistryClient, schema_id: str, union_schema_id: str, value: str
) -> None:
    tags = {"unifiedProfile": [value]}

    without = client.catalog("POST", "/dataSets", a_dataset(schema_id, tags=tags))
    dataset_id = client.create_dataset(a_dataset(union_schema_id, tags=tags))

    assert without.status_code == 400
    assert "To enable profile datasets the schema should be valid" in without.json()["detail"]
    assert client.dataset(dataset_id)["tags"]["unifiedProfile"] == [value]


def test_profile_needs_a_schema_whose_records_have_an_identity(client: RegistryClient) -> None:
    tagged = client.create("schemas", a_schema(**{"meta:immutableTags": ["union"]}))["$id"]
    enable = [{"op": "add", "path": "/tags/unifiedProfile", "value": ["enabled:true"]}]
    path = f"/dataSets/{client.create_dataset(a_dataset(tagged))}"

    refused = client.catalog("PATCH", path, enable)
    client.registry("POST", "/tenant/descriptors", an_identity(tagged))
    enabled = client.catalog("PATCH", path, enable)

    assert refused.status_code == 400
    assert "neither a primary identity descriptor nor an identityMap" in refused.json()["detail"]
    assert enabled.status_code == 200


def test_members_that_catalog_owns_are_ignored(client: RegistryClient, schema_id: str) -> None:
    sent = {"imsOrg": "X", "created": 1, "version": "9.9.9", "state": "X", "viewId": "X"}

    dataset_id = client.create_dataset(a_dataset(schema_id, **sent))

    found = client.dataset(dataset_id)
    assert all(found[name] != value for name, value in sent.items())


def test_table_tag_of_a_client_is_ignored(client: RegistryClient, schema_id: str) -> None:
    dataset_id = client.create_dataset(
        a_dataset(schema_id, tags={"adobe/pqs/table": ["drop table"]})
    )
    before = client.dataset(dataset_id)["tags"]["adobe/pqs/table"]

    client.catalog("PATCH", f"/dataSets/{dataset_id}", {"name": "New name", "tags": {}})

    after = client.dataset(dataset_id)
    assert before != ["drop table"]
    assert after["tags"]["adobe/pqs/table"] == before
    assert after["name"] == "New name"


@pytest.mark.parametrize("content_type", ["application/json", "application/json-patch+json"])
def test_patch_is_told_by_the_shape_of_its_body(
    client: RegistryClient, union_schema_id: str, content_type: str
) -> None:
    dataset_id = client.create_dataset(a_dataset(union_schema_id))
    path = f"/dataSets/{dataset_id}"
    enable = [{"op": "add", "path": "/tags/unifiedProfile", "value": ["enabled:true"]}]
    identity = [{"op": "replace", "path": "/tags/unifiedIdentity", "value": ["enabled:true"]}]

    patched = client.catalog("PATCH", path, enable, content_type=content_type)
    replaced = client.catalog("PATCH", path, identity, content_type=content_type)
    merged = client.catalog("PATCH", path, {"description": "d"}, content_type=content_type)

    found = client.dataset(dataset_id)
    assert patched.json() == replaced.json() == merged.json() == [f"@/dataSets/{dataset_id}"]
    assert found["tags"]["unifiedProfile"] == ["enabled:true"]
    assert found["tags"]["unifiedIdentity"] == ["enabled:true"]
    assert found["description"] == "d"
    assert found["version"] == "1.0.3"
    assert found["updated"] > found["created"]


def test_second_version_of_patch_merges_deeply(client: RegistryClient, schema_id: str) -> None:
    dataset_id = client.create_dataset(
        a_dataset(schema_id, tags={"kept": ["x"]}, extensions={"a": {"b": 1, "c": 2}})
    )
    ttl = {"adobe_lakeHouse": {"rowExpiration": {"ttlValue": "P3M"}}}

    client.catalog(
        "PATCH", f"/v2/dataSets/{dataset_id}", {"extensions": ttl | {"a": {"b": 9, "c": None}}}
    )

    found = client.dataset(dataset_id)
    assert found["extensions"] == {"a": {"b": 9}, **ttl}
    assert found["tags"]["kept"] == ["x"]


@pytest.mark.parametrize(
    "body",
    [
        "x",
        5,
        None,
        [5],
        [{"op": "remove", "path": "/tags/absent"}],
        [{"op": "add", "path": "/a/b/c", "value": 1}],
        [{"op": {}, "path": "/name", "value": 1}],
        {"name": None},
        {"tags": []},
        {"schemaRef": {"id": "https://ns.adobe.com/x/schemas/none"}},
        {"tags": {"unifiedProfile": ["enabled:true"]}},
    ],
)
@pytest.mark.parametrize("version", ["", "/v2"])
def test_bad_patch_changes_nothing(
    client: RegistryClient, schema_id: str, body: object, version: str
) -> None:
    dataset_id = client.create_dataset(a_dataset(schema_id))
    before = client.dataset(dataset_id)

    answer = client.catalog("PATCH", f"{version}/dataSets/{dataset_id}", body)

    assert answer.status_code == 400
    assert client.dataset(dataset_id) == before


def test_dataset_keeps_its_schema(client: RegistryClient, schema_id: str) -> None:
    dataset_id = client.create_dataset(a_dataset(schema_id))
    other = client.create("schemas", an_event_schema())["$id"]

    answer = client.catalog("PATCH", f"/dataSets/{dataset_id}", {"schemaRef": {"id": other}})

    assert answer.status_code == 400
    assert "keeps that schema" in answer.json()["detail"]


def test_replace_writes_the_whole_description(client: RegistryClient, schema_id: str) -> None:
    dataset_id = client.create_dataset(a_dataset(schema_id, description="old", tags={"a": ["b"]}))
    before = client.dataset(dataset_id)

    answer = client.catalog("PUT", f"/dataSets/{dataset_id}", a_dataset(schema_id, name="new"))

    found = client.dataset(dataset_id)
    assert answer.json() == [f"@/dataSets/{dataset_id}"]
    assert (found["name"], found["description"]) == ("new", "")
    assert "a" not in found["tags"]
    assert found["created"] == before["created"]
    assert found["viewId"] == before["viewId"]


def test_stale_if_match_is_a_412(client: RegistryClient, schema_id: str) -> None:
    dataset_id = client.create_dataset(a_dataset(schema_id))
    path = f"/dataSets/{dataset_id}"
    etag = client.catalog("GET", path).headers["etag"]

    fresh = client.catalog("PATCH", path, {"description": "1"}, if_match=etag)
    stale = client.catalog("PATCH", path, {"description": "2"}, if_match=etag)
    stale_put = client.catalog("PUT", path, a_dataset(schema_id), if_match=etag)
    anything = client.catalog("PATCH", path, {"description": "3"}, if_match="*")

    assert [fresh.status_code, stale.status_code] == [200, 412]
    assert etag in stale.json()["errorMessage"]
    assert path.rpartition("/")[2] not in stale.json()["errorMessage"]
    assert stale_put.status_code == 412
    assert "does not match the current version" in stale.json()["detail"]
    assert anything.status_code == 200
    assert client.dataset(dataset_id)["description"] == "3"


def test_validate_only_stores_nothing(client: RegistryClient, schema_id: str) -> None:
    dataset_id = client.create_dataset(a_dataset(schema_id))
    path = f"/dataSets/{dataset_id}"
    before = client.dataset(dataset_id)

    good = client.catalog("PATCH", path, {"description": "x"}, pragma="validate-only")
    bad = client.catalog("PATCH", path, {"description": 5}, pragma="validate-only")
    created = client.catalog("POST", "/dataSets", a_dataset(schema_id), pragma="validate-only")

    assert (good.status_code, bad.status_code, created.status_code) == (200, 400, 201)
    assert client.dataset(dataset_id) == before
    assert client.catalog("GET", created.json()[0].removeprefix("@")).status_code == 404


def test_deleted_dataset_is_gone(client: RegistryClient, schema_id: str) -> None:
    dataset_id = client.create_dataset(a_dataset(schema_id))
    path = f"/dataSets/{dataset_id}"

    first = client.catalog("DELETE", path)
    second = client.catalog("DELETE", path)

    assert (first.status_code, first.json()) == (200, [f"@/dataSets/{dataset_id}"])
    assert (second.status_code, second.json()) == (200, [])
    assert client.catalog("GET", path).status_code == 404


def test_foreign_dataset_answers_exactly_like_a_missing_one(
    client: RegistryClient, schema_id: str
) -> None:
    dataset_id = client.create_dataset(a_dataset(schema_id))
    strangers = client.platform.access.create_organization("Catalog strangers")
    stranger = RegistryClient(client.platform, strangers)

    def told(method: str, wanted: str, body: object = None) -> tuple[int, str]:
        answer = stranger.catalog(method, f"/dataSets/{wanted}", body)
        detail = answer.json()["detail"] if answer.status_code >= 400 else str(answer.json())
        return answer.status_code, detail.replace(wanted, "ID")

    missing = "0" * 24
    foreign_schema = stranger.catalog("POST", "/dataSets", a_dataset(schema_id))
    assert told("GET", dataset_id) == told("GET", missing)
    assert told("DELETE", dataset_id) == told("DELETE", missing)
    assert told("PATCH", dataset_id, {"name": "x"}) == told("PATCH", missing, {"name": "x"})
    assert stranger.catalog("GET", "/dataSets").json() == {}
    assert foreign_schema.status_code == 400
    assert "does not exist" in foreign_schema.json()["detail"]
    assert client.catalog("GET", f"/dataSets/{dataset_id}", x_sandbox_name="dev").status_code == 404
    assert client.dataset(dataset_id)["name"]
    stranger.http.close()


@pytest.fixture(scope="module")
def listed(client: RegistryClient) -> dict[str, str]:
    """Three datasets of a sandbox of their own, by name."""
    schema = client.registry("POST", "/tenant/schemas", a_schema(), x_sandbox_name="dev").json()
    ids = {}
    for name, colour in (("alpha one", "red"), ("alpha two", "blue"), ("beta*", "red")):
        body = a_dataset(schema["$id"], name=name, tags={"colour": [colour]})
        answer = client.catalog("POST", "/dataSets", body, x_sandbox_name="dev")
        ids[name] = answer.json()[0].removeprefix("@/dataSets/")
    return ids


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["alpha one", "alpha two", "beta*"]),
        ("limit=2", ["alpha one", "alpha two"]),
        ("limit=2&start=2", ["beta*"]),
        ("start=3", []),
        ("orderBy=desc:name", ["beta*", "alpha two", "alpha one"]),
        ("orderBy=name&limit=1", ["alpha one"]),
        ("sort=desc:created,asc:name&limit=1", ["beta*"]),
        ("name=alpha%20one,beta**", ["alpha one", "beta*"]),
        ("name=!alpha%20one", ["alpha two", "beta*"]),
        ("name=alpha*", ["alpha one", "alpha two"]),
        ("name=*t*o", ["alpha two"]),
        ("name=beta*", ["beta*"]),
        ("tags=colour:red", ["alpha one", "beta*"]),
        ("tags=colour:*", ["alpha one", "alpha two", "beta*"]),
        ("tags=colour:red,adobe/pqs/table:beta", ["beta*"]),
        ("property=name==beta*", ["beta*"]),
        ("property=name!=beta*&property=tags.colour==red", ["alpha one"]),
        ("property=name~^alpha", ["alpha one", "alpha two"]),
        ("property=!lastBatchId", ["alpha one", "alpha two", "beta*"]),
        ("property=lastBatchId", []),
        ("property=created>1", ["alpha one", "alpha two", "beta*"]),
        ("property=schemaRef.id==x", []),
        ("createdAfter=99999999999999", []),
        ("createdBefore=99999999999999", ["alpha one", "alpha two", "beta*"]),
        (
            "requestDataSource=False&expandSchema=True&limit=100",
            ["alpha one", "alpha two", "beta*"],
        ),
    ],
)
def test_listing_filters_orders_and_pages(
    client: RegistryClient, listed: dict[str, str], query: str, names: list[str]
) -> None:
    answer = client.catalog("GET", f"/dataSets/?{query}", x_sandbox_name="dev")

    assert answer.status_code == 200
    assert list(answer.json()) == [listed[name] for name in names]


def test_listing_projects_top_level_members(client: RegistryClient, listed: dict[str, str]) -> None:
    answer = client.catalog("GET", "/dataSets?properties=name,version,none", x_sandbox_name="dev")

    assert answer.json()[listed["beta*"]] == {"name": "beta*", "version": "1.0.0"}


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "limit=x",
        "limit=-1",
        "limit=99999999999999999999",
        "start=-1",
        "start=x",
        "orderBy=up:name",
        "tags=colour",
        "property=name~(",
        "property===",
        "createdAfter=yesterday",
        "properties=observableSchema&limit=21",
    ],
)
def test_query_parameter_that_means_nothing_is_refused(client: RegistryClient, query: str) -> None:
    answer = client.catalog("GET", f"/dataSets?{query}")

    assert answer.status_code == 400
    assert answer.json()["type"].endswith("CAT-1402-400")
