"""Bodies with something wrong: refused in the registry's shape, and nothing half-applied."""

from collections.abc import Iterator
from http.client import HTTPConnection
from random import Random
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from forebay.kernel import json
from support.registry import (
    FULL,
    HOME,
    PROFILE,
    RAW,
    REGISTRY,
    WORK_DETAILS,
    RegistryClient,
    a_field_group,
    a_schema,
    a_title,
    an_identity,
    running_registry,
)
from support.wrong_bodies import mutated

Document = dict[str, Any]
TEXT = {"type": "string"}
COLLECTIONS = ("datatypes", "fieldgroups", "classes", "schemas")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryClient]:
    with running_registry(tmp_path_factory.mktemp("mutations")) as running:
        yield running


@pytest.fixture(scope="module")
def resources(client: RegistryClient) -> dict[str, Document]:
    """Return one resource of each collection; the schema is in Profile and has an identity."""
    fields: Document = {
        "a": {"type": "string", "maxLength": 5},
        "n": {"type": "integer"},
        "l": {"type": "array", "items": TEXT},
        "m": {"type": "object", "additionalProperties": TEXT},
    }
    data_type = client.create("datatypes", {"title": a_title(), "properties": fields})
    node = {"properties": {**fields, "d": {"$ref": data_type["$id"]}}, "required": ["a"]}
    group = client.create("fieldgroups", a_field_group({client.namespace: node}))
    own = {client.namespace: {"properties": {"k": TEXT}}}
    parts = [{"$ref": f"{HOME}xdm/data/record"}]
    base = client.create("classes", {"title": a_title(), "allOf": parts, "properties": own})
    client.create("schemas", a_schema(base["$id"]))
    schema = a_schema(PROFILE, group["$id"], WORK_DETAILS, **{"meta:immutableTags": ["union"]})
    found = {
        "datatypes": data_type,
        "fieldgroups": group,
        "classes": base,
        "schemas": client.create("schemas", schema),
    }
    identity = an_identity(found["schemas"]["$id"])
    assert client.registry("POST", "/tenant/descriptors", identity).status_code == 201
    return found


def assert_refused_or(answer: httpx2.Response, status: int) -> None:
    """Check that a request succeeded, or failed by what the caller sent, as documented."""
    assert answer.status_code in {status, 400}, answer.text
    body = answer.json()
    is_problem = "registryRequestId" in body.get("report", {}) and body["status"] == 400
    assert (answer.status_code == status) != is_problem, answer.text


def state(client: RegistryClient, resources: dict[str, Document]) -> list[Document]:
    every = [
        client.lookup(document["$id"], collection, form)
        for collection, document in resources.items()
        for form in (RAW, FULL)
    ]
    descriptors = client.registry("GET", "/tenant/descriptors", accept=XDM).json()
    return [*every, descriptors]


XDM = "application/vnd.adobe.xdm+json"


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("collection", COLLECTIONS)
def test_mutated_body_is_kept_or_refused_as_documented(
    client: RegistryClient, resources: dict[str, Document], collection: str, seed: int
) -> None:
    random = Random(f"{collection} {seed}")

    for _ in range(6):
        body = mutated({**resources[collection], "title": a_title()}, random)
        assert_refused_or(client.registry("POST", f"/tenant/{collection}", body), 201)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("collection", COLLECTIONS)
def test_mutated_change_is_kept_or_leaves_nothing_behind(
    client: RegistryClient, resources: dict[str, Document], collection: str, seed: int
) -> None:
    random = Random(f"{collection} {seed}")
    path = f"/tenant/{collection}/{resources[collection]['meta:altId']}"

    for _ in range(4):
        before = state(client, resources)
        answer = client.registry("PUT", path, mutated(resources[collection], random))
        assert_refused_or(answer, 200)
        assert answer.status_code == 200 or state(client, resources) == before


@pytest.mark.parametrize("seed", range(20))
def test_mutated_descriptor_is_kept_or_leaves_nothing_behind(
    client: RegistryClient, resources: dict[str, Document], seed: int
) -> None:
    random = Random(seed)
    listed = client.registry("GET", "/tenant/descriptors", accept=XDM).json()
    descriptor = listed["xdm:descriptorIdentity"][0]
    path = f"/tenant/descriptors/{descriptor['@id']}"
    before = state(client, resources)

    answer = client.registry("PUT", path, mutated(descriptor, random))

    assert_refused_or(answer, 201)
    assert answer.status_code == 201 or state(client, resources) == before


IDS = {
    "parent": "..",
    "encoded parent": "%2e%2e%2f%2e%2e%2fstats",
    "nul": "%00",
    "broken percent": "%",
    "broken utf-8": "%ff%fe",
    "overlong utf-8": "%c0%ae%c0%ae",
    "encoded twice": "_xdm%252econtext%252eprofile",
    "10 kB": "a" * 10_240,
    "quotes": "%27%20or%201=1--",
    "percent signs": "%25%25",
    "new lines": "a%0d%0aSet-Cookie:x",
    "emoji": "%F0%9F%98%80",
    "only dots": "....",
    "union of nothing": "__union",
    "a number": "0",
}


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("collection", [*COLLECTIONS, "unions", "descriptors"])
@pytest.mark.parametrize("name", IDS)
def test_weird_id_is_not_found(
    client: RegistryClient, collection: str, name: str, method: str
) -> None:
    """The path goes out as it stands here; a client library would tidy it up."""
    address = urlsplit(client.platform.url)
    connection = HTTPConnection(str(address.hostname), address.port, timeout=30)
    headers = {**client.http.headers, "accept": RAW, "content-type": "application/json"}
    accept = {"accept": XDM} if collection == "descriptors" else {}
    body = json.encode(a_schema()) if method in {"PUT", "PATCH"} else None

    connection.request(
        method, f"{REGISTRY}/tenant/{collection}/{IDS[name]}", body=body, headers=headers | accept
    )
    answer = connection.getresponse()
    problem = json.decode(answer.read())
    connection.close()

    assert answer.status in {400, 404, 405}
    assert problem["status"] == answer.status
    assert "registryRequestId" in problem["report"]


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_hundred_thousand_fields_are_refused(client: RegistryClient, collection: str) -> None:
    fields = {f"f{number}": TEXT for number in range(100_000)}
    body = {
        "title": a_title(),
        "meta:intendedToExtend": [],
        "properties": {client.namespace: {"properties": fields}},
        "allOf": [{"$ref": PROFILE}],
    }

    answer = client.registry("POST", f"/tenant/{collection}", body)

    assert answer.status_code == 400
    assert "more than 10000 subschemas" in answer.json()["detail"]


def test_fields_that_references_multiply_to_a_hundred_thousand_are_refused(
    client: RegistryClient,
) -> None:
    inner: Document = {"title": a_title(), "properties": {f"f{n}": TEXT for n in range(1_000)}}
    reference = client.create("datatypes", inner)["$id"]
    fields = {f"g{number}": {"$ref": reference} for number in range(100)}

    answer = client.registry("POST", "/tenant/datatypes", {"title": "y", "properties": fields})

    assert answer.status_code == 400
    assert answer.json()["type"].endswith("XDM-1001-400")
    assert "more than 50000 fields" in answer.json()["detail"]


def test_oversize_body_is_refused(client: RegistryClient) -> None:
    body = {**a_schema(), "description": "x" * 11_000_000}

    answer = client.registry("POST", "/tenant/schemas", body)

    assert answer.status_code == 413
    assert answer.json()["type"].endswith("API-1413-413")
    assert "registryRequestId" in answer.json()["report"]


@pytest.mark.parametrize("depth", [100, 190, 1_000, 100_000])
def test_nesting_is_refused_at_every_depth(client: RegistryClient, depth: int) -> None:
    nested = '{"type":"object","properties":{"a":' * depth + '{"type":"string"}' + "}}" * depth
    body = f'{{"type":"object","title":"deep {depth}","properties":{{"a":{nested}}}}}'

    answer = client.http.post(
        f"{REGISTRY}/tenant/datatypes",
        content=body.encode(),
        headers={"Content-Type": "application/json"},
    )

    assert answer.status_code == 400
    assert "registryRequestId" in answer.json()["report"]


@pytest.mark.parametrize(
    "pattern", ["(a+)+$(?=b)", r"(a)\1", "(?<=a)b", "a{1,100000}", "[", "(" * 2_000, "a" * 2_000]
)
@pytest.mark.parametrize("keyword", ["pattern", "patternProperties"])
def test_hostile_pattern_is_refused(client: RegistryClient, keyword: str, pattern: str) -> None:
    rule = {"pattern": pattern} if keyword == "pattern" else {"patternProperties": {pattern: TEXT}}
    kind = "string" if keyword == "pattern" else "object"
    body = {"title": a_title(), "properties": {"a": {"type": kind, **rule}}}

    answer = client.registry("POST", "/tenant/datatypes", body)

    assert answer.status_code == 400
    assert "registryRequestId" in answer.json()["report"]


def test_pattern_that_would_backtrack_is_kept_and_harmless(client: RegistryClient) -> None:
    body = {"title": a_title(), "properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}}

    assert client.registry("POST", "/tenant/datatypes", body).status_code == 201


def test_cycle_of_references_between_resources_is_refused(client: RegistryClient) -> None:
    first = client.create("datatypes", {"title": a_title(), "properties": {"a": TEXT}})
    second = {"title": a_title(), "allOf": [{"$ref": first["$id"]}]}
    second_id = client.create("datatypes", second)["$id"]
    path = f"/tenant/datatypes/{first['meta:altId']}"

    answer = client.registry(
        "PATCH", path, [{"op": "add", "path": "/allOf", "value": [{"$ref": second_id}]}]
    )

    assert answer.status_code == 400
    assert answer.json()["type"].endswith("XDM-1001-400")
    assert "leads back to itself" in answer.json()["detail"]
    assert client.lookup(first["$id"], "datatypes", RAW) == first | _used(client, first)


def _used(client: RegistryClient, resource: Document) -> Document:
    """Return the metadata of a resource that one other refers to."""
    metadata = client.lookup(resource["$id"], "datatypes", RAW)["meta:registryMetadata"]
    assert metadata["meta:usageCount"] == 1
    assert metadata["eTag"] == resource["meta:registryMetadata"]["eTag"]
    return {"meta:registryMetadata": metadata}


@pytest.mark.parametrize(
    "ref", ["http://127.0.0.1:9/x", "https://ns.adobe.com/none", "file:///etc/hostname", "//x"]
)
@pytest.mark.parametrize("collection", COLLECTIONS)
def test_reference_out_of_the_library_is_refused_and_never_fetched(
    client: RegistryClient, collection: str, ref: str
) -> None:
    body = {
        "title": a_title(),
        "meta:intendedToExtend": [],
        "allOf": [{"$ref": PROFILE}],
        "properties": {client.namespace: {"properties": {"a": {"$ref": ref}}}},
    }

    answer = client.registry("POST", f"/tenant/{collection}", body)

    assert answer.status_code == 400
    assert "registryRequestId" in answer.json()["report"]
