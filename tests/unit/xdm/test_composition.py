import copy
from collections.abc import Mapping
from typing import Any

import pytest

from forebay.kernel import json
from forebay.xdm.composition import CompositionError, compose, extends
from forebay.xdm.conversion import convert
from forebay.xdm.patterns import PatternRefused
from forebay.xdm.standard import Kind
from support.xdm import EVENT_SCHEMA, LIBRARY, NS, PROFILE_SCHEMA


class Shelf:
    """The standard library with a tenant's resources in front."""

    def __init__(self, *resources: dict[str, Any]) -> None:
        self._own = {resource["$id"]: resource for resource in resources}

    def find(self, resource_id: str) -> Mapping[str, Any] | None:
        return self._own.get(resource_id) or LIBRARY.find(resource_id)


def a_field_group(definition: dict[str, Any]) -> dict[str, Any]:
    return {
        "$id": NS + "acme/mixins/1",
        "meta:intendedToExtend": [NS + "xdm/context/profile"],
        "definitions": {"custom": definition},
        "allOf": [{"$ref": "#/definitions/custom"}],
    }


def a_schema_with(*references: str) -> dict[str, Any]:
    return {
        "$id": NS + "acme/schemas/1",
        "type": "object",
        "title": "Tenant's",
        "allOf": [{"$ref": reference} for reference in references],
    }


def field(document: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    for name in path.split("."):
        document = document["properties"][name]
    return document


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("_id", {"type": "string", "format": "uri-reference", "meta:xdmField": "@id"}),
        ("timestamp", {"format": "date-time", "meta:xdmType": "date-time"}),
        ("identityMap", {"meta:xdmType": "map", "meta:xdmField": "xdm:identityMap"}),
        ("environment", {"meta:referencedFrom": NS + "xdm/context/environment"}),
        ("environment._dc", {"meta:xedConverted": True, "meta:xdmType": "object"}),
        ("environment._dc.language", {"meta:xdmField": "dc:language"}),
        ("environment.colorDepth", {"minimum": 0, "meta:xdmType": "int"}),
        ("productListItems", {"type": "array", "meta:xdmType": "array"}),
        ("commerce.productViews", {"required": ["value"]}),
        (
            "_experience.campaign.message.profileSnapshot.workEmail.address",
            {"format": "email", "meta:xdmField": "xdm:address"},
        ),
        ("_experience.campaign", {"meta:xedConverted": True}),
    ],
)
def test_event_schema_is_one_tree_of_fields(path: str, expected: dict[str, Any]) -> None:
    found = field(compose(EVENT_SCHEMA, LIBRARY), path)

    assert expected.items() <= found.items()


def test_full_form_has_no_references_left() -> None:
    composed = compose(EVENT_SCHEMA, LIBRARY)

    assert b'"$ref"' not in json.encode(composed)
    assert b'"allOf"' not in json.encode(composed)
    assert composed["title"] == "Sample events"
    assert composed["required"] == ["_id", "timestamp"]


def test_inputs_are_not_changed() -> None:
    before = json.encode([LIBRARY.list(kind) for kind in Kind])
    schema = copy.deepcopy(EVENT_SCHEMA)

    compose(schema, LIBRARY)

    assert schema == EVENT_SCHEMA
    assert json.encode([LIBRARY.list(kind) for kind in Kind]) == before


def test_identity_items_are_arrays_in_a_map() -> None:
    identity_map = field(compose(EVENT_SCHEMA, LIBRARY), "identityMap")

    items = identity_map["additionalProperties"]["items"]
    assert items["properties"]["authenticatedState"]["enum"][0] == "ambiguous"
    assert items["properties"]["primary"]["meta:xdmType"] == "boolean"


def test_repeated_namespace_is_left_out() -> None:
    group = LIBRARY.find(NS + "experience/customerJourneyManagement/message-interaction")

    assert group is not None
    page = field(
        compose(group, LIBRARY),
        "_experience.customerJourneyManagement.messageInteraction.landingpage",
    )

    assert page["properties"]["landingPageID"]["type"] == "string"


def test_repeated_namespace_is_left_out_across_references() -> None:
    inner = {
        "$id": NS + "acme/datatypes/inner",
        **convert(
            {
                "properties": {
                    NS + "experience/a/leaf": {"type": "string"},
                    NS + "experience/b/other": {"type": "string"},
                },
                "required": [NS + "experience/a/leaf"],
            }
        ),
    }
    outer = convert({"properties": {NS + "experience/a/top": {"$ref": inner["$id"]}}})

    top = field(compose({"$id": "outer", **outer}, Shelf(inner)), "_experience.a.top")

    assert list(top["properties"]) == ["_experience", "leaf"]
    assert top["required"] == ["leaf"]
    assert field(top, "_experience.b.other")["type"] == "string"
    assert "a" not in field(top, "_experience")["properties"]


def test_tenant_field_group_with_a_data_type_composes() -> None:
    data_type = {
        "$id": NS + "acme/datatypes/2",
        "type": "object",
        "properties": {"street": {"type": "string"}, "number": {"type": "integer"}},
        "required": ["street"],
    }
    group = a_field_group(
        {
            "properties": {
                "_acme": {
                    "type": "object",
                    "properties": {
                        "home": {"$ref": data_type["$id"], "title": "Home"},
                        "tags": {"type": "array", "items": {"type": "string"}},
                        "scores": {"type": "object", "additionalProperties": {"type": "integer"}},
                    },
                }
            }
        }
    )

    composed = compose(
        a_schema_with(NS + "xdm/context/profile", group["$id"]), Shelf(group, data_type)
    )

    home = field(composed, "_acme.home")
    assert home["title"] == "Home"
    assert home["required"] == ["street"]
    assert home["meta:referencedFrom"] == data_type["$id"]
    assert field(composed, "_acme.scores")["meta:xdmType"] == "map"
    assert field(composed, "personID")["meta:xdmField"] == "xdm:personID"
    assert "required" not in composed


def test_required_field_below_the_tenant_object_makes_that_required() -> None:
    group = a_field_group(
        {
            "properties": {
                "_acme": {
                    "type": "object",
                    "properties": {
                        "loyaltyId": {"type": "string"},
                        "part": {
                            "type": "object",
                            "properties": {"sku": {"type": "string"}},
                            "required": ["sku"],
                        },
                    },
                    "required": ["loyaltyId"],
                }
            }
        }
    )

    composed = compose(a_schema_with(NS + "xdm/context/profile", group["$id"]), Shelf(group))

    assert composed["required"] == ["_acme"]
    assert field(composed, "_acme")["required"] == ["loyaltyId"]


def test_reference_to_a_definition_of_another_resource_composes() -> None:
    group = a_field_group({"properties": {"_acme": {"properties": {"a": {"type": "string"}}}}})

    composed = compose(a_schema_with(group["$id"] + "#/definitions/custom"), Shelf(group))

    assert field(composed, "_acme.a")["meta:xdmType"] == "string"


def test_type_that_contains_itself_is_cut_where_it_repeats() -> None:
    tree = {
        "$id": NS + "acme/datatypes/tree",
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "children": {"type": "array", "items": {"$ref": NS + "acme/datatypes/tree"}},
        },
    }

    composed = compose(
        {"$id": NS + "acme/schemas/1", "properties": {"root": {"$ref": tree["$id"]}}}, Shelf(tree)
    )

    repeated = field(composed, "root.children")["items"]
    assert repeated["type"] == "object"
    assert "properties" not in repeated


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        (a_schema_with(NS + "xdm/context/missing"), "xdm/context/missing is not a resource"),
        (a_schema_with("https://example.com/remote.json"), "references are never fetched"),
        (a_schema_with("#/definitions/none"), "#/definitions/none leads to nothing"),
        ({"allOf": [{"$ref": "#/definitions/a"}], "definitions": {"a": 1}}, "leads to nothing"),
        (
            {
                "allOf": [{"$ref": "#/definitions/a"}],
                "definitions": {
                    "a": {"allOf": [{"$ref": "#/definitions/b"}]},
                    "b": {"$ref": "#/definitions/a"},
                },
            },
            "leads back to itself",
        ),
        ({"properties": {"a": {"minLength": "x"}}}, "minLength is 'x'; expected an integer"),
        ({"properties": {"a": 3}}, "properties is"),
        ({"properties": {"a": {"type": "text"}}}, "type is 'text'"),
        ({"required": "a"}, "required is 'a'; expected a list of names"),
    ],
)
def test_schema_that_cannot_be_composed_says_why(schema: dict[str, Any], message: str) -> None:
    with pytest.raises(CompositionError, match=message.replace("(", r"\(")):
        compose(schema, LIBRARY)


def test_error_names_the_place() -> None:
    schema = {"$id": "x", "properties": {"a": {"properties": {"b": {"$ref": "y"}}}}}

    with pytest.raises(CompositionError, match=r"x at #/a/b: \$ref y is not a resource"):
        compose(schema, LIBRARY)


def test_pattern_that_could_run_forever_is_refused() -> None:
    with pytest.raises(PatternRefused, match="look-around"):
        compose({"properties": {"a": {"type": "string", "pattern": "(?=a)b"}}}, LIBRARY)


def test_bottomless_schema_is_refused() -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(1_000):
        schema = {"type": "object", "properties": {"a": schema}}

    with pytest.raises(CompositionError, match="levels deep"):
        compose(schema, LIBRARY)


def test_enormous_schema_is_refused() -> None:
    schema = {"properties": {f"f{at}": {"type": "string"} for at in range(100_000)}}

    with pytest.raises(CompositionError, match="more than 50000 fields"):
        compose(schema, LIBRARY)


def test_extends_lists_class_behaviour_and_groups() -> None:
    assert extends(PROFILE_SCHEMA, LIBRARY) == [
        NS + "xdm/context/profile",
        NS + "xdm/common/auditable",
        NS + "xdm/data/record",
        NS + "xdm/context/profile-person-details",
        NS + "xdm/context/profile-work-details",
    ]
