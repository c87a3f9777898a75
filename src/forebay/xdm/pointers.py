"""
Places in records and in schemas, from the pointers of violations to what people write.

``#/productListItems/0/SKU`` is ``productListItems[0].SKU`` in one record, and
``productListItems[].SKU`` in all of them.
"""

from typing import Any

_SKIPPED_ALONE = frozenset({"not", "contains", "propertyNames"})
_SKIPPED_WITH_NEXT = frozenset({"allOf", "anyOf", "oneOf", "dependencies"})


class Nowhere(LookupError):
    """A pointer leads to nothing in a value."""


def segments(pointer: str) -> list[str]:
    """Return the unescaped segments of a pointer such as ``#/a/b``."""
    _, _, path = pointer.partition("/")
    if not path and "/" not in pointer:
        return []
    return [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")]


def resolve(value: Any, pointer: str) -> Any:  # noqa: ANN401  any JSON value
    """
    Return what a pointer leads to.

    Raises:
        Nowhere: There is no such member or item.
    """
    for step in segments(pointer):
        try:
            value = value[int(step)] if isinstance(value, list) else value[step]
        except (LookupError, TypeError, ValueError):
            raise Nowhere(pointer) from None
    return value


def dotted(pointer: str, record: Any = None) -> str:  # noqa: ANN401  any JSON value
    """
    Return a pointer into a record with dots and brackets; the record itself is the empty text.

    Args:
        pointer: The pointer.
        record: Tells indexes from members that are called like numbers; without it every
            number counts as an index.
    """
    text, value = "", record
    for step in segments(pointer):
        is_index = step.isdigit() if record is None else isinstance(value, list)
        text += f"[{step}]" if is_index else f".{_quoted(step)}"
        try:
            value = value[int(step)] if isinstance(value, list) else value[step]
        except (LookupError, TypeError, ValueError):
            value = None
    return text.removeprefix(".")


def dotted_location(location: str) -> str:
    """Return the place that a pointer into a validation document speaks of: ``a[].b``, ``a.*``."""
    text = ""
    steps = iter(segments(location))
    for step in steps:
        if step == "properties":
            text += f".{_quoted(next(steps, ''))}"
        elif step == "items":
            text += "[]"
        elif step == "additionalProperties":
            text += ".*"
        elif step == "patternProperties":
            text += ".*"
            next(steps, None)
        elif step in _SKIPPED_WITH_NEXT:
            next(steps, None)
        elif step not in _SKIPPED_ALONE:
            text += f".{_quoted(step)}"
    return text.removeprefix(".")


def _quoted(name: str) -> str:
    is_plain = bool(name) and not any(sign in name for sign in '.[]*" \t\n')
    return name if is_plain else '"' + name.replace('"', '\\"') + '"'
