from typing import Any

import pytest

from forebay.control.schemas.building import build, stamp
from forebay.control.schemas.errors import ResourceInvalid
from forebay.control.schemas.model import ResourceType, new_resource_id, next_minor
from forebay.kernel import json
from forebay.xdm.standard import StandardLibrary
from support.registry import EVENT, PROFILE, WORK_DETAILS, a_field_group, a_schema
from support.schemas import ACME, ACTOR


@pytest.fixture(scope="module")
def library() -> StandardLibrary:
    return StandardLibrary()


def built(library: StandardLibrary, kind: ResourceType, body: object) -> dict[str, Any]:
    return build(ACME, kind, new_resource_id(ACME, kind), body, library)


def test_every_field_with_a_type_gets_its_xdm_type(library: StandardLibrary) -> None:
    fields: dict[str, Any] = {
        "text": {"type": "string"},
        "day": {"type": "string", "format": "date"},
        "moment": {"type": "string", "format": "date-time"},
        "small": {"type": "integer", "minimum": 1, "maximum": 31},
        "plain": {"type": "integer"},
        "long": {"type": "integer", "meta:xdmType": "long"},
        "list": {"type": "array", "items": {"type": "number"}},
        "map": {"type": "object", "additionalProperties": {"type": "string"}},
        "open": {},
    }
    body = {"title": "t", "properties": fields}

    properties = built(library, ResourceType.DATA_TYPE, body)["properties"]

    kinds = {name: field.get("meta:xdmType") for name, field in properties.items()}
    assert kinds == {
        "text": "string",
        "day": "date",
        "moment": "date-time",
        "small": "byte",
        "plain": "int",
        "long": "long",
        "list": "array",
        "map": "map",
        "open": None,
    }
    assert properties["list"]["items"]["meta:xdmType"] == "number"


def test_refs_name_every_resource_once(library: StandardLibrary) -> None:
    address = "https://ns.adobe.com/xdm/common/address"
    fields = {"_acme": {"properties": {"a": {"$ref": address}, "b": {"items": {"$ref": address}}}}}

    group = built(library, ResourceType.FIELD_GROUP, a_field_group(fields))

    assert group["refs"] == [address]
    assert group["meta:extends"] == []


def test_event_schema_requires_what_every_event_has(library: StandardLibrary) -> None:
    event = built(library, ResourceType.SCHEMA, a_schema(EVENT, required=["xdm:timestamp", "x"]))
    record = built(library, ResourceType.SCHEMA, a_schema(PROFILE))

    assert event["required"] == ["@id", "xdm:timestamp", "x"]
    assert "required" not in record


def test_reference_by_alternative_id_is_written_as_the_id(library: StandardLibrary) -> None:
    body = a_schema("_xdm.context.profile", "_xdm.context.profile-work-details")

    schema = built(library, ResourceType.SCHEMA, body)

    assert schema["refs"] == [PROFILE, WORK_DETAILS]
    assert schema["meta:class"] == PROFILE


@pytest.mark.parametrize("body", [None, [], "x", 5, {}])
@pytest.mark.parametrize("kind", [k for k in ResourceType if k is not ResourceType.BEHAVIOR])
def test_body_that_is_no_resource_is_refused(
    library: StandardLibrary, kind: ResourceType, body: object
) -> None:
    with pytest.raises(ResourceInvalid):
        built(library, kind, body)


def test_client_keeps_its_body(library: StandardLibrary) -> None:
    body = a_field_group({"_acme": {"type": "object", "properties": {"a": {"type": "string"}}}})
    before = json.encode(body)

    built(library, ResourceType.FIELD_GROUP, body)

    assert json.encode(body) == before


def test_stamp_keeps_who_created_and_tells_contents_apart(library: StandardLibrary) -> None:
    first = built(library, ResourceType.DATA_TYPE, {"title": "one"})
    second = first | {"title": "two"}

    stamp(first, actor=ACTOR, now_ms=1, library_version="1")
    stamp(second, actor=ACTOR, now_ms=2, library_version="1", former=first)

    before, after = first["meta:registryMetadata"], second["meta:registryMetadata"]
    assert (after["repo:createdDate"], after["repo:lastModifiedDate"]) == (1, 2)
    assert before["eTag"] != after["eTag"]


def test_versions_grow_in_their_minor_part() -> None:
    assert [next_minor("1.0"), next_minor("1.9"), next_minor("1")] == ["1.1", "1.10", "1.1"]
