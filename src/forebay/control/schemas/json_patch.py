"""
JSON Patch (RFC 6902) as the registry and Catalog use it: add, remove, replace, test.

``copy`` and ``move`` are in no documented call, and a chain of copies makes a small request
into a document without bounds, so they are refused.
"""

import copy
from typing import Any

OPERATIONS_MAX = 1_000
_OPERATIONS = ("add", "remove", "replace", "test")


class PatchFailed(ValueError):
    """An operation that cannot be applied; the message says which and why."""


def apply_patch(
    document: dict[str, Any], operations: object, *, may_replace_absent: bool = False
) -> dict[str, Any]:
    """
    Return a copy of `document` with all operations applied, in order.

    `document` itself is unchanged, also when an operation fails.

    Args:
        document: What to change.
        operations: The decoded body of the request.
        may_replace_absent: Whether ``replace`` may create a member that does not exist.

    Raises:
        PatchFailed: The body is no list of operations, or one of them leads nowhere.
    """
    if not isinstance(operations, list):
        raise PatchFailed("A patch is an array of operations: [{op, path, value}, …]")
    if len(operations) > OPERATIONS_MAX:
        raise PatchFailed(f"{len(operations)} operations; at most {OPERATIONS_MAX} are allowed")
    result = copy.deepcopy(document)
    for index, operation in enumerate(operations):
        try:
            _apply(result, operation, may_replace_absent=may_replace_absent)
        except PatchFailed as error:
            raise PatchFailed(f"Operation {index}: {error}") from None
    return result


def _apply(document: dict[str, Any], operation: object, *, may_replace_absent: bool) -> None:
    if not isinstance(operation, dict):
        raise PatchFailed("not an object with op, path and value")
    name = operation.get("op")
    if not isinstance(name, str) or name not in _OPERATIONS:
        raise PatchFailed(f"op is {name!r}; expected one of {', '.join(_OPERATIONS)}")
    if name != "remove" and "value" not in operation:
        raise PatchFailed(f"{name} needs a value")
    *parents, last = _tokens(operation.get("path"))
    target: Any = document
    for token in parents:
        target = _child(target, token)
    value = copy.deepcopy(operation.get("value"))
    if isinstance(target, dict):
        _change_object(target, name, last, value, may_replace_absent=may_replace_absent)
    elif isinstance(target, list):
        _change_array(target, name, last, value)
    else:
        raise PatchFailed(f"{last!r} lies below a value that is neither object nor array")


def _tokens(path: object) -> list[str]:
    if not isinstance(path, str) or not path.startswith("/"):
        raise PatchFailed(f"path is {path!r}; expected a JSON Pointer such as /title")
    return [token.replace("~1", "/").replace("~0", "~") for token in path[1:].split("/")]


def _child(target: object, token: str) -> object:
    if isinstance(target, dict) and token in target:
        return target[token]
    if isinstance(target, list):
        return target[_index(token, len(target) - 1)]
    raise PatchFailed(f"the path leads nowhere at {token!r}")


def _change_object(
    target: dict[str, Any], name: str, member: str, value: object, *, may_replace_absent: bool
) -> None:
    may_be_absent = name == "add" or (name == "replace" and may_replace_absent)
    if member not in target and not may_be_absent:
        raise PatchFailed(f"there is no member {member!r} to {name}")
    if name == "remove":
        del target[member]
    elif name == "test":
        _test(target[member], value)
    else:
        target[member] = value


def _change_array(target: list[Any], name: str, position: str, value: object) -> None:
    if name == "add":
        target.insert(len(target) if position == "-" else _index(position, len(target)), value)
        return
    index = _index(position, len(target) - 1)
    if name == "remove":
        del target[index]
    elif name == "test":
        _test(target[index], value)
    else:
        target[index] = value


def _index(token: str, index_max: int) -> int:
    is_number = token.isascii() and token.isdigit() and len(token) < 10  # noqa: PLR2004  no index is longer
    if not is_number or int(token) > index_max:
        raise PatchFailed(f"{token!r} is no index of an array of which the last is {index_max}")
    return int(token)


def _test(actual: object, expected: object) -> None:
    if actual != expected:
        raise PatchFailed(f"test failed: the value is not {expected!r}")
