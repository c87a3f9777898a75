"""
The fast path of validation: a msgspec type that decodes only what the rules allow.

Decoding is checking, at a microsecond or two a record. The type is *sound*: what it decodes, the
explainer has nothing to say about. It is not complete: unusual but valid values are refused here
and left to the explainer. What no type can say becomes a *residue*, a function of the decoded value
that the enclosing struct runs.
"""

import math
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from forebay.kernel import limits
from forebay.xdm.explainer import Rules
from forebay.xdm.formats import FAST, FORMATS
from forebay.xdm.patterns import Pattern, ordinary_pattern
from forebay.xdm.values import EXACT_INTEGER_MAX, depth_exceeds, identity_of, is_number

Residue = Callable[[Any], object]
"""What is left to check on a decoded value; truthy if it holds."""

_INT64_MAX = 2**63 - 1
_LENGTH_MAX = 2**31 - 1
_BEYOND_TYPES = frozenset(
    {"oneOf", "anyOf", "allOf", "not", "contains", "propertyNames", "patternProperties"}
    | {"dependencies"}
)


class Accepted(msgspec.Struct, frozen=True):
    """A type and what it leaves to check."""

    type: Any
    residue: Residue | None = None


def accepted_type(schema: Mapping[str, Any], depth: int = 1) -> Accepted:
    """Return what decodes the values of a node that stands `depth` levels deep."""
    kind = schema.get("type")
    if not isinstance(kind, str) or any(keyword in schema for keyword in _BEYOND_TYPES):
        return _left_to_rules(schema, depth)
    if kind in {"array", "object"} and depth > limits.JSON_DEPTH_MAX:
        return _left_to_rules(schema, depth)
    if "enum" in schema or "const" in schema:
        return _choice(schema, depth)
    return _BY_TYPE.get(kind, _left_to_rules)(schema, depth)


def _left_to_rules(schema: Mapping[str, Any], depth: int) -> Accepted:
    """Decode anything and ask the explainer's own rules: right by construction, slower."""
    rules = Rules(schema)
    levels = max(limits.JSON_DEPTH_MAX - depth + 1, 0)
    return Accepted(Any, lambda value: not depth_exceeds(value, levels) and rules.accept(value))


def _choice(schema: Mapping[str, Any], depth: int) -> Accepted:
    values = [schema["const"]] if "const" in schema else schema["enum"]
    rules = Rules(schema)
    allowed = [value for value in values if isinstance(value, str) and rules.accept(value)]
    if len(allowed) != len(values) or not allowed:
        return _left_to_rules(schema, depth)
    return Accepted(Literal[tuple(allowed)])


def _string(schema: Mapping[str, Any], _: int) -> Accepted:
    bounds: dict[str, Any] = {}
    residues: list[Residue] = []
    for keyword, name in (("minLength", "min_length"), ("maxLength", "max_length")):
        if keyword in schema:
            bounds[name] = min(schema[keyword], _LENGTH_MAX)
    if schema.get("minLength", 0) > _LENGTH_MAX:
        residues.append(lambda _: False)
    name = schema.get("format", "")
    if name in FAST:
        fast = FAST[name]
        residues.append(_match(fast.pattern))
        if fast.length_max is not None:
            bounds["max_length"] = min(fast.length_max, bounds.get("max_length", _LENGTH_MAX))
    elif name in FORMATS:
        residues.append(FORMATS[name].holds)
    if "pattern" in schema:
        ordinary = ordinary_pattern(schema["pattern"])
        if ordinary is not None:
            residues.append(_match(ordinary))
        elif not (pattern := Pattern(schema["pattern"])).is_always_found:
            residues.append(pattern.is_found_in)
    plain: Any = Annotated[str, Meta(**bounds)] if bounds else str
    return Accepted(plain, _both(residues))


def _match(anchored: str) -> Residue:
    """
    Return what matches a string against an anchored pattern.

    A struct's own check calls it at half the price of a pattern in the type.
    """
    return re.compile(anchored).match


def _integer(schema: Mapping[str, Any], depth: int) -> Accepted:
    low, high = _integer_bounds(schema, -_INT64_MAX, _INT64_MAX)
    bounds: dict[str, Any] = {"ge": low, "le": high}
    divisor = schema.get("multipleOf")
    if divisor is not None:
        if not isinstance(divisor, int) or not 0 < divisor <= _INT64_MAX:
            return _left_to_rules(schema, depth)
        bounds["multiple_of"] = divisor
    if low > high:
        return _left_to_rules(schema, depth)
    return Accepted(Annotated[int, Meta(**bounds)])


def _number(schema: Mapping[str, Any], depth: int) -> Accepted:
    if "multipleOf" in schema:
        return _left_to_rules(schema, depth)
    low, high = _integer_bounds(schema, -EXACT_INTEGER_MAX, EXACT_INTEGER_MAX)
    bounds: dict[str, Any] = {}
    for inclusive, exclusive, with_equal, without in (
        ("minimum", "exclusiveMinimum", "ge", "gt"),
        ("maximum", "exclusiveMaximum", "le", "lt"),
    ):
        if is_number(schema.get(inclusive)) and is_number(schema.get(exclusive)):
            return _left_to_rules(schema, depth)
        if is_number(schema.get(inclusive)):
            bounds[with_equal] = float(schema[inclusive])
        if is_number(schema.get(exclusive)):
            bounds[without] = float(schema[exclusive])
    if low > high or any(abs(bound) > EXACT_INTEGER_MAX for bound in bounds.values()):
        return _left_to_rules(schema, depth)
    decimal: Any = Annotated[float, Meta(**bounds)] if bounds else float
    return Accepted(Annotated[int, Meta(ge=low, le=high)] | decimal)


def _integer_bounds(schema: Mapping[str, Any], low: int, high: int) -> tuple[int, int]:
    """Return the integers between the bounds of a node, within a range."""
    if is_number(schema.get("minimum")):
        low = max(low, math.ceil(schema["minimum"]))
    if is_number(schema.get("exclusiveMinimum")):
        low = max(low, math.floor(schema["exclusiveMinimum"]) + 1)
    if is_number(schema.get("maximum")):
        high = min(high, math.floor(schema["maximum"]))
    if is_number(schema.get("exclusiveMaximum")):
        high = min(high, math.ceil(schema["exclusiveMaximum"]) - 1)
    return low, high


def _array(schema: Mapping[str, Any], depth: int) -> Accepted:
    items = schema.get("items")
    if not isinstance(items, Mapping):
        return _left_to_rules(schema, depth)
    item = accepted_type(items, depth + 1)
    listed = _sized(list[item.type], schema, "minItems", "maxItems")  # type: ignore[name-defined]  # built at run time
    if listed is None:
        return _left_to_rules(schema, depth)
    residues: list[Residue] = []
    residue = item.residue
    if residue is not None:
        residues.append(lambda value: all(map(residue, value)))
    if schema.get("uniqueItems"):
        residues.append(_is_unique)
    return Accepted(listed, _both(residues))


def _is_unique(items: list[Any]) -> bool:
    return len({identity_of(msgspec.to_builtins(item)) for item in items}) == len(items)


def _object(schema: Mapping[str, Any], depth: int) -> Accepted:
    free = schema.get("additionalProperties")
    if "properties" not in schema:
        if not isinstance(free, Mapping) or "required" in schema:
            return _left_to_rules(schema, depth)
        return _map(schema, free, depth)
    names = schema["properties"].keys()
    is_struct = (
        free is False
        and all(name in names for name in schema.get("required", ()))
        and all(_may_name_a_field(name) for name in names)
    )
    return _struct(schema, depth) if is_struct else _left_to_rules(schema, depth)


def _map(schema: Mapping[str, Any], free: Mapping[str, Any], depth: int) -> Accepted:
    value = accepted_type(free, depth + 1)
    mapped = _sized(dict[str, value.type], schema, "minProperties", "maxProperties")  # type: ignore[name-defined]  # built at run time
    residue = value.residue
    if mapped is None:
        return _left_to_rules(schema, depth)
    if residue is None:
        return Accepted(mapped)
    return Accepted(mapped, lambda members: all(map(residue, members.values())))


def _sized(plain: Any, schema: Mapping[str, Any], least: str, most: str) -> Any | None:  # noqa: ANN401
    bounds = {
        name: schema[keyword]
        for keyword, name in ((least, "min_length"), (most, "max_length"))
        if keyword in schema
    }
    if any(bound > _LENGTH_MAX for bound in bounds.values()):
        return None
    return Annotated[plain, Meta(**bounds)] if bounds else plain


def _struct(schema: Mapping[str, Any], depth: int) -> Accepted:
    required = frozenset(schema.get("required", ()))
    fields: list[Any] = []
    names: dict[str, str] = {}
    residues: list[tuple[str, Residue]] = []
    for at, (name, rules) in enumerate(schema["properties"].items()):
        attribute = f"f{at}"
        names[attribute] = name
        accepted = accepted_type(rules, depth + 1)
        if name in required:
            fields.append((attribute, accepted.type))
        else:
            fields.append((attribute, accepted.type | UnsetType, UNSET))
        if accepted.residue is not None:
            residues.append((attribute, accepted.residue))
    size = _size(schema, list(names))
    struct = msgspec.defstruct(
        "Accepted",
        fields,
        kw_only=True,
        rename=names,
        forbid_unknown_fields=True,
        gc=False,
        namespace={"__post_init__": _check(residues, size)} if residues or size else {},
    )
    return Accepted(struct)


def _size(schema: Mapping[str, Any], attributes: list[str]) -> Residue | None:
    """Return what checks how many members a struct has, None if any number will do."""
    if "minProperties" not in schema and "maxProperties" not in schema:
        return None
    least, most = schema.get("minProperties", 0), schema.get("maxProperties", math.inf)

    def has_right_size(record: Any) -> bool:  # noqa: ANN401  the struct is made at run time
        present = sum(getattr(record, attribute) is not UNSET for attribute in attributes)
        return bool(least <= present <= most)

    return has_right_size


def _check(residues: list[tuple[str, Residue]], size: Residue | None) -> Callable[[Any], None]:
    """
    Return what a struct runs on itself after it is decoded; an error there is a refusal to decode.

    It is written out field by field, because a loop over the residues takes half as long again.
    Its text has numbers in it and nothing of the schema.
    """
    known: dict[str, Any] = {"UNSET": UNSET}
    lines = ["def check(record):"]
    for at, (attribute, residue) in enumerate(residues):
        known[f"holds{at}"] = residue
        lines.append(f" value = record.{attribute}")
        lines.append(f" if value is not UNSET and not holds{at}(value): raise ValueError")
    if size is not None:
        known["has_right_size"] = size
        lines.append(" if not has_right_size(record): raise ValueError")
    exec("\n".join(lines), known)  # noqa: S102  see above
    check: Callable[[Any], None] = known["check"]
    return check


def _may_name_a_field(name: str) -> bool:
    """Say whether msgspec can rename a field to a name: no escapes in its JSON."""
    return not any(character in '"\\' or character < " " for character in name)


def _both(residues: list[Residue]) -> Residue | None:
    if len(residues) < 2:  # noqa: PLR2004  one or none needs no wrapping
        return residues[0] if residues else None
    return lambda value: all(residue(value) for residue in residues)


_BY_TYPE: dict[str, Callable[[Mapping[str, Any], int], Accepted]] = {
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": lambda _schema, _depth: Accepted(bool),
    "array": _array,
    "object": _object,
}
