from typing import Any

import pytest

from forebay.cli.schema.tree import Node, origins_of, tree
from forebay.xdm.composition import compose
from forebay.xdm.standard import Kind, StandardLibrary

TEXT = {"type": "string", "meta:xdmType": "string"}


def an_object(**fields: Any) -> dict[str, Any]:
    return {"type": "object", "meta:xdmType": "object", "properties": fields}


def lines(nodes: tuple[Node, ...]) -> list[str]:
    return [line for node in nodes for line in (f"{node.name} {node.kind}", *lines(node.children))]


def test_arrays_and_maps_are_brackets_after_the_name() -> None:
    composed = an_object(
        a={"type": "array", "items": {"type": "array", "items": TEXT}},
        b={"type": "object", "additionalProperties": {"type": "array", "items": an_object(c=TEXT)}},
    )

    assert lines(tree(composed)) == ["a[][] string", "b{}[] object", "c string"]


def test_required_deprecated_and_identities_are_marked() -> None:
    composed = {**an_object(a=TEXT, b={**TEXT, "meta:status": "deprecated"}), "required": ["a"]}
    identity = {
        "@type": "xdm:descriptorIdentity",
        "xdm:sourceProperty": "/a",
        "xdm:namespace": "Email",
        "xdm:isPrimary": True,
    }

    first, second = tree(composed, descriptors=[identity])

    assert (first.is_required, first.marks) == (True, ("primary identity Email",))
    assert (second.is_required, second.is_deprecated) == (False, True)


@pytest.mark.parametrize(
    ("node", "shown"),
    [
        ({"enum": ["a", "b"]}, "enum: a, b"),
        ({"enum": list("abcdef")}, "enum: a, b, c, d … 2 more"),
        ({"meta:enum": {"a": "A"}}, "suggested: a"),
        ({"format": "email", "pattern": "x" * 50}, f"email; /{'x' * 31}…/"),
        ({"minLength": 1, "maxLength": 9}, "1..9 chars"),
        ({"format": "date"}, ""),
        ({"type": "integer", "meta:xdmType": "int", "minimum": 0}, "≥ 0"),
        ({"type": "integer", "meta:xdmType": "byte", "minimum": -128, "maximum": 128}, ""),
        ({"type": "integer", "meta:xdmType": "short", "maximum": 9}, "≤ 9"),
    ],
)
def test_rules_are_short(node: dict[str, Any], shown: str) -> None:
    (field,) = tree(an_object(a={**TEXT, **node}))

    assert "; ".join(field.rules) == shown


def test_a_field_says_where_it_comes_from_where_that_changes() -> None:
    one, two = an_object(a=an_object(b=TEXT)), an_object(a=an_object(c=TEXT), d=TEXT)
    whole = an_object(a=an_object(b=TEXT, c=TEXT), d=TEXT)

    shared, own = tree(whole, origins=origins_of([("One", one), ("Two", two)]))

    assert (shared.origin, own.origin) == ("One, Two", "Two")
    assert [child.origin for child in shared.children] == ["One", "Two"]


def test_every_standard_field_group_has_a_tree() -> None:
    library = StandardLibrary()
    groups = library.list(Kind.FIELD_GROUP)[:60]

    trees = [tree(compose(group, library)) for group in groups]

    assert all(nodes for nodes in trees)
