from typing import Any

from forebay.control.schemas.views import View, full, raw, summary, without_texts
from forebay.xdm.composition import compose
from forebay.xdm.standard import StandardLibrary
from forebay.xdm.strict import validation_document
from forebay.xdm.validator import Validator


def test_fields_named_like_texts_survive_their_removal() -> None:
    document = {
        "title": "T",
        "description": "D",
        "properties": {
            "title": {"type": "string", "title": "x"},
            "description": {"items": {"description": "x"}},
        },
        "definitions": {"title": {"allOf": [{"title": "x", "$ref": "y"}]}},
    }

    assert without_texts(document) == {
        "properties": {"title": {"type": "string"}, "description": {"items": {}}},
        "definitions": {"title": {"allOf": [{"$ref": "y"}]}},
    }


def test_summary_has_four_members() -> None:
    document = {"$id": "i", "meta:altId": "a", "version": "1.0", "title": "t", "other": 1}

    assert summary(document) == {"$id": "i", "meta:altId": "a", "version": "1.0", "title": "t"}


def test_raw_form_leaves_the_document_alone() -> None:
    document: dict[str, Any] = {"title": "t"}

    shown = raw(document, View(has_descriptors=True), [{"@id": "d"}])

    assert shown == {"title": "t", "meta:descriptors": [{"@id": "d"}]}
    assert document == {"title": "t"}


def a_composed_schema() -> dict[str, Any]:
    return {
        "required": ["a"],
        "properties": {
            "a": {"properties": {"b": {"type": "string"}}},
            "old": {"meta:status": "deprecated"},
            "list": {"items": {"properties": {"x": {}, "y": {"meta:status": "deprecated"}}}},
        },
    }


def test_deprecated_fields_are_hidden_unless_asked_for() -> None:
    hidden = full(a_composed_schema(), View(is_composed=True), ())
    shown = full(a_composed_schema(), View(is_composed=True, has_deprecated_fields=True), ())

    assert set(hidden["properties"]) == {"a", "list"}
    assert set(hidden["properties"]["list"]["items"]["properties"]) == {"x"}
    assert shown == a_composed_schema()


def test_descriptor_deprecates_the_fields_it_names() -> None:
    descriptor = {
        "@type": "xdm:descriptorDeprecated",
        "xdm:sourceProperty": ["/a/b", "/list/x", "/none", "/a/b/c"],
    }

    shown = full(a_composed_schema(), View(is_composed=True), [descriptor])

    assert shown["properties"]["a"]["properties"] == {}
    assert shown["properties"]["list"]["items"]["properties"] == {}


def test_flat_form_has_one_entry_for_each_leaf() -> None:
    shown = full(a_composed_schema(), View(is_composed=True, is_flat=True), ())

    assert set(shown["properties"]) == {"a/b", "list"}
    assert "required" not in shown


def test_standard_notation_comes_after_everything_that_paths_name() -> None:
    composed = {
        "properties": {
            "person": {
                "meta:xdmField": "xdm:person",
                "properties": {
                    "old": {"meta:xdmField": "xdm:old"},
                    "name": {"meta:xdmField": "xdm:name", "type": "string"},
                },
            }
        }
    }
    descriptor = {"@type": "xdm:descriptorDeprecated", "xdm:sourceProperty": "/person/old"}

    shown = full(composed, View(is_composed=True, is_flat=True, is_standard=True), [descriptor])

    assert shown["properties"] == {"xdm:person/xdm:name": {"type": "string"}}


def test_deprecated_field_of_a_choice_is_hidden() -> None:
    part = {"properties": {"x": {}, "y": {"meta:status": "deprecated"}}}

    shown = full({"properties": {"a": {"oneOf": [part]}}}, View(is_composed=True), ())

    assert shown["properties"]["a"]["oneOf"] == [{"properties": {"x": {}}}]


def test_deprecated_field_is_still_accepted_in_records() -> None:
    field = {"type": "string", "meta:status": "deprecated"}
    schema = {"type": "object", "properties": {"old": field}}

    rules = validation_document(compose(schema, StandardLibrary()))

    assert Validator(rules).accepts(b'{"old":"x"}')
