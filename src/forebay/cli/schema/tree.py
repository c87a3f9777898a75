"""A composed schema as lines of a tree: pure, so that `show` and the tests see the same."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from forebay.control.schemas.model import IDENTITY
from forebay.xdm.types import INTEGER_RANGES, xdm_type

Document = Mapping[str, Any]
Names = tuple[str, ...]

_VALUES_MAX = 4
_TEXT_MAX = 32
_PLAIN_FORMATS = frozenset({"date", "date-time"})
_BOUNDS = (
    ("minimum", "maximum", ""),
    ("exclusiveMinimum", "exclusiveMaximum", " excl."),
    ("minLength", "maxLength", " chars"),
    ("minItems", "maxItems", " items"),
    ("minProperties", "maxProperties", " keys"),
)
_DESTINATION = "xdm:destinationSchema"


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """One field: what a line of the tree says about it."""

    name: str
    """With ``[]`` for each array and ``{}`` for each map around the value."""
    path: Names
    kind: str
    """``meta:xdmType`` of the value, of an item's or a map's value."""
    is_required: bool
    is_deprecated: bool
    marks: tuple[str, ...] = ()
    """What descriptors say: identity, relationship."""
    rules: tuple[str, ...] = ()
    origin: str = ""
    """Title of what brings the field along, where it differs from the field around it."""
    children: tuple["Node", ...] = ()

    def count(self) -> int:
        """Return how many fields lie below."""
        return sum(1 + child.count() for child in self.children)


def tree(
    composed: Document,
    *,
    descriptors: Sequence[Document] = (),
    origins: Mapping[Names, str] | None = None,
) -> tuple[Node, ...]:
    """
    Return the fields of a composed resource.

    Args:
        composed: Its full form.
        descriptors: Those of the schema.
        origins: Title of the component that each path comes from, as `origins_of` finds it.
    """
    marks: dict[Names, tuple[str, ...]] = {}
    for descriptor in descriptors:
        for path in _paths(descriptor):
            marks[path] = (*marks.get(path, ()), *_marks(descriptor))
    return tuple(_Reader(marks, origins or {}).members(composed, (), ""))


def origins_of(parts: Sequence[tuple[str, Document]]) -> dict[Names, str]:
    """
    Return which component each field comes from.

    A field that several bring along is named after all of them.

    Args:
        parts: Title and full form of class and field groups.
    """
    owners: dict[Names, list[str]] = {}
    for title, composed in parts:
        for path in walk(composed):
            owners.setdefault(path, []).append(title)
    return {path: ", ".join(dict.fromkeys(titles)) for path, titles in owners.items()}


def walk(node: Document, path: Names = ()) -> Iterator[Names]:
    """Yield the path of every field; arrays and maps add nothing to it."""
    for name, field in node.get("properties", {}).items():
        yield (*path, name)
        yield from walk(unwrap(field)[1], (*path, name))


def unwrap(node: Document) -> tuple[str, Document]:
    """Return the value inside arrays and maps, and the brackets that say what was around it."""
    brackets = ""
    while True:
        if isinstance(node.get("items"), Mapping):
            brackets, node = f"{brackets}[]", node["items"]
        elif "properties" not in node and isinstance(node.get("additionalProperties"), Mapping):
            brackets, node = f"{brackets}{{}}", node["additionalProperties"]
        else:
            return brackets, node


def rules(node: Document) -> Iterator[str]:
    """Yield what a field's value must obey, each in a few characters."""
    if node.get("enum"):
        yield f"enum: {_enumerated(node['enum'])}"
    elif isinstance(node.get("meta:enum"), Mapping) and node["meta:enum"]:
        yield f"suggested: {_enumerated(list(node['meta:enum']))}"
    if "format" in node and node["format"] not in _PLAIN_FORMATS:
        yield str(node["format"])
    if "pattern" in node:
        yield f"/{_cut(str(node['pattern']))}/"
    for low, high, unit in _BOUNDS:
        shown = _bounds(node, low, high)
        if shown:
            yield shown + unit
    if "multipleOf" in node:
        yield f"multiple of {node['multipleOf']}"
    if node.get("uniqueItems") is True:
        yield "unique"
    if "default" in node:
        yield f"default {_cut(str(node['default']))}"


class _Reader:
    def __init__(
        self, marks: Mapping[Names, tuple[str, ...]], origins: Mapping[Names, str]
    ) -> None:
        self._marks = marks
        self._origins = origins

    def members(self, node: Document, path: Names, around: str) -> Iterator[Node]:
        required = node.get("required", ())
        for name, field in node.get("properties", {}).items():
            here = (*path, name)
            brackets, value = unwrap(field)
            origin = self._origins.get(here, around)
            outer = tuple(rules(field)) if brackets else ()
            yield Node(
                name=name + brackets,
                path=here,
                kind=xdm_type(value) or "any",
                is_required=name in required,
                is_deprecated=field.get("meta:status") == "deprecated",
                marks=self._marks.get(here, ()),
                rules=(*outer, *rules(value)),
                origin="" if origin == around else origin,
                children=tuple(self.members(value, here, origin)),
            )


def _paths(descriptor: Document) -> list[Names]:
    path = descriptor.get("xdm:sourceProperty")
    paths = path if isinstance(path, list) else [path]
    return [tuple(p.strip("/").split("/")) for p in paths if isinstance(p, str)]


def _marks(descriptor: Document) -> Iterator[str]:
    if descriptor["@type"] == IDENTITY:
        primary = "primary identity" if descriptor.get("xdm:isPrimary") is True else "identity"
        yield f"{primary} {descriptor.get('xdm:namespace')}"
    elif _DESTINATION in descriptor:
        yield f"→ {descriptor[_DESTINATION]}"


def _bounds(node: Document, low: str, high: str) -> str:
    least, most = node.get(low), node.get(high)
    if node.get("type") == "integer" and low == "minimum":
        widest = INTEGER_RANGES.get(xdm_type(node) or "int", (0, 0))
        least = None if _is_at(least, widest[0]) else least
        most = None if _is_at(most, widest[1]) else most
    if least is None and most is None:
        return ""
    if least is not None and most is not None:
        return f"{least}" if least == most else f"{least}..{most}"
    return f"≥ {least}" if most is None else f"≤ {most}"


def _is_at(bound: object, widest: int) -> bool:
    # Published bounds are symmetric powers of two: 128 for a byte.
    return isinstance(bound, int) and bound in {widest, widest + 1, -widest}


def _enumerated(values: Sequence[object]) -> str:
    shown = ", ".join(_cut(str(value)) for value in values[:_VALUES_MAX])
    rest = len(values) - _VALUES_MAX
    return f"{shown} … {rest} more" if rest > 0 else shown


def _cut(text: str) -> str:
    return text if len(text) <= _TEXT_MAX else f"{text[: _TEXT_MAX - 1]}…"
