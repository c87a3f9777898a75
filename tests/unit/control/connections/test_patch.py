from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.control.connections.patch import apply_patch
from forebay.kernel.errors import PlatformError
from support.outcomes import outcome_of

BODY: dict[str, Any] = {
    "name": "old",
    "connectionSpec": {"id": "x", "version": "1.0"},
    "state": "enabled",
    "auth": {"specName": "Streaming Connection", "params": {"dataType": "xdm"}},
}


@pytest.mark.parametrize(
    ("instruction", "path", "expected"),
    [
        ({"op": "replace", "path": "/name", "value": "new"}, ("name",), "new"),
        ({"op": "Replace", "path": "/name", "value": "new"}, ("name",), "new"),
        ({"op": "ADD", "path": "/description", "value": "d"}, ("description",), "d"),
        (
            {"op": "add", "path": "/auth/params/authenticationRequired", "value": True},
            ("auth", "params", "authenticationRequired"),
            True,
        ),
        (
            {"op": "replace", "path": "/auth/params", "value": {"dataType": "raw"}},
            ("auth", "params"),
            {"dataType": "raw"},
        ),
        ({"op": "replace", "path": "/state", "value": "disabled"}, ("state",), "disabled"),
    ],
)
def test_patch_changes_one_member(
    instruction: dict[str, Any], path: tuple[str, ...], expected: object
) -> None:
    patched: Any = apply_patch(BODY, [instruction])

    for name in path:
        patched = patched[name]
    assert patched == expected


def test_patch_leaves_what_it_was_given_as_it_was() -> None:
    apply_patch(BODY, [{"op": "add", "path": "/auth/params/name", "value": "n"}])

    assert "name" not in BODY["auth"]["params"]


def test_patch_removes_a_member_and_needs_no_value_for_it() -> None:
    assert "name" not in apply_patch(BODY, [{"op": "remove", "path": "/name"}])


def test_single_instruction_stands_for_a_list_of_one() -> None:
    assert apply_patch(BODY, {"op": "replace", "path": "/name", "value": "n"})["name"] == "n"


def test_instructions_apply_in_their_order() -> None:
    instructions = [
        {"op": "add", "path": "/description", "value": "d"},
        {"op": "replace", "path": "/description", "value": "e"},
    ]

    assert apply_patch(BODY, instructions)["description"] == "e"


@pytest.mark.parametrize(
    ("instructions", "code", "part"),
    [
        (None, "FLOW-1405", "cannot be null or empty"),
        ([], "FLOW-1405", "cannot be null or empty"),
        ({}, "FLOW-1405", "cannot be null or empty"),
        ([{"op": "move", "path": "/name"}], "FLOW-1434", "Unsupported operation 'move'"),
        ([{"path": "/name"}], "FLOW-1434", "Unsupported operation 'null'"),
        (
            [{"op": "replace", "path": "/description", "value": "d"}],
            "FLOW-1455",
            'Missing field "description"',
        ),
        ([{"op": "remove", "path": "/description"}], "FLOW-1455", 'Missing field "description"'),
        ([{"op": "add", "path": "/labels", "value": []}], "FLOW-1455", 'Missing field "labels"'),
        ([{"op": "add", "path": "/a/b/c", "value": 1}], "FLOW-1455", 'Missing field "c"'),
        ([{"op": "add", "path": "", "value": 1}], "FLOW-1455", 'Missing field ""'),
        ([{"op": "add", "value": 1}], "FLOW-1455", 'Missing field "path"'),
        ([{"op": "add", "path": "/name"}], "FLOW-1455", 'Missing field "value"'),
        ([{"op": "replace", "path": "/id", "value": 1}], "FLOW-1455", '"id" is read-only'),
        (
            [{"op": "replace", "path": "/auth/params/inletUrl", "value": "http://x"}],
            "FLOW-1455",
            '"inletUrl" is read-only',
        ),
        (["replace"], "FLOW-1455", "Expected an object"),
        ("replace", "FLOW-1455", "Expected an array"),
        (
            [{"op": "replace", "path": "/connectionSpec", "value": {}}],
            "FLOW-1414",
            "The connection spec of a connection cannot be updated.",
        ),
        ([{"op": "replace", "path": "/connectionSpec/id", "value": "y"}], "FLOW-1414", "spec"),
        (
            [{"op": "replace", "path": "/state", "value": "draft"}],
            "FLOW-1456",
            "Allowed values are [enabled, disabled, initializing].",
        ),
        ([{"op": "replace", "path": "/state", "value": {}}], "FLOW-1456", "State {}"),
    ],
)
def test_patch_that_breaks_a_rule_is_refused(instructions: object, code: str, part: str) -> None:
    with pytest.raises(PlatformError) as raised:
        apply_patch(BODY, instructions)

    assert raised.value.code == code
    assert part in raised.value.message


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
instructions = st.fixed_dictionaries(
    {},
    optional={
        "op": st.sampled_from(["add", "replace", "remove", "test"]) | json_values,
        "path": st.sampled_from(["/name", "/auth", "/auth/params", "/auth/params/name", "/state"])
        | json_values,
        "value": json_values,
    },
)


@given(st.lists(instructions | json_values, max_size=4) | json_values)
def test_any_patch_applies_or_is_the_callers_mistake(patch: object) -> None:
    outcome = outcome_of(lambda: apply_patch(BODY, patch)["connectionSpec"])

    assert outcome in (BODY["connectionSpec"], 400)
