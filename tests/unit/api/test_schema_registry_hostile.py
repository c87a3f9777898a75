"""Whatever a caller sends to the registry or to Catalog, the answer is never a 5xx."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from support.registry import (
    PROFILE,
    RAW,
    RegistryClient,
    a_dataset,
    a_field_group,
    a_schema,
    an_identity,
    running_registry,
)

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
_KEYWORDS = """
    $id $ref @type additionalProperties allOf anyOf default definitions description enum format
    items maximum meta:class meta:enum meta:extends meta:immutableTags meta:intendedToExtend
    meta:xdmType minLength minimum name oneOf pattern patternProperties properties required
    schemaRef tags title type xdm:isPrimary xdm:namespace xdm:sourceProperty xdm:sourceSchema
    xdm:sourceVersion
"""
keywords = st.sampled_from(_KEYWORDS.split())
bodies = values | st.dictionaries(keywords, values, max_size=6)

few = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryClient]:
    with running_registry(tmp_path_factory.mktemp("hostile")) as running:
        yield running


@pytest.fixture(scope="module")
def schema(client: RegistryClient) -> dict[str, Any]:
    return client.create("schemas", a_schema())


@pytest.mark.parametrize("collection", ["schemas", "fieldgroups", "classes", "datatypes"])
@few
@given(body=bodies)
@example(body={"title": "x", "allOf": [{"$ref": {}}]})
def test_any_body_creates_or_is_refused(
    client: RegistryClient, collection: str, body: object
) -> None:
    answer = client.registry("POST", f"/tenant/{collection}", body)

    assert answer.status_code in {201, 400}


@few
@given(change=st.dictionaries(keywords, values, max_size=3))
def test_any_change_of_a_good_schema_creates_or_is_refused(
    client: RegistryClient, change: dict[str, Any]
) -> None:
    answer = client.registry("POST", "/tenant/schemas", a_schema() | change)

    assert answer.status_code in {201, 400}


@few
@given(field=st.dictionaries(keywords, values, max_size=4))
def test_any_custom_field_creates_or_is_refused(
    client: RegistryClient, field: dict[str, Any]
) -> None:
    group = a_field_group({client.namespace: {"properties": {"field": field}}})

    answer = client.registry("POST", "/tenant/fieldgroups", group)

    assert answer.status_code in {201, 400}


@few
@given(
    operations=st.lists(
        st.fixed_dictionaries(
            {
                "op": st.sampled_from(["add", "replace", "remove", "test", "copy"]) | values,
                "path": st.sampled_from(["/title", "/allOf/-", "/allOf/0", "/allOf/0/$ref", "/a/b"])
                | st.text(max_size=6),
            },
            optional={"value": values},
        ),
        max_size=3,
    )
)
def test_any_patch_changes_or_is_refused(
    client: RegistryClient, schema: dict[str, Any], operations: list[object]
) -> None:
    answer = client.registry("PATCH", f"/tenant/schemas/{schema['meta:altId']}", operations)

    assert answer.status_code in {200, 400}


@few
@given(body=bodies)
def test_any_descriptor_creates_or_is_refused(
    client: RegistryClient, schema: dict[str, Any], body: object
) -> None:
    plain = client.registry("POST", "/tenant/descriptors", body)
    members = body if isinstance(body, dict) else {}
    changed = client.registry("POST", "/tenant/descriptors", an_identity(schema["$id"]) | members)

    assert {plain.status_code, changed.status_code} <= {201, 400}


@few
@given(body=bodies)
def test_any_dataset_creates_or_is_refused(
    client: RegistryClient, schema: dict[str, Any], body: object
) -> None:
    plain = client.catalog("POST", "/dataSets", body)
    members = body if isinstance(body, dict) else {}
    changed = client.catalog("POST", "/dataSets", a_dataset(schema["$id"]) | members)

    assert {plain.status_code, changed.status_code} <= {201, 400}


@few
@given(
    name=st.sampled_from(
        ["property", "orderby", "limit", "start", "name", "tags", "orderBy", "createdAfter"]
    ),
    value=st.text(max_size=20)
    | st.from_regex(r"[a-z:.]{1,8}(==|!=|~|<|>)[^,]{0,6}", fullmatch=True),
)
def test_any_query_lists_or_is_refused(client: RegistryClient, name: str, value: str) -> None:
    registry = client.http.get(
        "/data/foundation/schemaregistry/tenant/schemas",
        params={name: value},
        headers={"accept": "application/vnd.adobe.xed+json"},
    )
    catalog = client.http.get("/data/foundation/catalog/dataSets", params={name: value})

    assert {registry.status_code, catalog.status_code} <= {200, 400}


@few
@given(accept=st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=60))
def test_any_accept_header_is_answered_or_refused(
    client: RegistryClient, schema: dict[str, Any], accept: str
) -> None:
    header = accept.strip()

    answer = client.registry("GET", f"/tenant/schemas/{schema['meta:altId']}", accept=header)

    assert answer.status_code in {200, 400, 406}


@few
@given(resource_id=st.text(min_size=1, max_size=40))
def test_any_id_is_found_or_not(client: RegistryClient, resource_id: str) -> None:
    path = quote(resource_id, safe="")

    registry = client.registry("GET", f"/tenant/schemas/{path}", accept=RAW)
    catalog = client.catalog("GET", f"/dataSets/{path}")

    assert registry.status_code in {200, 400, 404}
    assert catalog.status_code in {200, 400, 404}


@pytest.mark.parametrize("depth", [90, 120, 900, 5_000])
def test_deep_schema_is_refused(client: RegistryClient, depth: int) -> None:
    nested = '{"type":"object","properties":{"a":' * depth + '{"type":"string"}' + "}}" * depth
    body = f'{{"type":"object","title":"deep {depth}","properties":{{"a":{nested}}}}}'

    answer = client.http.post(
        "/data/foundation/schemaregistry/tenant/datatypes",
        content=body.encode(),
        headers={"Content-Type": "application/json"},
    )

    assert answer.status_code == 400


def test_wide_schema_is_refused(client: RegistryClient) -> None:
    fields = {f"f{number}": {"type": "string"} for number in range(20_000)}

    answer = client.registry(
        "POST", "/tenant/datatypes", {"type": "object", "title": "wide", "properties": fields}
    )

    assert answer.status_code == 400


def test_references_that_multiply_are_refused(client: RegistryClient) -> None:
    """Twenty levels, each of which contains the next one ten times."""
    definitions: dict[str, Any] = {
        f"d{level}": {
            "properties": {f"p{n}": {"$ref": f"#/definitions/d{level + 1}"} for n in range(10)}
        }
        for level in range(20)
    }
    definitions["d20"] = {"type": "string"}
    body = {
        "type": "object",
        "title": "multiplied",
        "definitions": definitions,
        "allOf": [{"$ref": "#/definitions/d0"}],
    }

    answer = client.registry("POST", "/tenant/datatypes", body)

    assert answer.status_code == 400


def test_parts_that_multiply_are_refused(client: RegistryClient) -> None:
    """Thirty levels, each of which is made of the next one twice."""
    definitions: dict[str, Any] = {
        f"d{level}": {"allOf": [{"$ref": f"#/definitions/d{level + 1}"}] * 2} for level in range(30)
    }
    definitions["d30"] = {"properties": {"a": {"type": "string"}}}
    body = {
        "type": "object",
        "title": "multiplied parts",
        "definitions": definitions,
        "allOf": [{"$ref": "#/definitions/d0"}],
    }

    answer = client.registry("POST", "/tenant/datatypes", body)

    assert answer.status_code == 400


def test_schema_of_unknown_scheme_is_never_fetched(client: RegistryClient) -> None:
    refs = ["file:///etc/passwd", "http://127.0.0.1:9/x", "data:application/json,{}"]

    answers = [client.registry("POST", "/tenant/schemas", a_schema(PROFILE, ref)) for ref in refs]

    assert [answer.status_code for answer in answers] == [400, 400, 400]
