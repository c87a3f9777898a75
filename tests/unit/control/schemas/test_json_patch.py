from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.control.schemas.json_patch import OPERATIONS_MAX, PatchFailed, apply_patch

scalars = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4)
documents = st.dictionaries(
    st.text(max_size=4),
    st.recursive(
        scalars,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
        ),
        max_leaves=6,
    ),
    max_size=4,
)


def pointer(*names: str) -> str:
    return "".join("/" + name.replace("~", "~0").replace("/", "~1") for name in names)


@pytest.mark.parametrize(
    ("operation", "result"),
    [
        ({"op": "add", "path": "/b", "value": 2}, {"a": [1, 2], "b": 2}),
        ({"op": "add", "path": "/a", "value": 3}, {"a": 3}),
        ({"op": "add", "path": "/a/-", "value": 3}, {"a": [1, 2, 3]}),
        ({"op": "add", "path": "/a/0", "value": 0}, {"a": [0, 1, 2]}),
        ({"op": "add", "path": "/a/2", "value": 3}, {"a": [1, 2, 3]}),
        ({"op": "replace", "path": "/a/1", "value": 9}, {"a": [1, 9]}),
        ({"op": "remove", "path": "/a/0"}, {"a": [2]}),
        ({"op": "remove", "path": "/a"}, {}),
        ({"op": "test", "path": "/a/0", "value": 1}, {"a": [1, 2]}),
        ({"op": "add", "path": "/x~1y~0z", "value": 1}, {"a": [1, 2], "x/y~z": 1}),
    ],
)
def test_operation_does_what_its_name_says(
    operation: dict[str, Any], result: dict[str, Any]
) -> None:
    assert apply_patch({"a": [1, 2]}, [operation]) == result


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "add", "path": "/a/9", "value": 1},
        {"op": "add", "path": "/a/01x", "value": 1},
        {"op": "add", "path": "/a/-1", "value": 1},
        {"op": "remove", "path": "/a/-"},
        {"op": "remove", "path": "/b"},
        {"op": "replace", "path": "/b", "value": 1},
        {"op": "replace", "path": "/a/2", "value": 1},
        {"op": "add", "path": "/a/0/x", "value": 1},
        {"op": "add", "path": "/b/c", "value": 1},
        {"op": "add", "path": "/b"},
        {"op": "add", "path": "b", "value": 1},
        {"op": "add", "path": "", "value": {}},
        {"op": "copy", "from": "/a", "path": "/b", "value": 1},
        {"op": "test", "path": "/a/0", "value": 2},
        {"op": "test", "path": "/a/9", "value": 2},
        {"path": "/a"},
        "add",
    ],
)
def test_operation_that_leads_nowhere_fails_and_names_itself(operation: object) -> None:
    document = {"a": [1, 2]}
    first = {"op": "add", "path": "/z", "value": 1}

    with pytest.raises(PatchFailed, match="Operation 1"):
        apply_patch(document, [first, operation])

    assert document == {"a": [1, 2]}


def test_replace_may_create_where_it_is_allowed_to() -> None:
    operations = [{"op": "replace", "path": "/b", "value": 1}]

    assert apply_patch({}, operations, may_replace_absent=True) == {"b": 1}


@pytest.mark.parametrize("operations", [{}, "x", None, 5])
def test_patch_that_is_no_array_fails(operations: object) -> None:
    with pytest.raises(PatchFailed, match="array"):
        apply_patch({}, operations)


def test_patch_has_a_bounded_length() -> None:
    operations = [{"op": "add", "path": "/a", "value": 1}] * (OPERATIONS_MAX + 1)

    with pytest.raises(PatchFailed, match="at most"):
        apply_patch({}, operations)


@given(document=documents, name=st.text(max_size=4), value=documents)
def test_what_is_added_can_be_tested_and_removed(
    document: dict[str, Any], name: str, value: dict[str, Any]
) -> None:
    path = pointer(name)
    without = {key: inner for key, inner in document.items() if key != name}

    added = apply_patch(document, [{"op": "add", "path": path, "value": value}])
    round_trip = apply_patch(
        document,
        [
            {"op": "add", "path": path, "value": value},
            {"op": "test", "path": path, "value": value},
            {"op": "remove", "path": path},
        ],
    )

    assert added == without | {name: value}
    assert round_trip == without


def test_result_shares_nothing_with_the_patch() -> None:
    value: dict[str, Any] = {"inner": []}

    result = apply_patch({}, [{"op": "add", "path": "/a", "value": value}])
    value["inner"].append(1)

    assert result == {"a": {"inner": []}}
