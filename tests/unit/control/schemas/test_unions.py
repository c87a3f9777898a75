from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from forebay.control.schemas.errors import (
    TypesInConflict,
    UnionNotFound,
    UnionReadOnly,
)
from forebay.control.schemas.listing import Query, parse_query
from forebay.control.schemas.model import ResourceType
from forebay.control.schemas.service import SchemaService
from forebay.control.schemas.unions import Conflict, conflict
from forebay.control.schemas.views import View
from forebay.control.scope import Scope
from forebay.kernel import json
from forebay.kernel.ids import SandboxId, new_hex
from forebay.xdm.samples import sample
from forebay.xdm.strict import validation_document
from forebay.xdm.validator import Validator
from support.registry import EVENT, PROFILE, a_field_group, a_schema, a_title, an_identity
from support.schemas import ACME, ACTOR, RIVAL, a_registry

FULL = View(is_composed=True)
RAW = View()
TAGGED = {"meta:immutableTags": ["union"]}
TAG = [{"op": "add", "path": "/meta:immutableTags", "value": ["union"]}]
UNION = f"{PROFILE}__union"
IDENTITY_MAP = "https://ns.adobe.com/xdm/context/identitymap"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SchemaService]:
    opened, store = a_registry(tmp_path_factory.mktemp("unions"))
    yield opened
    store.close()


@pytest.fixture
def scope() -> Scope:
    return msgspec.structs.replace(ACME, sandbox_id=SandboxId(new_hex(8)))


def member(service: SchemaService, scope: Scope, fields: dict[str, Any], **members: object) -> str:
    """Create a field group with tenant fields and a schema of it; return the schema's id."""
    group = a_field_group({"_acme": {"type": "object", **fields}})
    group_id = service.create(scope, ACTOR, ResourceType.FIELD_GROUP, group)["$id"]
    schema = a_schema(PROFILE, IDENTITY_MAP, group_id, **members)
    return str(service.create(scope, ACTOR, ResourceType.SCHEMA, schema)["$id"])


def test_union_has_the_fields_of_all_members_and_those_of_the_system(
    service: SchemaService, scope: Scope
) -> None:
    member(service, scope, {"properties": {"a": {"type": "string"}}}, **TAGGED)
    member(service, scope, {"properties": {"b": {"type": "number"}}}, **TAGGED)
    member(service, scope, {"properties": {"c": {"type": "number"}}})

    union = service.get_union(scope, UNION, FULL)

    assert list(union["properties"]["_acme"]["properties"]) == ["a", "b"]
    assert union["properties"]["identityMap"]["meta:xdmType"] == "map"
    assert union["properties"]["segmentMembership"]["meta:xdmType"] == "map"
    events = union["properties"]["timeSeriesEvents"]
    assert events["type"] == "array"
    assert events["items"]["properties"]["timestamp"]["format"] == "date-time"
    assert union["title"] == "Union object for XDM Individual Profile"
    assert union["version"] == "1.0"
    assert union["meta:resourceType"] == "unions"
    assert "allOf" not in union


def test_union_is_found_by_both_ids_and_among_the_schemas(
    service: SchemaService, scope: Scope
) -> None:
    schema_id = member(service, scope, {"properties": {"a": {"type": "string"}}}, **TAGGED)

    found = [
        service.get_union(scope, UNION, RAW),
        service.get_union(scope, "_xdm.context.profile__union", RAW),
        service.get(scope, ResourceType.SCHEMA, UNION, RAW),
    ]

    assert found[0] == found[1] == found[2]
    assert found[0]["$id"] == UNION
    assert found[0]["meta:altId"] == "_xdm.context.profile__union"
    assert found[0]["allOf"][0]["$ref"] == schema_id
    assert PROFILE in found[0]["meta:extends"]


def test_union_holds_what_any_member_allows(service: SchemaService, scope: Scope) -> None:
    one = {
        "code": {"type": "string", "enum": ["a"], "maxLength": 3, "pattern": "^a"},
        "count": {"type": "integer", "minimum": 0, "maximum": 9},
        "list": {"type": "array", "items": {"type": "string", "format": "email"}},
    }
    other = {
        "code": {"type": "string", "enum": ["b"], "maxLength": 5},
        "count": {"type": "integer", "minimum": 5, "maximum": 100_000},
        "list": {"type": "array", "items": {"type": "string"}},
    }
    member(service, scope, {"properties": one, "required": ["code"]}, **TAGGED)
    member(service, scope, {"properties": other}, **TAGGED)

    fields = service.get_union(scope, UNION, FULL)["properties"]["_acme"]

    code, count = fields["properties"]["code"], fields["properties"]["count"]
    assert "required" not in fields
    assert (code["enum"], code["maxLength"]) == (["a", "b"], 5)
    assert "pattern" not in code
    assert (count["minimum"], count["maximum"], count["meta:xdmType"]) == (0, 100_000, "int")
    assert "format" not in fields["properties"]["list"]["items"]


leaves = st.sampled_from(
    [
        {"type": "string"},
        {"type": "string", "enum": ["a", "b"]},
        {"type": "string", "enum": ["c"]},
        {"type": "string", "minLength": 2, "maxLength": 4},
        {"type": "string", "maxLength": 8},
        {"type": "string", "format": "email"},
        {"type": "integer", "minimum": 0, "maximum": 9},
        {"type": "integer", "minimum": 5, "exclusiveMaximum": 100_000},
        {"type": "integer", "meta:xdmType": "long"},
        {"type": "number", "minimum": 1, "exclusiveMinimum": True},
        {"type": "number", "exclusiveMaximum": 5},
        {"type": "boolean"},
        {"type": "object", "additionalProperties": {"type": "string"}},
        {"type": "object", "additionalProperties": {"type": "string", "maxLength": 3}},
        {"type": "object"},
    ]
)
nodes = st.recursive(
    leaves,
    lambda inner: (
        st.builds(lambda item: {"type": "array", "items": item, "maxItems": 3}, inner)
        | st.builds(
            lambda fields, count: {
                "type": "object",
                "properties": fields,
                **({"required": sorted(fields)[:count]} if count else {}),
            },
            st.dictionaries(st.sampled_from("xyz"), inner, min_size=1, max_size=3),
            st.integers(0, 2),
        )
    ),
    max_leaves=4,
)


@settings(max_examples=25, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(
    one=st.dictionaries(st.sampled_from("abc"), nodes, min_size=1), other=nodes, seed=st.integers()
)
def test_record_of_a_member_is_a_record_of_the_union(
    service: SchemaService, one: dict[str, Any], other: dict[str, Any], seed: int
) -> None:
    scope = msgspec.structs.replace(ACME, sandbox_id=SandboxId(new_hex(8)))
    members = [member(service, scope, {"properties": one}, **TAGGED)]
    with suppress(TypesInConflict):  # two that contradict each other have no union
        members.append(member(service, scope, {"properties": {"a": other}}, **TAGGED))

    union = Validator(validation_document(service.get_union(scope, UNION, FULL)))

    for schema_id in members:
        rules = service.validation_document(scope, schema_id)
        record = json.encode(sample(rules, seed=seed))
        is_record = Validator(rules).explain(record, violations_max=1) is None
        assert not is_record or union.explain(record, violations_max=5) is None


def test_unions_are_listed_by_class_and_counted(service: SchemaService, scope: Scope) -> None:
    member(service, scope, {"properties": {"a": {"type": "string"}}}, **TAGGED)
    service.create(scope, ACTOR, ResourceType.SCHEMA, a_schema(EVENT, **TAGGED))
    service.create(scope, ACTOR, ResourceType.SCHEMA, a_schema(EVENT, **TAGGED))
    of_events = parse_query([("property", f"meta:class=={EVENT}")])

    every = service.list_unions(scope, Query(), is_summary=True)
    filtered = service.list_unions(scope, of_events, is_summary=True)

    assert [entry.document["$id"] for entry in every.entries] == [UNION, f"{EVENT}__union"]
    assert set(every.entries[0].document) == {"$id", "meta:altId", "version", "title"}
    assert [entry.document["$id"] for entry in filtered.entries] == [f"{EVENT}__union"]
    assert service.stats(scope)["counts"]["unions"] == 2


def test_union_of_a_tenant_class(service: SchemaService, scope: Scope) -> None:
    body = {"title": a_title(), "allOf": [{"$ref": "https://ns.adobe.com/xdm/data/record"}]}
    base = service.create(scope, ACTOR, ResourceType.CLASS, body)
    service.create(scope, ACTOR, ResourceType.SCHEMA, a_schema(base["$id"], **TAGGED))

    union = service.get_union(scope, f"{base['meta:altId']}__union", FULL)

    assert union["title"] == f"Union object for {base['title']}"


@pytest.mark.parametrize("union_id", [UNION, "x__union", "__union", f"{EVENT}__union"])
def test_class_without_members_has_no_union(
    service: SchemaService, scope: Scope, union_id: str
) -> None:
    with pytest.raises(UnionNotFound):
        service.get_union(scope, union_id, RAW)
    with pytest.raises(UnionNotFound):
        service.get(scope, ResourceType.SCHEMA, union_id, RAW)


def test_union_of_another_organization_is_not_there(service: SchemaService, scope: Scope) -> None:
    member(service, scope, {"properties": {"a": {"type": "string"}}}, **TAGGED)

    with pytest.raises(UnionNotFound):
        service.get_union(RIVAL, UNION, RAW)


def test_union_cannot_be_written(service: SchemaService, scope: Scope) -> None:
    kind = ResourceType.SCHEMA

    with pytest.raises(UnionReadOnly, match="change the schemas that carry the union tag"):
        service.replace(scope, ACTOR, kind, UNION, {})
    with pytest.raises(UnionReadOnly):
        service.patch(scope, ACTOR, kind, UNION, [])
    with pytest.raises(UnionReadOnly):
        service.delete(scope, ACTOR, kind, UNION)


def test_member_that_contradicts_another_is_refused_with_path_types_and_schemas(
    service: SchemaService, scope: Scope
) -> None:
    first = member(service, scope, {"properties": {"a": {"type": "string"}}}, **TAGGED)
    second = member(service, scope, {"properties": {"a": {"type": "number"}}})
    reason = f"/_acme/a is of type string in {first} .* and of type number in {second}"

    with pytest.raises(TypesInConflict, match=reason):
        service.patch(scope, ACTOR, ResourceType.SCHEMA, second, TAG)
    with pytest.raises(TypesInConflict, match="/_acme/a"):
        member(service, scope, {"properties": {"a": {"type": "boolean"}}}, **TAGGED)

    assert service.get(scope, ResourceType.SCHEMA, second, RAW)["version"] == "1.0"
    assert service.list_unions(scope, Query(), is_summary=True).entries


def test_field_group_may_not_bring_members_into_conflict(
    service: SchemaService, scope: Scope
) -> None:
    member(service, scope, {"properties": {"a": {"type": "string"}}}, **TAGGED)
    second = member(service, scope, {"properties": {"b": {"type": "string"}}}, **TAGGED)
    group = service.get(scope, ResourceType.SCHEMA, second, RAW)["allOf"][-1]["$ref"]
    path = "/definitions/custom/properties/_acme/properties/a"
    patch = [{"op": "add", "path": path, "value": {"type": "array", "items": {"type": "string"}}}]

    with pytest.raises(TypesInConflict, match=r"/_acme/a is of type (string|array) in"):
        service.patch(scope, ACTOR, ResourceType.FIELD_GROUP, group, patch)

    assert "a" not in service.get(scope, ResourceType.SCHEMA, second, FULL)["properties"]["_acme"]


def test_descriptors_of_the_members_show_in_the_form_with_descriptors(
    service: SchemaService, scope: Scope
) -> None:
    schema = service.create(scope, ACTOR, ResourceType.SCHEMA, a_schema(**TAGGED))["$id"]
    created = service.descriptors.create(scope, ACTOR, an_identity(schema))

    union = service.get_union(scope, UNION, View(is_composed=True, has_descriptors=True))

    assert [item["@id"] for item in union["meta:descriptors"]] == [created["@id"]]


@pytest.mark.parametrize(
    ("one", "other", "path"),
    [
        ({"type": "string"}, {"type": "string", "format": "date"}, "/f"),
        ({"type": "object", "properties": {}}, {"type": "array"}, "/f"),
        (
            {"type": "array", "items": {"type": "string"}},
            {"type": "array", "items": {"type": "number"}},
            "/f/*",
        ),
        (
            {"type": "object", "additionalProperties": {"type": "string"}},
            {"type": "object", "additionalProperties": {"type": "boolean"}},
            "/f/*",
        ),
    ],
)
def test_types_that_no_value_has_both_of_are_a_conflict(
    one: dict[str, Any], other: dict[str, Any], path: str
) -> None:
    parts = [("one", {"properties": {"f": one}}), ("other", {"properties": {"f": other}})]

    found = conflict(parts)

    assert isinstance(found, Conflict)
    assert found.path == path
    assert found.owners == ("one", "other")
    assert conflict(parts, settled={"one", "other"}) is None
    assert conflict([parts[0], ("again", parts[0][1])]) is None


def test_integers_of_different_size_are_no_conflict() -> None:
    small = {"type": "integer", "minimum": 0, "maximum": 1}
    large = {"type": "integer", "meta:xdmType": "long"}

    found = conflict([("a", {"properties": {"f": small}}), ("b", {"properties": {"f": large}})])

    assert found is None
