"""
The authority on validity: which rules a record breaks, in the words and the shape AEP prints.

A validation document is compiled into a tree of rules once. Checking a value returns the tree of
violations (flow-and-collection, 16.2): a single one alone, several under a wrapper, at every level.
The order of the checks is part of the contract, because a limit stops after the first few.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import msgspec

from forebay.xdm import leaf_rules
from forebay.xdm.leaf_rules import Leaf
from forebay.xdm.patterns import Pattern
from forebay.xdm.values import (
    found_type,
    identity_of,
    is_exact_double,
    is_integer,
    is_number,
    shown,
)
from forebay.xdm.violations import Violation

_NAMES = {
    "string": "String",
    "integer": "Integer",
    "number": "Number",
    "boolean": "Boolean",
    "object": "JSONObject",
    "array": "JSONArray",
}
_TYPES: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "integer": is_integer,
    "number": is_number,
    "boolean": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "null": lambda value: value is None,
}


class Budget:
    """How many more violations may be reported."""

    def __init__(self, violations_max: int | None) -> None:
        self.left = float("inf") if violations_max is None else violations_max

    def trim(self, violation: Violation) -> Violation:
        """Return a violation with as many leaves as are left, and count them."""
        if not violation.causes:
            self.left -= 1
            return violation
        causes: list[Violation] = []
        for cause in violation.causes:
            if self.left <= 0:
                break
            causes.append(self.trim(cause))
        if violation.keyword is None:
            return wrap(causes, violation.schema_location, violation.pointer) or violation
        return msgspec.structs.replace(violation, causes=tuple(causes))


class Part(Protocol):
    """One rule of a schema node, or its typed core."""

    def __call__(self, value: Any, at: str, budget: Budget) -> Violation | None:  # noqa: ANN401
        """Return what is wrong with a value at a pointer, None if nothing is."""


class Rules:
    """The compiled rules of one schema node."""

    def __init__(self, schema: Mapping[str, Any], location: str = "#") -> None:
        """
        Compile a validation document, or a node of one.

        Raises:
            PatternRefused: A pattern cannot be run in linear time.
        """
        self._location = location
        self._parts = _parts(schema, location)

    def violation(self, value: Any, at: str, budget: Budget) -> Violation | None:  # noqa: ANN401
        """Return the violations of a value as one tree, None if it has none."""
        parts = self._parts
        if len(parts) == 1:
            return parts[0](value, at, budget)
        return _all_of(parts, value, at, budget, self._location)

    def accept(self, value: Any) -> bool:  # noqa: ANN401
        """Say whether a value has no violation."""
        return self.violation(value, "#", Budget(1)) is None


def wrap(found: list[Violation], location: str, at: str) -> Violation | None:
    """Return violations as one tree: alone, or under a wrapper that counts the leaves."""
    if len(found) <= 1:
        return found[0] if found else None
    count = sum(len(violation.leaves()) for violation in found)
    return Violation(
        schema_location=location,
        pointer=at,
        keyword=None,
        message=f"{count} schema violations found",
        causes=tuple(found),
    )


def escaped(name: str) -> str:
    """Return a name as a segment of a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def _parts(schema: Mapping[str, Any], location: str) -> list[Part]:
    """Return the independent rules of a node; more than one of them act as an ``allOf``."""
    parts: list[Part] = []
    if "enum" in schema:
        parts.append(_enum(schema["enum"], location))
    for keyword in ("allOf", "anyOf", "oneOf"):
        if keyword in schema:
            branches = [
                Rules(branch, f"{location}/{keyword}/{at}")
                for at, branch in enumerate(schema[keyword])
            ]
            parts.append(_combined(keyword, branches, location))
    if "not" in schema:
        parts.append(_not(schema["not"], location))
    if "const" in schema:
        parts.append(_const(schema["const"], location))
    stated = schema.get("type")
    if isinstance(stated, list):
        branches = [Rules({**_core(schema), "type": name}, location) for name in stated]
        parts.append(_combined("anyOf", branches, location))
    elif _core(schema) or not parts:
        parts.append(_Typed(schema, location))
    return parts


def _core(schema: Mapping[str, Any]) -> dict[str, Any]:
    apart = {"enum", "const", "not", "oneOf", "anyOf", "allOf"}
    return {
        key: value
        for key, value in schema.items()
        if key not in apart and not key.startswith("meta:")
    }


def _enum(values: list[Any], location: str) -> Part:
    allowed = {identity_of(value) for value in values}
    strings = {value for value in values if isinstance(value, str)}

    def check(value: Any, at: str, budget: Budget) -> Violation | None:  # noqa: ANN401
        if (value in strings) if isinstance(value, str) else (identity_of(value) in allowed):
            return None
        return _leaf(
            location, at, budget, Leaf("enum", f"{shown(value)} is not a valid enum value")
        )

    return check


def _const(expected: Any, location: str) -> Part:  # noqa: ANN401
    identity = identity_of(expected)

    def check(value: Any, at: str, budget: Budget) -> Violation | None:  # noqa: ANN401
        if identity_of(value) == identity:
            return None
        return _leaf(location, at, budget, Leaf("const", ""))

    return check


def _not(schema: Mapping[str, Any], location: str) -> Part:
    rules = Rules(schema, f"{location}/not")
    text = shown(dict(schema))

    def check(value: Any, at: str, budget: Budget) -> Violation | None:  # noqa: ANN401
        if not rules.accept(value):
            return None
        return _leaf(
            location, at, budget, Leaf("not", f"subject must not be valid against schema {text}")
        )

    return check


def _combined(keyword: str, branches: list[Rules], location: str) -> Part:
    def check(value: Any, at: str, budget: Budget) -> Violation | None:  # noqa: ANN401
        parts: list[Part] = [branch.violation for branch in branches]
        if keyword == "allOf":
            return _all_of(parts, value, at, budget, location)
        # How many branches match must be known even when no more violations are wanted.
        inner = max(budget.left, 1)
        found = [
            part(value, at, Budget(None if inner == float("inf") else int(inner))) for part in parts
        ]
        causes = [violation for violation in found if violation is not None]
        matched = len(parts) - len(causes)
        if matched == 1 or (matched > 1 and keyword == "anyOf"):
            return None
        message = (
            f"no subschema matched out of the total {len(parts)} subschemas"
            if keyword == "anyOf"
            else f"{matched} subschemas matched instead of one"
        )
        return budget.trim(_node(location, at, keyword, message, causes))

    return check


def _all_of(
    parts: list[Part],
    value: Any,  # noqa: ANN401
    at: str,
    budget: Budget,
    location: str,
) -> Violation | None:
    inner = max(budget.left, 1)
    found = [
        part(value, at, Budget(None if inner == float("inf") else int(inner))) for part in parts
    ]
    causes = [violation for violation in found if violation is not None]
    if not causes:
        return None
    matched = len(parts) - len(causes)
    message = f"only {matched} subschema matches out of {len(parts)}"
    return budget.trim(_node(location, at, "allOf", message, causes))


def _node(location: str, at: str, keyword: str, message: str, causes: list[Violation]) -> Violation:
    return Violation(
        schema_location=location,
        pointer=at,
        keyword=keyword,
        message=message,
        causes=tuple(causes),
    )


def _leaf(location: str, at: str, budget: Budget, leaf: Leaf) -> Violation:
    budget.left -= 1
    return Violation(
        schema_location=location, pointer=at, keyword=leaf.keyword, message=leaf.message
    )


class _Typed:
    """The typed core of a node: its type, and the rules for values of each kind."""

    def __init__(self, schema: Mapping[str, Any], location: str) -> None:
        self._location = location
        self._type = schema.get("type")
        self._is_type = _TYPES.get(str(self._type), lambda _: True)
        self._strings = leaf_rules.string_rules(schema)
        self._numbers = leaf_rules.number_rules(schema)
        self._object = _Members(schema, location)
        self._array = _Items(schema, location)

    def __call__(self, value: Any, at: str, budget: Budget) -> Violation | None:  # noqa: ANN401
        leaf = self._type_leaf(value)
        if leaf is not None:
            return _leaf(self._location, at, budget, leaf)
        if isinstance(value, dict):
            return wrap(self._object.violations(value, at, budget), self._location, at)
        if isinstance(value, list):
            return wrap(self._array.violations(value, at, budget), self._location, at)
        rules: list[leaf_rules.LeafRule] = []
        if isinstance(value, str):
            rules = self._strings
        elif is_number(value):
            rules = self._numbers
        found: list[Violation] = []
        for rule in rules:
            broken = rule(value)
            if broken is not None and budget.left > 0:
                found.append(_leaf(self._location, at, budget, broken))
        return wrap(found, self._location, at)

    def _type_leaf(self, value: Any) -> Leaf | None:  # noqa: ANN401
        if not self._is_type(value):
            expected = _NAMES.get(str(self._type))
            if expected is None:
                return Leaf("type", f"expected: null, found: {found_type(value)}")
            return Leaf("type", f"expected type: {expected}, found: {found_type(value)}")
        if self._type == "number" and is_integer(value) and not is_exact_double(value):
            return Leaf(
                "type", f"{value} cannot be kept exactly as a Number; its digits exceed 2^53"
            )
        return None


class _Members:
    """Rules for the members of an object, in the order of 16.2, rule 5."""

    def __init__(self, schema: Mapping[str, Any], location: str) -> None:
        self._location = location
        self._required = list(schema.get("required", ()))
        self._sizes = leaf_rules.object_rules(schema)
        self._names = _sub(schema, "propertyNames", location)
        self._dependencies: dict[str, Any] = schema.get("dependencies", {})
        self._schema_dependencies = {
            name: Rules(rule, f"{location}/dependencies/{escaped(name)}")
            for name, rule in self._dependencies.items()
            if isinstance(rule, Mapping)
        }
        self._properties = {
            name: Rules(field, f"{location}/properties/{escaped(name)}")
            for name, field in schema.get("properties", {}).items()
        }
        self._patterns = [
            (Pattern(pattern), Rules(rule, f"{location}/patternProperties/{escaped(pattern)}"))
            for pattern, rule in schema.get("patternProperties", {}).items()
        ]
        self._is_closed = schema.get("additionalProperties") is False
        self._free = _sub(schema, "additionalProperties", location)

    def violations(self, value: dict[str, Any], at: str, budget: Budget) -> list[Violation]:
        """Return what is wrong with an object, its members included."""
        found: list[Violation] = []
        for step in self._steps(value, at):
            if budget.left <= 0:
                break
            if isinstance(step, Leaf):
                found.append(_leaf(self._location, at, budget, step))
                continue
            rules, member, pointer = step
            violation = rules.violation(member, pointer, budget)
            if violation is not None:
                found.append(violation)
        return found

    def _steps(self, value: dict[str, Any], at: str) -> Iterator[Leaf | tuple[Rules, Any, str]]:
        """Yield what is wrong with the object itself, and what is to be checked below it."""
        for name in self._required:
            if name not in value:
                yield Leaf("required", f"required key [{name}] not found")
        if self._names is not None:
            # What is wrong with a name is said of the object: a name has no pointer.
            for name in value:
                yield self._names, name, at
        yield from self._own_leaves(value)
        yield from self._checks(value, at)

    def _own_leaves(self, value: dict[str, Any]) -> list[Leaf]:
        leaves = [leaf for rule in self._sizes if (leaf := rule(value)) is not None]
        for name, needed in self._dependencies.items():
            if name in value and isinstance(needed, list):
                leaves.extend(
                    Leaf("dependencies", f"property [{other}] is required")
                    for other in needed
                    if other not in value
                )
        if self._is_closed and not value.keys() <= self._properties.keys():
            leaves.extend(
                Leaf("additionalProperties", f"extraneous key [{name}] is not permitted")
                for name in value
                if not self._is_declared(name)
            )
        return leaves

    def _checks(self, value: dict[str, Any], at: str) -> list[tuple[Rules, Any, str]]:
        checks: list[tuple[Rules, Any, str]] = []
        if self._free is not None:
            checks.extend(
                (self._free, member, f"{at}/{escaped(name)}")
                for name, member in value.items()
                if not self._is_declared(name)
            )
        for pattern, rules in self._patterns:
            checks.extend(
                (rules, member, f"{at}/{escaped(name)}")
                for name, member in value.items()
                if pattern.is_found_in(name)
            )
        checks.extend(
            (rules, value, at) for name, rules in self._schema_dependencies.items() if name in value
        )
        checks.extend(
            (rules, value[name], f"{at}/{escaped(name)}")
            for name, rules in self._properties.items()
            if name in value
        )
        return checks

    def _is_declared(self, name: str) -> bool:
        return name in self._properties or any(
            pattern.is_found_in(name) for pattern, _ in self._patterns
        )


class _Items:
    """Rules for the items of an array."""

    def __init__(self, schema: Mapping[str, Any], location: str) -> None:
        self._location = location
        self._sizes = leaf_rules.array_rules(schema)
        self._item = _sub(schema, "items", location)
        self._contained = _sub(schema, "contains", location)

    def violations(self, value: list[Any], at: str, budget: Budget) -> list[Violation]:
        """Return what is wrong with an array, its items included."""
        found: list[Violation] = []
        for rule in self._sizes:
            leaf = rule(value)
            if leaf is not None and budget.left > 0:
                found.append(_leaf(self._location, at, budget, leaf))
        if self._item is not None:
            for index, item in enumerate(value):
                if budget.left <= 0:
                    return found
                violation = self._item.violation(item, f"{at}/{index}", budget)
                if violation is not None:
                    found.append(violation)
        contained = self._contained
        if contained is not None and budget.left > 0 and not any(map(contained.accept, value)):
            message = "expected at least one array item to match 'contains' schema"
            found.append(_leaf(self._location, at, budget, Leaf("contains", message)))
        return found


def _sub(schema: Mapping[str, Any], keyword: str, location: str) -> Rules | None:
    rule = schema.get(keyword)
    return Rules(rule, f"{location}/{keyword}") if isinstance(rule, Mapping) else None
