"""JSON values as the explainer compares and prints them."""

from decimal import Decimal
from typing import Any

import msgspec

from forebay.kernel import json

_sorted = msgspec.json.Encoder(order="sorted")

_TYPE_NAMES: dict[type, str] = {
    type(None): "Null",
    bool: "Boolean",
    int: "Long",
    float: "BigDecimal",
    str: "String",
    list: "JSONArray",
    dict: "JSONObject",
}

EXACT_INTEGER_MAX = 2**53
"""Beyond it not every integer is a double."""


def identity_of(value: Any) -> bytes:  # noqa: ANN401  any JSON value
    """Return bytes that are equal exactly for values that JSON Schema calls equal (1 and 1.0)."""
    return _sorted.encode(_normal(value))


def shown(value: Any) -> str:  # noqa: ANN401  any JSON value
    """Return a value as the messages print it: strings bare, numbers as Java would."""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return _decimal(value)
    return json.encode(value).decode()


def found_type(value: Any) -> str:  # noqa: ANN401  any JSON value
    """Return the name that messages give the type of a value (flow-and-collection, 16.5)."""
    if is_integer(value) and not -(2**63) <= value < 2**63:
        return "BigInteger"
    return _TYPE_NAMES[type(value)]


def is_number(value: object) -> bool:
    """Say whether a value is a JSON number; booleans are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_integer(value: object) -> bool:
    """Say whether a value was written as an integer: ``1.0`` was not."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_exact_double(value: int) -> bool:
    """Say whether an integer survives becoming a double."""
    try:
        return int(float(value)) == value
    except OverflowError:
        return False


def depth_exceeds(value: Any, levels: int) -> bool:  # noqa: ANN401  any JSON value
    """Say whether arrays and objects are nested more than `levels` deep."""
    layer = [value] if isinstance(value, dict | list) else []
    while layer:
        if levels == 0:
            return True
        levels -= 1
        layer = [
            child
            for container in layer
            for child in (container.values() if isinstance(container, dict) else container)
            if isinstance(child, dict | list)
        ]
    return False


def _normal(value: Any) -> Any:  # noqa: ANN401  any JSON value
    match value:
        case float() if value.is_integer():
            return int(value)
        case list():
            return [_normal(item) for item in value]
        case dict():
            return {key: _normal(item) for key, item in value.items()}
        case _:
            return value


def _decimal(value: float) -> str:
    """Print a number as Java's decimals do, which Python's share the rules of: ``1E+16``."""
    return str(Decimal(repr(value)))
