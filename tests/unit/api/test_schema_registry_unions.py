from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from aepp.schema import Schema

from support.adobe import adobe_schema_client
from support.registry import (
    FULL,
    LIST,
    PROFILE,
    RAW,
    RegistryClient,
    a_schema,
    an_identity,
    running_registry,
)

UNION = f"{PROFILE}__union"
ALT_ID = "_xdm.context.profile__union"
TAGGED = {"meta:immutableTags": ["union"]}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryClient]:
    with running_registry(tmp_path_factory.mktemp("unions")) as running:
        running.create("schemas", a_schema(**TAGGED))
        yield running


@pytest.fixture
def adobe_client(client: RegistryClient) -> Schema:
    return adobe_schema_client(client)


@pytest.mark.parametrize("collection", ["unions", "schemas"])
@pytest.mark.parametrize("known", [ALT_ID, quote(UNION, safe=""), f"{ALT_ID}/"])
def test_union_is_looked_up_in_both_places(
    client: RegistryClient, collection: str, known: str
) -> None:
    raw = client.registry("GET", f"/tenant/{collection}/{known}", accept=RAW)
    full = client.registry("GET", f"/tenant/{collection}/{known}", accept=FULL)

    assert (raw.status_code, full.status_code) == (200, 200)
    assert raw.json()["$id"] == full.json()["$id"] == UNION
    assert raw.json()["allOf"]
    assert full.json()["properties"]["workEmail"]["type"] == "object"
    assert {"identityMap", "segmentMembership", "timeSeriesEvents"} <= set(
        full.json()["properties"]
    )


def test_unions_are_listed_like_any_resource(client: RegistryClient) -> None:
    summary = client.registry("GET", "/tenant/unions", accept=LIST).json()
    raw = client.registry(
        "GET",
        f"/tenant/unions?property=meta:class=={PROFILE}&orderby=title&limit=1",
        accept="application/vnd.adobe.xed+json",
    ).json()

    assert [item["meta:altId"] for item in summary["results"]] == [ALT_ID]
    assert summary["_page"] == {"orderby": "updated", "next": None, "count": 1}
    assert raw["results"][0]["meta:class"] == PROFILE


def test_union_is_asked_for_with_a_version(client: RegistryClient) -> None:
    listed = client.registry("GET", "/tenant/unions", accept=RAW)
    unversioned = client.registry("GET", f"/tenant/unions/{ALT_ID}", accept=LIST)
    later = FULL.replace("version=1", "version=2")
    newer = client.registry("GET", f"/tenant/unions/{ALT_ID}", accept=later)

    codes = [answer.json()["type"].rpartition("/")[2] for answer in (listed, unversioned, newer)]
    assert codes == ["XDM-1006-400", "XDM-1007-400", "REG-4060-406"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/tenant/unions"),
        ("PUT", f"/tenant/unions/{ALT_ID}"),
        ("PATCH", f"/tenant/unions/{ALT_ID}"),
        ("DELETE", f"/tenant/unions/{ALT_ID}"),
        ("PUT", f"/tenant/schemas/{ALT_ID}"),
        ("PATCH", f"/tenant/schemas/{quote(UNION, safe='')}"),
        ("DELETE", f"/tenant/schemas/{ALT_ID}"),
    ],
)
def test_union_is_read_only(client: RegistryClient, method: str, path: str) -> None:
    answer = client.registry(method, path, {} if method != "DELETE" else None)

    assert answer.status_code == 405
    assert answer.json()["type"] == "http://ns.adobe.com/aep/errors/REG-4008-405"
    assert "change" in answer.json()["detail"]
    assert client.lookup(UNION, "unions")["$id"] == UNION


def test_missing_union_answers_in_the_registry_shape(client: RegistryClient) -> None:
    answer = client.registry("GET", "/tenant/unions/_xdm.context.none__union", accept=RAW)

    assert answer.status_code == 404
    assert answer.json()["type"] == "http://ns.adobe.com/aep/errors/XDM-1014-404"
    assert answer.json()["report"]["sub-errors"] == []


def test_change_of_a_member_shows_in_the_union_at_once(client: RegistryClient) -> None:
    schema = client.create("schemas", a_schema(**TAGGED))
    before = client.lookup(UNION, "unions")["properties"]
    details = "https://ns.adobe.com/xdm/context/profile-personal-details"

    client.registry(
        "PATCH",
        f"/tenant/schemas/{schema['meta:altId']}",
        [{"op": "add", "path": "/allOf/-", "value": {"$ref": details}}],
    )

    assert set(client.lookup(UNION, "unions")["properties"]) - set(before) >= {"homeAddress"}


def test_union_of_another_organization_is_not_shown(client: RegistryClient) -> None:
    other = RegistryClient(client.platform, client.platform.access.create_organization("Rival"))

    answer = other.registry("GET", f"/tenant/unions/{ALT_ID}", accept=RAW)
    listed = other.registry("GET", "/tenant/unions", accept=LIST)
    other.http.close()

    assert answer.status_code == 404
    assert listed.json()["results"] == []


def test_calls_of_the_python_client_are_served(adobe_client: Schema) -> None:
    listed = adobe_client.getUnions()
    found: list[dict[str, Any]] = [
        adobe_client.getUnion(UNION),
        adobe_client.getUnion(ALT_ID),
        adobe_client.getSchema(UNION, full=True, schema_type="xed"),
    ]
    members = adobe_client.getXDMprofileSchema()

    assert [item["$id"] for item in listed] == [UNION]
    assert {item["$id"] for item in found} == {UNION}
    assert all("properties" in item for item in found)
    assert members["results"]


def test_python_client_enables_a_schema_for_profile(
    client: RegistryClient, adobe_client: Schema
) -> None:
    schema = client.create("schemas", a_schema())["$id"]

    refused = adobe_client.enableSchemaForRealTime(schema)
    client.registry("POST", "/tenant/descriptors", an_identity(schema))
    enabled = adobe_client.enableSchemaForRealTime(schema)

    assert refused["type"].endswith("XDM-1528-400")
    assert enabled["meta:immutableTags"] == ["union"]
    assert enabled["version"] == "1.1"
