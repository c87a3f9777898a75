"""Rules that look at one value and nothing below it, in everit's order and words (Appendix C)."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, NamedTuple

from forebay.xdm.formats import FORMATS
from forebay.xdm.patterns import Pattern
from forebay.xdm.values import identity_of, is_number, shown


class Leaf(NamedTuple):
    """A broken rule before it knows its place."""

    keyword: str
    message: str


LeafRule = Callable[[Any], Leaf | None]


def string_rules(schema: Mapping[str, Any]) -> list[LeafRule]:
    """Return the rules for a string: length, pattern, format."""
    rules: list[LeafRule] = []
    if "minLength" in schema:
        rules.append(
            _at_least(schema["minLength"], "minLength", "expected minLength: {0}, actual: {1}")
        )
    if "maxLength" in schema:
        rules.append(
            _at_most(schema["maxLength"], "maxLength", "expected maxLength: {0}, actual: {1}")
        )
    if "pattern" in schema:
        rules.append(_pattern(schema["pattern"]))
    if schema.get("format") in FORMATS:
        rules.append(_format(schema["format"]))
    return rules


def number_rules(schema: Mapping[str, Any]) -> list[LeafRule]:
    """Return the rules for a number: bounds, then divisor."""
    rules: list[LeafRule] = []
    for keyword, words, holds in _BOUNDS:
        bound = schema.get(keyword)
        if bound is not None and is_number(bound):
            rules.append(_bound(keyword, words, bound, holds))
    divisor = schema.get("multipleOf")
    if divisor and is_number(divisor):
        rules.append(_multiple(divisor))
    return rules


def object_rules(schema: Mapping[str, Any]) -> list[LeafRule]:
    """Return the rules for the size of an object."""
    rules: list[LeafRule] = []
    if "minProperties" in schema:
        words = "minimum size: [{0}], found: [{1}]"
        rules.append(_at_least(schema["minProperties"], "minProperties", words))
    if "maxProperties" in schema:
        words = "maximum size: [{0}], found: [{1}]"
        rules.append(_at_most(schema["maxProperties"], "maxProperties", words))
    return rules


def array_rules(schema: Mapping[str, Any]) -> list[LeafRule]:
    """Return the rules for an array as a whole: counts, uniqueness."""
    rules: list[LeafRule] = []
    if "minItems" in schema:
        words = "expected minimum item count: {0}, found: {1}"
        rules.append(_at_least(schema["minItems"], "minItems", words))
    if "maxItems" in schema:
        words = "expected maximum item count: {0}, found: {1}"
        rules.append(_at_most(schema["maxItems"], "maxItems", words))
    if schema.get("uniqueItems"):
        rules.append(_unique)
    return rules


_BOUNDS: tuple[tuple[str, str, Callable[[Any, Any], bool]], ...] = (
    ("minimum", "greater or equal to", lambda value, bound: value >= bound),
    ("exclusiveMinimum", "greater than", lambda value, bound: value > bound),
    ("maximum", "less or equal to", lambda value, bound: value <= bound),
    ("exclusiveMaximum", "less than", lambda value, bound: value < bound),
)


def _at_least(bound: int, keyword: str, words: str) -> LeafRule:
    def rule(value: Any) -> Leaf | None:  # noqa: ANN401
        size = len(value)
        return Leaf(keyword, words.format(bound, size)) if size < bound else None

    return rule


def _at_most(bound: int, keyword: str, words: str) -> LeafRule:
    def rule(value: Any) -> Leaf | None:  # noqa: ANN401
        size = len(value)
        return Leaf(keyword, words.format(bound, size)) if size > bound else None

    return rule


def _pattern(text: str) -> LeafRule:
    pattern = Pattern(text)

    def rule(value: str) -> Leaf | None:
        if pattern.is_found_in(value):
            return None
        return Leaf("pattern", f"string [{value}] does not match pattern {text}")

    return rule


def _format(name: str) -> LeafRule:
    demanded = FORMATS[name]

    def rule(value: str) -> Leaf | None:
        return None if demanded.holds(value) else Leaf("format", f"[{value}] {demanded.miss}")

    return rule


def _bound(keyword: str, words: str, bound: float, holds: Callable[[Any, Any], bool]) -> LeafRule:
    def rule(value: float) -> Leaf | None:
        if holds(value, bound):
            return None
        return Leaf(keyword, f"{shown(value)} is not {words} {shown(bound)}")

    return rule


def _multiple(divisor: float) -> LeafRule:
    exact = Fraction(str(divisor))

    def rule(value: float) -> Leaf | None:
        if (Fraction(str(value)) / exact).denominator == 1:
            return None
        return Leaf("multipleOf", f"{shown(value)} is not a multiple of {shown(divisor)}")

    return rule


def _unique(value: list[Any]) -> Leaf | None:
    distinct = {identity_of(item) for item in value}
    return (
        None if len(distinct) == len(value) else Leaf("uniqueItems", "array items are not unique")
    )
