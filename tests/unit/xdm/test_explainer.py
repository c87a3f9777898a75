from typing import Any

import pytest

from forebay.kernel import json
from forebay.xdm.explainer import Budget, Rules
from support.xdm import a_validator

DATE_TIME = (
    "[yyyy-MM-dd'T'HH:mm:ssZ, yyyy-MM-dd'T'HH:mm:ss.[0-9]{1,9}Z,"
    " yyyy-MM-dd'T'HH:mm:ss[+-]HH:mm, yyyy-MM-dd'T'HH:mm:ss.[0-9]{1,9}[+-]HH:mm]"
)
TIME = "[HH:mm:ssZ, HH:mm:ss.[0-9]{1,9}Z, HH:mm:ss[+-]HH:mm, HH:mm:ss.[0-9]{1,9}[+-]HH:mm]"


def explained(schema: dict[str, Any], value: object) -> Any:
    return Rules(schema).violation(value, "#", Budget(None))


@pytest.mark.parametrize(
    ("schema", "value", "keyword", "message"),
    [
        ({"required": ["x"]}, {}, "required", "required key [x] not found"),
        (
            {"properties": {"a": {}}, "additionalProperties": False},
            {"x": 1},
            "additionalProperties",
            "extraneous key [x] is not permitted",
        ),
        ({"type": "string"}, 1, "type", "expected type: String, found: Long"),
        ({"type": "string"}, None, "type", "expected type: String, found: Null"),
        ({"type": "integer"}, 1.5, "type", "expected type: Integer, found: BigDecimal"),
        ({"type": "number"}, True, "type", "expected type: Number, found: Boolean"),
        ({"type": "boolean"}, [], "type", "expected type: Boolean, found: JSONArray"),
        ({"type": "array"}, {}, "type", "expected type: JSONArray, found: JSONObject"),
        ({"type": "object"}, "x", "type", "expected type: JSONObject, found: String"),
        ({"type": "string"}, 2**70, "type", "expected type: String, found: BigInteger"),
        ({"type": "null"}, 1, "type", "expected: null, found: Long"),
        ({"enum": ["a"]}, "b", "enum", "b is not a valid enum value"),
        ({"enum": ["a"]}, [1, {"b": None}], "enum", '[1,{"b":null}] is not a valid enum value'),
        ({"const": "a"}, "b", "const", ""),
        ({"const": 1}, True, "const", ""),
        ({"enum": [1]}, True, "enum", "true is not a valid enum value"),
        ({"type": "integer"}, 1.0, "type", "expected type: Integer, found: BigDecimal"),
        ({"type": "integer"}, "1", "type", "expected type: Integer, found: String"),
        ({"type": "boolean"}, "true", "type", "expected type: Boolean, found: String"),
        ({"type": "boolean"}, 0, "type", "expected type: Boolean, found: Long"),
        ({"type": "string"}, {}, "type", "expected type: String, found: JSONObject"),
        (
            {"propertyNames": {"maxLength": 1}},
            {"ab": 1},
            "maxLength",
            "expected maxLength: 1, actual: 2",
        ),
        ({"multipleOf": 3}, 7, "multipleOf", "7 is not a multiple of 3"),
        ({"multipleOf": 0.5}, -0.75, "multipleOf", "-0.75 is not a multiple of 0.5"),
        ({"minimum": 1}, 1.5e-5, "minimum", "0.000015 is not greater or equal to 1"),
        ({"minimum": 0}, -1e-7, "minimum", "-1E-7 is not greater or equal to 0"),
        (
            {"uniqueItems": True},
            [{"a": 1, "b": 2}, {"b": 2.0, "a": 1}],
            "uniqueItems",
            "array items are not unique",
        ),
        ({"minLength": 3}, "😀e\u0301"[:2], "minLength", "expected minLength: 3, actual: 2"),
        ({"pattern": "^a$"}, "a\n", "pattern", "string [a\n] does not match pattern ^a$"),
        (
            {"oneOf": [{"type": "string"}, {"type": "boolean"}]},
            1,
            "oneOf",
            "0 subschemas matched instead of one",
        ),
        (
            {"dependencies": {"a": {"required": ["b"]}}},
            {"a": 1},
            "required",
            "required key [b] not found",
        ),
        ({"pattern": "^a"}, "b", "pattern", "string [b] does not match pattern ^a"),
        ({"minLength": 2}, "é", "minLength", "expected minLength: 2, actual: 1"),
        ({"maxLength": 1}, "ab", "maxLength", "expected maxLength: 1, actual: 2"),
        ({"minimum": 3}, 2, "minimum", "2 is not greater or equal to 3"),
        ({"minimum": 7.8}, 7.7, "minimum", "7.7 is not greater or equal to 7.8"),
        ({"exclusiveMinimum": 0}, 0, "exclusiveMinimum", "0 is not greater than 0"),
        ({"maximum": 1}, 1e16, "maximum", "1E+16 is not less or equal to 1"),
        ({"exclusiveMaximum": 1}, 1.0, "exclusiveMaximum", "1.0 is not less than 1"),
        ({"multipleOf": 0.01}, 0.015, "multipleOf", "0.015 is not a multiple of 0.01"),
        ({"minItems": 1}, [], "minItems", "expected minimum item count: 1, found: 0"),
        ({"maxItems": 1}, [1, 2], "maxItems", "expected maximum item count: 1, found: 2"),
        ({"uniqueItems": True}, [1, 1.0], "uniqueItems", "array items are not unique"),
        (
            {"contains": {"type": "string"}},
            [1],
            "contains",
            "expected at least one array item to match 'contains' schema",
        ),
        ({"minProperties": 1}, {}, "minProperties", "minimum size: [1], found: [0]"),
        ({"maxProperties": 0}, {"a": 1}, "maxProperties", "maximum size: [0], found: [1]"),
        ({"dependencies": {"a": ["b"]}}, {"a": 1}, "dependencies", "property [b] is required"),
        (
            {"not": {"type": "string"}},
            "a",
            "not",
            'subject must not be valid against schema {"type":"string"}',
        ),
        (
            {"anyOf": [{"type": "string"}, {"type": "boolean"}]},
            1,
            "anyOf",
            "no subschema matched out of the total 2 subschemas",
        ),
        (
            {"oneOf": [{"type": "string"}, {"minLength": 1}]},
            "a",
            "oneOf",
            "2 subschemas matched instead of one",
        ),
        (
            {"allOf": [{"minLength": 3}, {"maxLength": 5}]},
            "a",
            "allOf",
            "only 1 subschema matches out of 2",
        ),
        (
            {"format": "date-time"},
            "2018-00-23T22:07:01Z",
            "format",
            f"[2018-00-23T22:07:01Z] is not a valid date-time. Expected {DATE_TIME}",
        ),
        (
            {"format": "date"},
            "2018-02-30",
            "format",
            "[2018-02-30] is not a valid date. Expected [yyyy-MM-dd]",
        ),
        (
            {"format": "time"},
            "12:00:00",
            "format",
            f"[12:00:00] is not a valid time. Expected {TIME}",
        ),
        ({"format": "email"}, "a", "format", "[a] is not a valid email address"),
        ({"format": "ipv4"}, "1.2.3", "format", "[1.2.3] is not a valid ipv4 address"),
        ({"format": "ipv6"}, "1", "format", "[1] is not a valid ipv6 address"),
        (
            {"format": "ipv6"},
            "fe80::1%eth0",
            "format",
            "[fe80::1%eth0] is not a valid ipv6 address",
        ),
        ({"format": "ipv4"}, "256.1.1.1", "format", "[256.1.1.1] is not a valid ipv4 address"),
        ({"format": "date"}, "", "format", "[] is not a valid date. Expected [yyyy-MM-dd]"),
        ({"format": "uri"}, "a/b", "format", "[a/b] is not a valid URI"),
        ({"format": "uri-reference"}, "1:2", "format", "[1:2] is not a valid URI reference"),
    ],
)
def test_violation_has_its_wording(
    schema: dict[str, Any], value: object, keyword: str, message: str
) -> None:
    violation = explained(schema, value)

    assert violation.keyword == keyword
    assert violation.message == message
    assert violation.pointer == "#"


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"format": "hostname"}, "a b"),
        ({"type": "string", "enum": ["a"]}, "a"),
        ({"enum": [1]}, 1.0),
        ({"multipleOf": 0.01}, 19.99),
        ({"multipleOf": 1e-300}, 1e300),
        ({"minLength": 2**63}, 7),
        ({"type": ["string", "null"]}, None),
        ({"type": "number"}, 2**60),
        ({"patternProperties": {"^a": {"type": "string"}}}, {"ab": "x", "b": 1}),
        ({"contains": {"type": "string"}}, [1, "a"]),
        ({"oneOf": [{"type": "string"}, {"type": "integer"}]}, 1),
        ({}, {"anything": None}),
    ],
)
def test_valid_value_has_no_violation(schema: dict[str, Any], value: object) -> None:
    assert explained(schema, value) is None


def test_typed_enum_is_reported_under_a_synthetic_all_of() -> None:
    schema = {"type": "string", "enum": ["a"]}

    of_type, of_neither = explained(schema, "b"), explained(schema, 1)

    assert (of_type.keyword, of_type.message) == ("allOf", "only 1 subschema matches out of 2")
    assert [cause.keyword for cause in of_type.causes] == ["enum"]
    assert of_neither.message == "only 0 subschema matches out of 2"
    assert [cause.keyword for cause in of_neither.causes] == ["enum", "type"]


def test_nullable_type_is_reported_as_any_of() -> None:
    violation = explained({"type": ["string", "null"]}, 1)

    assert violation.keyword == "anyOf"
    assert violation.message == "no subschema matched out of the total 2 subschemas"
    assert len(violation.causes) == 2


def test_pointers_name_items_keys_and_escape_separators() -> None:
    schema = {
        "properties": {
            "a/b": {"items": {"type": "string"}},
            "m": {"additionalProperties": {"type": "string"}},
        }
    }

    violation = explained(schema, {"a/b": ["x", 1], "m": {"k~": 2}})

    assert [(leaf.pointer, leaf.schema_location) for leaf in violation.leaves()] == [
        ("#/a~1b/1", "#/properties/a~1b/items"),
        ("#/m/k~0", "#/properties/m/additionalProperties"),
    ]


def test_checks_run_in_the_documented_order() -> None:
    schema = {
        "required": ["r"],
        "minProperties": 9,
        "dependencies": {"b": ["c"]},
        "additionalProperties": False,
        "patternProperties": {"^p": {"type": "string"}},
        "properties": {"b": {"type": "string"}, "a": {"type": "string"}},
    }

    violation = explained(schema, {"a": 1, "x": 1, "p": 1, "b": 1})

    assert [leaf.keyword for leaf in violation.leaves()] == [
        "required",
        "minProperties",
        "dependencies",
        "additionalProperties",
        "type",
        "type",
        "type",
    ]
    assert [leaf.pointer for leaf in violation.leaves()[4:]] == ["#/p", "#/b", "#/a"]


def test_inner_wrapper_counts_for_the_outer_one() -> None:
    inner = {"properties": {"b": {}}, "additionalProperties": False}
    schema = {"properties": {"a": inner}, "required": ["r"]}

    violation = explained(schema, {"a": {"x": 1, "y": 2}})

    assert violation.message == "3 schema violations found"
    assert violation.causes[1].message == "2 schema violations found"
    assert violation.causes[1].keyword is None
    assert violation.causes[1].pointer == "#/a"


def test_limit_holds_inside_combined_schemas() -> None:
    branch = {"properties": {name: {"type": "string"} for name in "abc"}}
    schema = {"anyOf": [branch, branch]}

    violation = Rules(schema).violation({"a": 1, "b": 1, "c": 1}, "#", Budget(4))

    assert violation is not None
    assert len(violation.leaves()) == 4
    assert violation.causes[1].keyword == "type"


@pytest.mark.parametrize(
    ("node", "value", "message"),
    [
        ({"meta:xdmType": "byte"}, 128, "128 is not less or equal to 127"),
        ({"meta:xdmType": "byte"}, -129, "-129 is not greater or equal to -128"),
        ({"meta:xdmType": "short"}, 32768, "32768 is not less or equal to 32767"),
        ({"meta:xdmType": "int"}, 2**31, "2147483648 is not less or equal to 2147483647"),
        ({}, -(2**31) - 1, "-2147483649 is not greater or equal to -2147483648"),
        ({"maximum": 2**31}, 2**31, "2147483648 is not less or equal to 2147483647"),
        (
            {"meta:xdmType": "long"},
            2**53 + 1,
            "9007199254740993 is not less or equal to 9007199254740992",
        ),
        ({"minimum": 1, "maximum": 31}, 32, "32 is not less or equal to 31"),
    ],
)
def test_integer_is_held_to_the_range_of_its_type(
    node: dict[str, Any], value: int, message: str
) -> None:
    validator = a_validator({"n": {"type": "integer", **node}})

    violation = validator.explain(json.encode({"n": value}), violations_max=None)

    assert violation is not None
    assert violation.message == message
    assert (violation.pointer, violation.schema_location) == ("#/n", "#/properties/n")


def test_violations_below_every_keyword_have_their_pointer_and_location() -> None:
    text = {"type": "string"}
    schema = {
        "properties": {
            "one": {"oneOf": [text, {"type": "object", "properties": {"b": text}}]},
            "any": {"anyOf": [text]},
            "all": {"allOf": [text, {"minLength": 1}]},
            "none": {"not": {"type": "integer"}},
            "tags": {"type": "array", "contains": text},
            "two": {"dependencies": {"a": {"properties": {"b": text}}}},
            "names": {"propertyNames": {"pattern": "^[a-z]+$"}},
            "map": {"patternProperties": {"^n/": text}, "additionalProperties": {"minimum": 2}},
        }
    }
    value = {
        "one": {"b": 1},
        "any": 1,
        "all": 1,
        "none": 1,
        "tags": [1],
        "two": {"a": 1, "b": 1},
        "names": {"A": 1},
        "map": {"n/~": 1, "o": 1},
    }

    violation = explained(schema, value)

    assert [(leaf.pointer, leaf.schema_location) for leaf in violation.leaves()] == [
        ("#/one", "#/properties/one/oneOf/0"),
        ("#/one/b", "#/properties/one/oneOf/1/properties/b"),
        ("#/any", "#/properties/any/anyOf/0"),
        ("#/all", "#/properties/all/allOf/0"),
        ("#/none", "#/properties/none"),
        ("#/tags", "#/properties/tags"),
        ("#/two/b", "#/properties/two/dependencies/a/properties/b"),
        ("#/names", "#/properties/names/propertyNames"),
        ("#/map/o", "#/properties/map/additionalProperties"),
        ("#/map/n~1~0", "#/properties/map/patternProperties/^n~1"),
    ]


def test_names_are_checked_right_after_what_is_required() -> None:
    schema = {"required": ["r"], "propertyNames": {"maxLength": 1}, "maxProperties": 0}

    violation = explained(schema, {"ab": 1})

    assert [leaf.keyword for leaf in violation.leaves()] == [
        "required",
        "maxLength",
        "maxProperties",
    ]


@pytest.mark.parametrize("limit", [1, 2, 3, 5])
def test_tree_has_as_many_leaves_as_are_wanted(limit: int) -> None:
    leaf = {"type": "string"}
    schema = {
        "required": ["r"],
        "additionalProperties": False,
        "properties": {"a": {"items": leaf}, "o": {"properties": {"x": leaf, "y": leaf}}},
    }

    violation = Rules(schema).violation(
        {"z": 1, "a": [1, 2], "o": {"x": 1, "y": 2}}, "#", Budget(limit)
    )

    assert violation is not None
    assert len(violation.leaves()) == limit
    assert limit == 1 or violation.message == f"{limit} schema violations found"
