from collections.abc import Mapping
from typing import Any

import pytest

from forebay.kernel import json
from forebay.xdm.composition import compose
from forebay.xdm.conversion import convert
from forebay.xdm.names import namespace_of, payload_path
from forebay.xdm.notation import standard_form, standard_record
from forebay.xdm.samples import sample
from forebay.xdm.standard import Kind
from forebay.xdm.strict import validation_document
from support.xdm import EVENT, EVENT_SCHEMA, LIBRARY, NS

URI = "https://ns.adobe.com/experience/campaign/message"


def the_library() -> list[Mapping[str, Any]]:
    return [resource for kind in Kind for resource in LIBRARY.list(kind)]


def facts(node: Any) -> Any:
    """Return what both notations state, required names without order and implied wrappers."""
    if isinstance(node, list):
        return [facts(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {key: node[key] for key in ("type", "format", "enum", "pattern", "$ref") if key in node}
    kept |= {key: node[key] for key in ("meta:xdmField", "meta:xedConverted") if key in node}
    for key in ("properties", "definitions"):
        if key in node:
            kept[key] = {name: facts(field) for name, field in node[key].items()}
    for key in ("items", "additionalProperties", "allOf", "oneOf", "anyOf"):
        if key in node:
            kept[key] = facts(node[key])
    fields = node.get("properties", {})
    wrappers = {name for name, field in fields.items() if field.get("meta:xedConverted")}
    required = sorted(set(node.get("required", ())) - wrappers)
    return kept | ({"required": required} if required else {})


def payload_record(value: Any, inside: tuple[str, ...] = ()) -> Any:
    """Return a record in payload names, by the rule for names alone."""
    if isinstance(value, list):
        return [payload_record(item, inside) for item in value]
    if not isinstance(value, dict):
        return value
    made: dict[str, Any] = {}
    for name, member in value.items():
        *wrappers, last = payload_path(name, inside=inside)
        holder = made
        for wrapper in wrappers:
            holder = holder.setdefault(wrapper, {})
        holder[last] = payload_record(member, namespace_of(name) or inside)
    return made


def test_standard_form_of_every_component_converts_back_to_it() -> None:
    differing = [
        resource["$id"]
        for resource in the_library()
        if facts(convert(standard_form(resource, LIBRARY))) != facts(dict(resource))
    ]

    assert len(the_library()) == 819
    assert differing == []


def test_standard_form_of_every_composed_component_converts_back_to_it() -> None:
    differing = []

    for resource in the_library():
        composed = compose(resource, LIBRARY)
        is_same = facts(convert(standard_form(composed))) == facts(composed)
        differing.extend([resource["$id"]] * (not is_same))

    assert differing == []


def test_record_of_every_component_converts_back_to_it() -> None:
    differing = []

    for resource in the_library():
        composed = compose(resource, LIBRARY)
        record = sample(validation_document(composed), seed=3)
        again = payload_record(standard_record(record, composed))
        differing.extend([resource["$id"]] * (again != record))

    assert differing == []


def test_wrappers_disappear_and_their_members_get_their_names_back() -> None:
    payload = convert(
        {
            "properties": {
                "repo:createDate": {"type": "string"},
                "@id": {"type": "string"},
                URI: {"type": "object", "properties": {"xdm:name": {"type": "string"}}},
            },
            "required": ["repo:createDate", "@id"],
        }
    )

    shown = standard_form(payload)

    assert list(shown["properties"]) == ["repo:createDate", "@id", URI]
    assert shown["properties"][URI]["properties"] == {"xdm:name": {"type": "string"}}
    assert sorted(shown["required"]) == ["@id", "repo:createDate"]


def test_tenant_field_inside_a_wrapper_stays_in_it() -> None:
    wrapper = {
        "type": "object",
        "meta:xedConverted": True,
        "properties": {
            "mcid": {"type": "string", "meta:xdmField": "https://ns.adobe.com/experience/mcid"},
            "_acme": {"type": "object", "properties": {"x": {"type": "string"}}},
        },
        "required": ["mcid", "_acme"],
    }

    shown = standard_form({"properties": {"_experience": wrapper}})

    fields = shown["properties"]
    assert fields["https://ns.adobe.com/experience/mcid"] == {"type": "string"}
    assert fields["_experience"]["properties"] == {
        "_acme": {"type": "object", "properties": {"x": {"type": "string"}}}
    }
    assert fields["_experience"]["required"] == ["_acme"]
    assert shown["required"] == ["https://ns.adobe.com/experience/mcid"]


def test_required_member_of_another_resource_gets_its_standard_name() -> None:
    event = LIBRARY.find(NS + "xdm/context/experienceevent")
    assert event is not None

    shown = standard_form(event, LIBRARY)

    assert shown["required"] == ["@id", "xdm:timestamp"]


def test_names_that_are_standard_already_stay() -> None:
    shown = standard_form({"required": ["@id", "xdm:timestamp"]})

    assert shown["required"] == ["@id", "xdm:timestamp"]


def test_pointer_of_a_reference_names_fields_in_the_same_notation() -> None:
    payload = convert(
        {
            "definitions": {
                "a": {"properties": {"repo:x": {"properties": {"xdm:y": {"type": "string"}}}}}
            },
            "properties": {"xdm:z": {"$ref": "#/definitions/a/properties/repo:x/properties/xdm:y"}},
        }
    )

    shown = standard_form(payload)

    expected = "#/definitions/a/properties/repo:x/properties/xdm:y"
    assert shown["properties"]["xdm:z"]["$ref"] == expected


@pytest.mark.parametrize("name", ["properties", "required", "items"])
def test_fields_named_like_keywords_are_fields(name: str) -> None:
    shown = standard_form(
        {"properties": {name: {"type": "string", "meta:xdmField": f"xdm:{name}"}}}
    )

    assert shown == {"properties": {f"xdm:{name}": {"type": "string"}}}


def test_document_is_not_changed() -> None:
    composed = compose(EVENT_SCHEMA, LIBRARY)
    before = json.encode(composed)

    standard_form(composed)

    assert json.encode(composed) == before


def test_record_in_standard_notation_keeps_its_values() -> None:
    composed = compose(EVENT_SCHEMA, LIBRARY)

    shown = standard_record(EVENT, composed)

    snapshot = shown[URI]["xdm:profileSnapshot"]
    assert shown["@id"] == "evt-0001"
    assert shown["xdm:productListItems"][0]["xdm:SKU"] == "CC"
    assert snapshot["xdm:workEmail"] == {"xdm:address": "ada@example.com"}
    assert payload_record(shown) == EVENT
