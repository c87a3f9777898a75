import subprocess
import sys
from pathlib import Path

import pytest

from forebay.kernel import json
from forebay.xdm.composition import compose
from forebay.xdm.samples import sample
from forebay.xdm.standard import Kind, StandardLibrary
from forebay.xdm.strict import validation_document
from forebay.xdm.validator import Validator

LIBRARY = StandardLibrary()
NS = "https://ns.adobe.com/"
ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("kind", "count"),
    [
        (Kind.BEHAVIOR, 3),
        (Kind.CLASS, 55),
        (Kind.FIELD_GROUP, 394),
        (Kind.DATA_TYPE, 263),
        (Kind.SCHEMA, 83),
        (Kind.DESCRIPTOR, 21),
    ],
)
def test_library_is_complete(kind: Kind, count: int) -> None:
    assert len(LIBRARY.list(kind)) == count


def test_resource_is_found_by_both_ids() -> None:
    by_id = LIBRARY.find(NS + "xdm/context/profile")

    assert by_id is not None
    assert by_id is LIBRARY.find("_xdm.context.profile")
    assert by_id["meta:resourceType"] == "classes"
    assert by_id["title"] == "XDM Individual Profile"
    assert LIBRARY.find(NS + "xdm/context/nothing") is None


def test_raw_form_keeps_references_and_uses_payload_names() -> None:
    event = LIBRARY.find(NS + "xdm/context/experienceevent")

    assert event is not None
    assert event["required"] == ["_id", "timestamp"]
    assert {"$ref": NS + "xdm/data/time-series"} in [dict(part) for part in event["allOf"]]
    assert event["meta:extends"] == [NS + "xdm/data/time-series", NS + "xdm/context/identitymap"]


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.DESCRIPTOR])
def test_every_component_composes_compiles_and_accepts_a_generated_record(kind: Kind) -> None:
    failed: list[str] = []

    for resource in LIBRARY.list(kind):
        document = validation_document(compose(resource, LIBRARY))
        validator = Validator(document)
        record = json.encode(sample(document, seed=7))
        violation = validator.explain(record, violations_max=None)
        failed.extend([str(resource["$id"])] * (violation is not None))
        assert violation is None or not validator.accepts(record)

    assert failed == []


def test_tool_makes_the_same_bytes_from_the_same_checkout(tmp_path: Path) -> None:
    (tmp_path / "a.schema.json").write_bytes(
        json.encode({"$id": NS + "xdm/context/a", "properties": {"xdm:x": {"type": "string"}}})
    )
    row = {"$id": NS + "xdm/context/a", "path": "a.schema.json", "kind": "datatype"}
    (tmp_path / "index.json").write_bytes(json.encode([{**row, "status": "stable"}]))
    outputs = [tmp_path / "one.gz", tmp_path / "two.gz"]

    for output in outputs:
        tool = ROOT / "tools" / "build_standard_library.py"
        subprocess.run(
            [sys.executable, tool, "--xdm", tmp_path, "--output", output],
            check=True,
            capture_output=True,
        )

    assert outputs[0].read_bytes() == outputs[1].read_bytes()


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("profile-person-details", "Demographic Details"),
        ("profile-personal-details", "Personal Contact Details"),
        ("profile-work-details", "Work Contact Details"),
        ("experienceevent-web", "Web Details"),
        ("experienceevent-commerce", "Commerce Details"),
        ("experienceevent-environment-details", "Environment Details"),
        ("experienceevent-enduserids", "End User ID Details"),
        ("profile-segmentation", "Segment Membership Details"),
        ("profile-privacy", "Privacy Details"),
    ],
)
def test_field_group_has_the_title_of_the_user_interface(name: str, title: str) -> None:
    found = StandardLibrary().find(f"https://ns.adobe.com/xdm/context/{name}")

    assert found is not None
    assert found["title"] == title
