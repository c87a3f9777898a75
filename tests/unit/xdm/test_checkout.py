from typing import Any

import pytest

from forebay.kernel import json
from forebay.xdm.checkout import Component, pack, read_components, unpack
from forebay.xdm.standard import StandardLibrary

NS = "https://ns.adobe.com/xdm/"


def a_file(name: str, **members: Any) -> bytes:
    return json.encode({"$id": NS + name, "title": name, "meta:status": "stable", **members})


def kinds(files: dict[str, bytes]) -> dict[str, str]:
    components, faults = read_components(files)
    assert faults == []
    return {component.document["$id"].removeprefix(NS): component.kind for component in components}


def test_kind_follows_from_place_and_relations() -> None:
    record = NS + "data/record"
    files = {
        "components/behaviors/record.schema.json": a_file("data/record"),
        "components/classes/a.schema.json": a_file("classes/a", **{"meta:extends": [record]}),
        "components/fieldgroups/g.schema.json": a_file(
            "mixins/g", **{"meta:intendedToExtend": [NS + "b"]}
        ),
        "components/datatypes/t.schema.json": a_file("datatypes/t"),
        "extensions/x/b.schema.json": a_file(
            "b", **{"meta:extends": record, "meta:abstract": True}
        ),
        "extensions/x/c.schema.json": a_file("c", **{"meta:extends": [record]}),
        "extensions/x/used.schema.json": a_file("used"),
        "extensions/x/user.schema.json": a_file(
            "user", properties={"xdm:x": {"items": {"$ref": NS + "used"}}}
        ),
        "schemas/descriptors/d.schema.json": a_file("common/descriptors/d"),
    }

    assert kinds(files) == {
        "data/record": "behavior",
        "classes/a": "class",
        "mixins/g": "fieldgroup",
        "datatypes/t": "datatype",
        "b": "class",
        "c": "other",
        "used": "datatype",
        "user": "other",
        "common/descriptors/d": "descriptor",
    }


def test_texts_and_labels_come_along() -> None:
    field = {"title": "A", "description": "Long", "meta:enum": {"x": "Label"}}
    files = {"components/datatypes/t.schema.json": a_file("t", properties={"xdm:a": field})}

    (component,), _ = read_components(files)

    assert component.document["title"] == "t"
    assert component.document["properties"]["a"] == {**field, "meta:xdmField": "xdm:a"}


def test_packed_components_are_what_the_library_reads() -> None:
    files = {
        "components/datatypes/t.schema.json": a_file(
            "datatypes/new", description="Text", properties={"xdm:a": {"meta:enum": {"x": "Label"}}}
        )
    }
    components, _ = read_components(files)

    packed = pack("9.9", components)
    library = StandardLibrary(packed)

    found = library.find(NS + "datatypes/new")
    assert found is not None
    assert unpack(packed) == components
    assert packed == pack("9.9", components)
    assert (found["version"], found["description"]) == ("9.9", "Text")
    assert found["properties"]["a"]["meta:enum"] == {"x": "Label"}
    assert library.find(NS + "context/profile") is not None


def test_unknown_status_is_taken_as_stable() -> None:
    files = {"components/datatypes/t.schema.json": a_file("t", **{"meta:status": ["odd"]})}

    assert read_components(files)[0] == [
        Component("datatype", "stable", {"$id": NS + "t", "title": "t"})
    ]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[]", "not a JSON object"),
        (b"{}", "$id is null; expected a URI"),
        (json.encode({"$id": 7}), "$id is 7; expected a URI"),
        (json.encode({"$id": "urn:x"}), "expected an http(s) URI"),
        (json.encode({"$id": "https://a b"}), "expected an http(s) URI"),
        (json.encode({"$id": f"https://{'a' * 600}"}), "at most 500 characters"),
        (a_file("t", properties=[]), "properties is []; expected an object of schemas"),
        (a_file("t", properties={"xdm:a": 1}), "expected an object of schemas"),
        (a_file("t", definitions={"a": 1}), "#/definitions/a is 1; expected a schema"),
        (a_file("t", allOf={}), "allOf is {}; expected a list of schemas"),
        (a_file("t", required="xdm:a"), "required is 'xdm:a'; expected a list of names"),
        (a_file("t", properties={"xdm:a": {"$ref": 1}}), "#/properties/xdm:a: $ref is 1"),
        (a_file("t", **{"meta:extends": [1]}), "meta:extends is [1]; expected a list of $ids"),
        (a_file("t", **{"meta:intendedToExtend": 1}), "expected a list of $ids"),
    ],
)
def test_broken_file_is_named_with_what_is_wrong(content: bytes, fault: str) -> None:
    components, faults = read_components(
        {"components/datatypes/bad.schema.json": content, "schemas/good.schema.json": a_file("g")}
    )

    assert components == []
    assert len(faults) == 1
    assert faults[0].startswith("components/datatypes/bad.schema.json: ")
    assert fault in faults[0]


def test_bottomless_nesting_is_a_fault() -> None:
    node: dict[str, Any] = {}
    for _ in range(400):
        node = {"items": node}

    _, faults = read_components({"components/x.schema.json": a_file("t", **node)})

    assert "nested more than" in faults[0]


@pytest.mark.parametrize("second", ["a/b", "a.b"])
def test_two_files_with_one_id_are_a_fault(second: str) -> None:
    files = {"schemas/1.schema.json": a_file("a/b"), "schemas/2.schema.json": a_file(second)}

    _, faults = read_components(files)

    assert len(faults) == 1
    assert faults[0].startswith(f"schemas/2.schema.json: the $id {NS}{second} is also that of")


def test_bytes_that_are_no_library_are_refused() -> None:
    with pytest.raises(ValueError, match=r"."):
        unpack(b"nothing")
