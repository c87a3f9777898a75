"""The type of a field: how ``meta:xdmType`` follows from the rules of a schema node (1.12)."""

from collections.abc import Mapping
from typing import Any

INTEGER_RANGES: dict[str, tuple[int, int]] = {
    "byte": (-(2**7), 2**7 - 1),
    "short": (-(2**15), 2**15 - 1),
    "int": (-(2**31), 2**31 - 1),
    "long": (-(2**53), 2**53),
}
"""What a value of an integer type may be; a long stays exact in every JSON reader."""

_SIGNIFICANT = {"byte": 2**7, "short": 2**15, "int": 2**31}
"""Published bounds are symmetric powers of two: a byte's maximum is printed as 128."""


def xdm_type(node: Mapping[str, Any]) -> str | None:
    """Return the ``meta:xdmType`` of a schema node: stated, or derived; None if it is left open."""
    stated = node.get("meta:xdmType")
    if isinstance(stated, str):
        return stated
    match node.get("type"):
        case "string":
            kind = node.get("format")
            return str(kind) if kind in {"date", "date-time"} else "string"
        case "integer":
            return _integer_type(node)
        case "object":
            is_map = "properties" not in node and isinstance(
                node.get("additionalProperties"), Mapping
            )
            return "map" if is_map else "object"
        case str(plain):
            return plain
        case _:
            return None


def _integer_type(node: Mapping[str, Any]) -> str:
    """Return the smallest type that holds the interval; without both bounds that is ``int``."""
    low, high = node.get("minimum"), node.get("maximum")
    if not isinstance(low, int | float) or not isinstance(high, int | float):
        reach = max(
            (abs(bound) for bound in (low, high) if isinstance(bound, int | float)), default=0
        )
        return "int" if reach <= _SIGNIFICANT["int"] else "long"
    for name, size in _SIGNIFICANT.items():
        if -size <= low and high <= size:
            return name
    return "long"
