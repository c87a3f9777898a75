from forebay.xdm.conversion import convert

NS = "https://ns.adobe.com/"


def test_prefixed_fields_share_a_wrapper_and_keep_their_standard_name() -> None:
    document = {
        "$id": NS + "xdm/context/thing",
        "definitions": {
            "thing": {
                "properties": {
                    "repo:createDate": {"type": "string", "format": "date-time", "title": "When"},
                    "repo:modifyDate": {"type": "string", "format": "date-time"},
                }
            }
        },
    }

    converted = convert(document)

    wrapper = converted["definitions"]["thing"]["properties"]["_repo"]
    assert wrapper["meta:xedConverted"] is True
    assert list(wrapper["properties"]) == ["createDate", "modifyDate"]
    assert wrapper["properties"]["createDate"] == {
        "type": "string",
        "format": "date-time",
        "meta:xdmField": "repo:createDate",
    }


def test_required_names_follow_their_fields() -> None:
    converted = convert({"required": ["@id", "xdm:SKU", "repo:id"]})

    assert converted["required"] == ["_id", "SKU"]
    assert converted["properties"]["_repo"]["required"] == ["id"]


def test_json_ld_helper_disappears() -> None:
    context = {"$ref": NS + "xdm/common/extensible#/definitions/@context"}

    converted = convert({"allOf": [context, {"$ref": "#/definitions/a"}], "definitions": {"a": {}}})

    assert converted["allOf"] == [{"$ref": "#/definitions/a"}]


def test_pattern_over_standard_names_is_no_rule_for_messages() -> None:
    converted = convert(
        {
            "properties": {
                "xdm:ids": {"type": "object", "patternProperties": {".+://.+": {"type": "string"}}},
                "xdm:meta": {"type": "object", "patternProperties": {".+": {"type": "string"}}},
            }
        }
    )

    assert converted["properties"]["ids"] == {"type": "object", "meta:xdmField": "xdm:ids"}
    assert converted["properties"]["meta"]["additionalProperties"] == {"type": "string"}


def test_reference_into_properties_uses_payload_names() -> None:
    converted = convert(
        {"allOf": [{"$ref": "#/definitions/p/properties/xdm:person/properties/@id"}]}
    )

    assert converted["allOf"] == [{"$ref": "#/definitions/p/properties/person/properties/_id"}]


def test_suggested_values_are_kept_without_their_labels() -> None:
    converted = convert(
        {"properties": {"xdm:a": {"meta:enum": {"x": "A long text", "y": "Other"}}}}
    )

    assert converted["properties"]["a"]["meta:enum"] == ["x", "y"]


def test_document_is_not_changed() -> None:
    document = {"allOf": [{"properties": {"xdm:a": {"type": "string"}}}], "required": ["xdm:a"]}
    copy = {"allOf": [{"properties": {"xdm:a": {"type": "string"}}}], "required": ["xdm:a"]}

    convert(document)

    assert document == copy
