from typing import Any

import pytest

from forebay.kernel import json
from forebay.xdm.composition import compose
from forebay.xdm.strict import digest, find_field, validation_document
from support.xdm import EVENT_IDENTITY, EVENT_SCHEMA, LIBRARY, PROFILE_SCHEMA, an_identity


def document(node: dict[str, Any], *descriptors: dict[str, object]) -> dict[str, Any]:
    return validation_document(compose(node, LIBRARY), descriptors)


def test_every_object_that_declares_members_is_closed() -> None:
    strict = document(EVENT_SCHEMA)

    assert strict["additionalProperties"] is False
    assert strict["properties"]["environment"]["additionalProperties"] is False
    assert strict["properties"]["productListItems"]["items"]["additionalProperties"] is False
    assert isinstance(strict["properties"]["identityMap"]["additionalProperties"], dict)


def test_stated_openness_does_not_open_an_object_with_members() -> None:
    strict = document({"properties": {"a": {"type": "string"}}, "additionalProperties": True})

    assert strict["additionalProperties"] is False


def test_primary_identity_makes_its_whole_path_required() -> None:
    strict = document(EVENT_SCHEMA, an_identity(EVENT_IDENTITY))

    assert strict["required"] == ["_id", "timestamp", "_experience"]
    node = strict
    for name in EVENT_IDENTITY.strip("/").split("/"):
        assert name in node["required"]
        node = node["properties"][name]
    assert node["minLength"] == 1


@pytest.mark.parametrize(
    "descriptor",
    [
        an_identity("/no/such/field"),
        an_identity("/"),
        {"@type": "xdm:alternateDisplayInfo", "xdm:sourceProperty": EVENT_IDENTITY},
    ],
)
def test_other_descriptors_demand_nothing(descriptor: dict[str, object]) -> None:
    assert document(EVENT_SCHEMA, descriptor) == document(EVENT_SCHEMA)


def test_identity_that_is_not_primary_is_noted_and_demands_nothing() -> None:
    strict = document(EVENT_SCHEMA, an_identity("/_id", **{"xdm:isPrimary": False}))

    node = strict["properties"].pop("_id")
    plain = document(EVENT_SCHEMA)
    assert node == {**plain["properties"].pop("_id"), "meta:identity": "Email"}
    assert strict == plain


def test_facts_that_are_no_rules_stay_where_a_name_does_not_tell_them() -> None:
    properties = {
        "plain": {"type": "string", "meta:xdmField": "xdm:plain"},
        "made": {"type": "string", "meta:xdmField": "repo:createDate"},
        "old": {"type": "string", "meta:status": "deprecated"},
    }

    strict = document({"properties": properties})

    assert strict["properties"]["plain"].keys() == {"type", "meta:xdmType"}
    assert strict["properties"]["made"]["meta:xdmField"] == "repo:createDate"
    assert strict["properties"]["old"]["meta:status"] == "deprecated"


def test_descriptor_without_prefixes_counts() -> None:
    bare = {
        "@type": "xdm:descriptorIdentity",
        "sourceProperty": "/workEmail/address",
        "isPrimary": True,
    }

    assert document(PROFILE_SCHEMA, bare)["required"] == ["workEmail"]


@pytest.mark.parametrize(
    ("node", "low", "high"),
    [
        ({"type": "integer"}, -(2**31), 2**31 - 1),
        ({"type": "integer", "meta:xdmType": "long"}, -(2**53), 2**53),
        ({"type": "integer", "meta:xdmType": "short"}, -(2**15), 2**15 - 1),
        ({"type": "integer", "meta:xdmType": "byte"}, -128, 127),
        ({"type": "integer", "minimum": 1, "maximum": 31}, 1, 31),
        ({"type": "integer", "minimum": -128, "maximum": 128}, -128, 127),
        ({"type": "integer", "minimum": 0, "maximum": 2**53}, 0, 2**53),
        ({"type": "integer", "minimum": 0}, 0, 2**31 - 1),
        ({"type": "integer", "minimum": 0, "exclusiveMinimum": False}, 0, 2**31 - 1),
    ],
)
def test_integer_is_bounded_by_what_its_type_holds(
    node: dict[str, Any], low: int, high: int
) -> None:
    field = document({"properties": {"n": node}})["properties"]["n"]

    assert (field["minimum"], field["maximum"]) == (low, high)


def test_boolean_exclusion_becomes_a_bound() -> None:
    node = {"type": "number", "minimum": 0, "exclusiveMinimum": True}

    field = document({"properties": {"n": node}})["properties"]["n"]

    assert field == {"type": "number", "meta:xdmType": "number", "exclusiveMinimum": 0}


def test_url_is_read_as_uri_and_texts_are_left_out() -> None:
    field = {"type": "string", "format": "url", "title": "T", "description": "D", "default": "x"}

    strict = document({"title": "S", "properties": {"u": field}})

    assert strict["properties"]["u"] == {
        "type": "string",
        "meta:xdmType": "string",
        "format": "uri",
    }
    assert "title" not in strict


def test_same_schema_has_the_same_digest() -> None:
    one, two = document(EVENT_SCHEMA), document(EVENT_SCHEMA)
    with_identity = document(EVENT_SCHEMA, an_identity(EVENT_IDENTITY))

    assert digest(one) == digest(two) == digest(json.decode(json.encode(one)))
    assert digest(one) != digest(with_identity)
    assert len(digest(one)) == 64


def test_alternatives_that_declare_members_keep_their_object_open() -> None:
    node = {
        "properties": {"kind": {"type": "string"}},
        "oneOf": [{"properties": {"a": {"type": "string"}}}, {"required": ["kind"]}],
    }

    strict = document(node)

    assert "additionalProperties" not in strict
    assert "additionalProperties" not in strict["oneOf"][0]


def test_field_is_found_by_its_slash_path() -> None:
    composed = compose(PROFILE_SCHEMA, LIBRARY)

    found = find_field(composed, "/workEmail/address")

    assert found is not None
    assert found["format"] == "email"
    assert find_field(composed, "/workEmail/nothing") is None
