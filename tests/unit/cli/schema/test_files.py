from pathlib import Path
from typing import Any

import pytest

from forebay.cli.schema.fields import named, named_parts
from forebay.cli.schema.files import Wanted, wanted
from forebay.cli.source_files import FilesInvalid
from forebay.control.schemas.model import ResourceType
from forebay.kernel import json

GROUP = """
fieldGroups:
  - title: Group
    fields:
      {field}
"""


def wants(folder: Path, text: str, name: str = "a.yaml") -> Wanted:
    path = folder / name
    path.write_text(text)
    return wanted([path])


def field(folder: Path, text: str) -> Any:
    found = wants(folder, GROUP.format(field=f"it: {text}"))
    definition = found.resources[0].body["definitions"]["customFields"]
    return definition["properties"]["_{tenant}"]["properties"]["it"]


def faults(folder: Path, text: str) -> str:
    with pytest.raises(FilesInvalid) as raised:
        wants(folder, text)
    return str(raised.value.message).replace(str(folder), "")


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("string", {"type": "string"}),
        ("text", {"type": "string"}),
        ("integer", {"type": "integer", "meta:xdmType": "int"}),
        ("date-time", {"type": "string", "format": "date-time"}),
        ("string[]", {"type": "array", "items": {"type": "string"}}),
        (
            "map",
            {
                "type": "object",
                "meta:xdmType": "map",
                "additionalProperties": {"type": "string"},
            },
        ),
        (
            "{type: long, minimum: 0}",
            {"type": "integer", "meta:xdmType": "long", "minimum": 0, "maximum": 2**53},
        ),
        (
            "{values: integer}",
            {
                "type": "object",
                "meta:xdmType": "map",
                "additionalProperties": {"type": "integer", "meta:xdmType": "int"},
            },
        ),
        (
            "{fields: {a: {type: string, required: true}, b: number}}",
            {
                "type": "object",
                "properties": {"a": {"type": "string"}, "b": {"type": "number"}},
                "required": ["a"],
            },
        ),
        (
            "{items: {fields: {a: date}}}",
            {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"a": {"type": "string", "format": "date"}},
                },
            },
        ),
        (
            "{enum: {a: First, no: Second}, title: It, deprecated: true}",
            {
                "type": "string",
                "title": "It",
                "meta:status": "deprecated",
                "enum": ["a", "no"],
                "meta:enum": {"a": "First", "no": "Second"},
            },
        ),
        ("{suggested: [a, b]}", {"type": "string", "meta:enum": {"a": "a", "b": "b"}}),
        ("{dataType: Address}", {"$ref": named(ResourceType.DATA_TYPE, "Address")}),
    ],
)
def test_short_fields_stand_for_json_schema(tmp_path: Path, short: str, long: Any) -> None:
    assert field(tmp_path, short) == long


@pytest.mark.parametrize(
    ("short", "message"),
    [
        ("strng", "a.yaml:5: strng is no type; did you mean string?"),
        ("7", "it is 7; expected a type"),
        ("{typ: string}", "typ is unknown here; did you mean type?"),
        ("{type: 7}", "type is 7"),
        ("object", "of type object and needs fields"),
        ("{type: array}", "of type array and needs items"),
        ("{type: string, items: string}", "items belongs to the type array"),
        ("{fields: {}}", "expected names with their types"),
        ("{type: string, required: yes}", "required is yes; expected true or false"),
        ("{enum: []}", "expected a list of values"),
        ("{type: string, title: 7}", "title is 7; expected a text"),
        ("{type: string, dataType: A}", "stands instead of type"),
        ("{fields: {a: {fields: {b: strin}}}}", "strin is no type"),
    ],
)
def test_a_field_that_says_nothing_right_is_named_with_its_line(
    tmp_path: Path, short: str, message: str
) -> None:
    assert message in faults(tmp_path, GROUP.format(field=f"it: {short}"))


def test_every_fault_of_every_file_is_named_at_once(tmp_path: Path) -> None:
    first, second, third = (tmp_path / f"{name}.yaml" for name in "abc")
    first.write_text("fieldGroups:\n  - title: A\n    fieldss: {}\nschema: []\n")
    second.write_text("schemas:\n  - fieldGroups: [7]\n  - 7\n")

    with pytest.raises(FilesInvalid) as raised:
        wanted([first, second, third])

    text = "\n".join(sorted(raised.value.faults)).replace(f"{tmp_path}/", "")
    assert text.splitlines() == [
        "a.yaml:3: fieldss is unknown here; did you mean fields?",
        "a.yaml:4: schema is unknown here; did you mean schemas?",
        "b.yaml:2: class is missing: the title or the $id of the schema's class",
        "b.yaml:2: fieldGroups is [7]; expected a list of titles or $ids",
        "b.yaml:2: title is missing; expected a text",
        "b.yaml:3: 7 is no object with a title",
        "c.yaml: No such file or directory",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- 7\n", "7 is no exported resource"),
        ("7\n", "expected sections of resources"),
        ("schemas: {}\n", "schemas is no list"),
        ("- {title: A}\n", "meta:resourceType is null"),
        ("schemas: [{title: A, class: P, profile: 1}]\n", "profile is 1; expected true or false"),
        ("schemas: [{title: A, class: P, identities: [7]}]\n", "identities is no list of objects"),
        ("schemas: [{title: A, class: P, identities: [{path: a}]}]\n", "namespace is missing"),
        ("schemas: [{title: A, class: P, descriptors: [{}]}]\n", "@type is missing"),
        ("datasets: [{name: A}]\n", "schema is missing"),
        ("classes: [{title: A}]\nfieldGroups: [{title: A}]\n", "'A' is already at"),
        ("dataTypes: [{title: A, fields: {a: string}, properties: {}}]\n", "keep one"),
        ("fieldGroups: [{title: A, classes: P}]\n", "expected a list of titles or $ids"),
    ],
)
def test_a_file_of_another_form_is_refused(tmp_path: Path, text: str, message: str) -> None:
    assert message in faults(tmp_path, text)


def test_a_schema_in_short_form_becomes_what_the_api_takes(tmp_path: Path) -> None:
    found = wants(
        tmp_path,
        """
tenant: _acme
schemas:
  - title: Members
    class: XDM Individual Profile
    fieldGroups: [Group]
    profile: true
    identities:
      - {path: job.email, namespace: Email, primary: true}
      - {path: /phone, namespace: 7}
    descriptors:
      - {"@type": xdm:descriptorOneToOne, xdm:sourceProperty: /a, xdm:destinationSchema: Other}
datasets:
  - {name: Members, schema: Members, profile: true}
""",
    )

    (schema,) = found.resources
    primary, second, relationship = (item.body for item in found.descriptors)
    assert found.tenants[0][0] == "acme"
    assert schema.is_union_tagged
    assert [named_parts(part["$ref"]) for part in schema.body["allOf"]] == [
        (ResourceType.CLASS, "XDM Individual Profile"),
        (ResourceType.FIELD_GROUP, "Group"),
    ]
    assert primary["xdm:sourceProperty"] == "/job/email"
    assert (primary["xdm:isPrimary"], primary["xdm:property"]) == (True, "xdm:code")
    assert (second["xdm:namespace"], second["xdm:property"]) == (7, "xdm:id")
    assert named_parts(relationship["xdm:destinationSchema"]) == (ResourceType.SCHEMA, "Other")
    assert named_parts(relationship["xdm:sourceSchema"]) == (ResourceType.SCHEMA, "Members")
    assert found.datasets[0].is_profile_enabled


def test_the_apis_own_form_is_taken_as_it_is(tmp_path: Path) -> None:
    body = {
        "title": "Group",
        "type": "object",
        "meta:intendedToExtend": ["https://ns.adobe.com/xdm/context/profile"],
        "definitions": {"own": {"properties": {"_{tenant}": {"type": "object"}}}},
        "allOf": [{"$ref": "#/definitions/own"}],
        "version": "1.4",
        "meta:altId": "_acme.mixins.1",
    }

    found = wants(tmp_path, json.encode({"fieldGroups": [body]}).decode(), "a.json")

    owned = {"version", "meta:altId"}
    assert found.resources[0].body == {k: v for k, v in body.items() if k not in owned}


def test_an_exported_array_is_taken_as_it_is(tmp_path: Path) -> None:
    group_id = "https://ns.adobe.com/<XDM_TENANTID_PLACEHOLDER>/mixins/1"
    exported = [
        {"$id": group_id, "meta:resourceType": "mixins", "title": "G", "type": "object"},
        {
            "$id": "https://ns.adobe.com/<XDM_TENANTID_PLACEHOLDER>/schemas/2",
            "meta:resourceType": "schemas",
            "title": "S",
            "allOf": [{"$ref": group_id}],
            "meta:immutableTags": ["union"],
        },
        {"@type": "xdm:descriptorIdentity", "xdm:sourceSchema": "S", "@id": "3", "created": 1},
    ]

    found = wants(tmp_path, json.encode(exported).decode(), "a.json")

    assert [item.kind for item in found.resources] == [
        ResourceType.FIELD_GROUP,
        ResourceType.SCHEMA,
    ]
    assert found.resources[0].resource_id == group_id
    assert found.resources[1].is_union_tagged
    assert "@id" not in found.descriptors[0].body


def test_classes_have_a_behavior(tmp_path: Path) -> None:
    found = wants(
        tmp_path,
        """
classes:
  - {title: A, behavior: time-series, fields: {a: string}}
  - {title: B, behavior: adhoc, fields: {a: string}}
""",
    )

    event, adhoc = (item.body for item in found.resources)
    assert named_parts(event["allOf"][0]["$ref"]) == (
        ResourceType.BEHAVIOR,
        "https://ns.adobe.com/xdm/data/time-series",
    )
    assert list(adhoc["properties"]) == ["_adhoc"]
