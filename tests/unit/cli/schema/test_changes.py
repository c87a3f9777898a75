from typing import Any

import pytest

from forebay.cli.schema.changes import changes
from forebay.control.schemas.evolution import breaking_changes


def an_object(**fields: Any) -> dict[str, Any]:
    return {"type": "object", "meta:xdmType": "object", "properties": fields}


TEXT = {"type": "string", "meta:xdmType": "string"}
INT = {"type": "integer", "meta:xdmType": "int"}
LIST = {"type": "array", "meta:xdmType": "array", "items": TEXT}


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        (an_object(), an_object(), []),
        (an_object(), an_object(a=TEXT), [("+", "a", "string", False)]),
        (
            an_object(),
            an_object(a=an_object(b=TEXT, c=LIST)),
            [("+", "a", "object with 2 fields", False)],
        ),
        (an_object(a=TEXT), an_object(), [("-", "a", "string", True)]),
        (an_object(a=TEXT), an_object(a=INT), [("~", "a", "string → int", True)]),
        (
            an_object(a=INT),
            an_object(a={**INT, "meta:xdmType": "long"}),
            [("~", "a", "int → long", False)],
        ),
        (
            an_object(a={**TEXT, "maxLength": 5}),
            an_object(a={**TEXT, "maxLength": 9}),
            [("~", "a", "maxLength 5 → 9", False)],
        ),
        (
            an_object(a=TEXT),
            an_object(a={**TEXT, "pattern": "^x"}),
            [("~", "a", "pattern ^x added", True)],
        ),
        (
            an_object(a=TEXT),
            {**an_object(a=TEXT), "required": ["a"]},
            [("~", "a", "now required", True)],
        ),
        (
            {**an_object(a=TEXT), "required": ["a"]},
            an_object(a=TEXT),
            [("~", "a", "no longer required", False)],
        ),
        (
            an_object(a={**LIST, "items": an_object(b=TEXT)}),
            an_object(a={**LIST, "items": an_object(b=INT, c=TEXT)}),
            [("~", "a[].b", "string → int", True), ("+", "a[].c", "string", False)],
        ),
        (
            an_object(a={"type": "object", "additionalProperties": TEXT}),
            an_object(a={"type": "object", "additionalProperties": INT}),
            [
                ("~", "a", "string{} → int{}", False),
                ("~", "a{}", "string → int", True),
            ],
        ),
        (
            an_object(a={**TEXT, "title": "A"}),
            an_object(a={**TEXT, "title": "B", "meta:status": "deprecated"}),
            [("~", "a", "meta:status deprecated added; title changed", False)],
        ),
    ],
)
def test_differences_are_named_and_judged(old: Any, new: Any, shown: list[Any]) -> None:
    found = changes(old, new)

    assert [(c.sign, c.path, c.text, c.is_breaking) for c in found] == shown


def test_every_reason_of_the_registry_is_shown() -> None:
    old = {**an_object(a=TEXT, b=LIST, c=INT), "additionalProperties": True}
    new = an_object(a=INT, b={**LIST, "maxItems": 1, "items": {**TEXT, "enum": ["x"]}})

    shown = [reason for change in changes(old, new) for reason in change.reasons]

    assert sorted(shown) == sorted(breaking_changes(old, new))
    assert len(shown) == 4


def an_identity(path: str, namespace: str, *, is_primary: bool = False) -> dict[str, Any]:
    return {
        "@type": "xdm:descriptorIdentity",
        "xdm:sourceProperty": path,
        "xdm:namespace": namespace,
        "xdm:isPrimary": is_primary,
    }


def test_identities_are_compared() -> None:
    old = [an_identity("/a/b", "Email", is_primary=True), an_identity("/c", "Phone")]
    new = [an_identity("/a/b", "Email"), an_identity("/d", "Phone")]

    found = changes(an_object(), an_object(), old_descriptors=old, new_descriptors=new)

    assert [(c.sign, c.path, c.is_breaking) for c in found] == [
        ("~", "a.b", True),
        ("-", "c", True),
        ("+", "d", False),
    ]
