from typing import Any

import pytest

from forebay.xdm.merging import merge


@pytest.mark.parametrize(
    ("one", "other", "merged"),
    [
        ({"minimum": 1}, {"minimum": 3}, {"minimum": 3}),
        ({"maxLength": 5}, {"maxLength": 3}, {"maxLength": 3}),
        ({"required": ["a"]}, {"required": ["b", "a"]}, {"required": ["a", "b"]}),
        ({"enum": ["a", "b"]}, {"enum": ["b", "c"]}, {"enum": ["b"]}),
        ({"pattern": "a"}, {"pattern": "b"}, {"pattern": "a", "allOf": [{"pattern": "b"}]}),
        ({"pattern": "a"}, {"pattern": "a"}, {"pattern": "a"}),
        ({"title": "A"}, {"title": "B"}, {"title": "B"}),
        (
            {"additionalProperties": False},
            {"additionalProperties": {}},
            {"additionalProperties": {}},
        ),
        (
            {"properties": {"a": {"type": "string"}}},
            {"properties": {"a": {"minLength": 1}, "b": {}}},
            {"properties": {"a": {"type": "string", "minLength": 1}, "b": {}}},
        ),
        (
            {"items": {"type": "string"}},
            {"items": {"maxLength": 1}},
            {"items": {"type": "string", "maxLength": 1}},
        ),
        ({"meta:enum": {"a": "A"}}, {"meta:enum": {"b": "B"}}, {"meta:enum": {"a": "A", "b": "B"}}),
    ],
)
def test_both_nodes_apply(one: dict[str, Any], other: dict[str, Any], merged: Any) -> None:
    merge(one, other)

    assert one == merged


def test_first_type_stands_where_two_contradict() -> None:
    node: dict[str, Any] = {"type": "string", "maxLength": 3}

    merge(node, {"type": "object", "properties": {"a": {}}})

    assert node == {"type": "string", "maxLength": 3}
