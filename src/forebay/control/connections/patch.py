"""
JSON Patch on a connection (flow-and-collection, 5.4 and 6.8).

A patch works on the members that the caller gave. What the platform itself made is not among
them, so a replacement of ``/auth/params`` cannot lose the inlet.
"""

import copy
from typing import Any

from forebay.control.connections.errors import (
    BodyMissing,
    InvalidPatch,
    InvalidState,
    SpecNotUpdatable,
    UnsupportedOperation,
)
from forebay.control.connections.model import STATES
from forebay.kernel import json

_OPERATIONS = ("add", "replace", "remove")
_OPERATIONS_MAX = 1000
_READ_ONLY = frozenset({
    "id", "createdAt", "updatedAt", "createdBy", "updatedBy", "createdClient", "updatedClient",
    "sandboxId", "sandboxName", "imsOrgId", "version", "etag", "inletId", "inletUrl",
})  # fmt: skip
_WRITABLE = frozenset({
    ("name",), ("description",), ("state",), ("auth",), ("auth", "specName"), ("auth", "params"),
    ("auth", "params", "sourceId"), ("auth", "params", "name"), ("auth", "params", "dataType"),
    ("auth", "params", "authenticationRequired"),
})  # fmt: skip


def apply_patch(body: dict[str, Any], instructions: object) -> dict[str, Any]:
    """
    Return a copy of a connection's body after a patch; the result is not yet checked.

    `instructions` is a list of operations; a single one stands for a list of one.

    Raises:
        BodyMissing: There is no instruction.
        UnsupportedOperation: An operation is not add, replace or remove.
        SpecNotUpdatable: A path leads to the connection spec.
        InvalidState: `state` would become something that a caller cannot set.
        InvalidPatch: A path leads nowhere, or to a read-only member.
    """
    if not instructions:
        raise BodyMissing(
            "The request body cannot be null or empty. Please provide a request body and try again."
        )
    if isinstance(instructions, dict):
        instructions = [instructions]
    if not isinstance(instructions, list) or len(instructions) > _OPERATIONS_MAX:
        raise _invalid(f"Expected an array of at most {_OPERATIONS_MAX} operations")
    patched = copy.deepcopy(body)
    for instruction in instructions:
        if not isinstance(instruction, dict):
            raise _invalid(f"Expected an object instead of {str(instruction)[:100]}")
        _apply(patched, instruction)
    return patched


def _apply(body: dict[str, Any], instruction: dict[str, Any]) -> None:
    operation = _read_operation(instruction.get("op"))
    *parents, name = _read_path(instruction.get("path"))
    target = body
    for parent in parents:
        if not isinstance(target.get(parent), dict):
            raise _missing(parent)
        target = target[parent]
    if operation != "add" and name not in target:
        raise _missing(name)
    if operation == "remove":
        del target[name]
        return
    if "value" not in instruction:
        raise _missing("value")
    if [*parents, name] == ["state"]:
        _check_state(instruction["value"])
    target[name] = instruction["value"]


def _read_operation(operation: object) -> str:
    name = operation.lower() if isinstance(operation, str) else ""
    if name not in _OPERATIONS:
        raise UnsupportedOperation(
            f"Unsupported operation '{json.shown(operation)}' received. "
            "Please use one of the supported operation types and try again.",
            operation=json.shown(operation),
        )
    return name


def _read_path(path: object) -> tuple[str, ...]:
    if not isinstance(path, str):
        raise _missing("path")
    segments = tuple(_unescape(segment) for segment in path.removeprefix("/").split("/"))
    if segments[0] == "connectionSpec":
        raise SpecNotUpdatable("The connection spec of a connection cannot be updated.")
    if segments[-1] in _READ_ONLY:
        raise _invalid(f'Field "{segments[-1]}" is read-only')
    if segments not in _WRITABLE:
        raise _missing(segments[-1][:100])
    return segments


def _unescape(segment: str) -> str:
    return segment.replace("~1", "/").replace("~0", "~")


def _check_state(state: object) -> None:
    if state not in STATES:
        raise InvalidState(
            f"State {str(state)[:100]} is not a valid value. "
            f"Allowed values are [{', '.join(STATES)}]."
        )


def _missing(name: str) -> InvalidPatch:
    return _invalid(f'Missing field "{name}"')


def _invalid(reason: str) -> InvalidPatch:
    return InvalidPatch(f"An error has occurred while validating patch instructions: {reason}.")
