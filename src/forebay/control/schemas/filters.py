"""
The ``property=`` filter of the Schema Registry and of Catalog (1.6 and 3.3).

``a==v``, ``a!=v``, ``a<v``, ``a<=v``, ``a>v``, ``a>=v``, ``a~regex``, ``a`` (exists) and
``!a`` (does not). An attribute that holds an array matches when any element does.
"""

import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from forebay.control.schemas.errors import ListingInvalid
from forebay.control.schemas.regular import LinearPattern, PatternInvalid, compile_pattern

_EXPRESSION = re.compile(r"(!?)([^=!<>~]+)(?:(==|!=|<=|>=|<|>|~)(.*))?", re.DOTALL)
_COMPARISONS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


class PropertyFilter(msgspec.Struct, frozen=True):
    """One condition on one attribute."""

    attribute: str
    comparison: str
    """One of the operators above, ``exists`` or ``absent``."""
    operand: str = ""

    def matches(self, document: Mapping[str, Any]) -> bool:
        """Say whether the document meets the condition."""
        values = list(_values(document, self.attribute))
        if self.comparison == "exists":
            return bool(values)
        if self.comparison == "absent":
            return not values
        if self.comparison == "!=":
            return not any(_text(value) == self.operand for value in values)
        test = _tester(self.comparison, self.operand)
        return any(test(value) for value in values)


def parse_property_filters(parameters: Iterable[str]) -> list[PropertyFilter]:
    """
    Read ``property`` parameters; several of them, or a comma list in one, all have to hold.

    Raises:
        ListingInvalid: One of them is no condition, or its regular expression is not one.
    """
    expressions = [part for parameter in parameters for part in parameter.split(",")]
    return [_parse(expression.strip()) for expression in expressions if expression.strip()]


def matches_all(document: Mapping[str, Any], filters: Iterable[PropertyFilter]) -> bool:
    """Say whether a document meets every condition."""
    return all(condition.matches(document) for condition in filters)


def _parse(expression: str) -> PropertyFilter:
    match = _EXPRESSION.fullmatch(expression)
    if match is None or (match[1] and match[3]):
        raise ListingInvalid(
            f"property={expression} is not a filter: expected name, !name, or name and a value "
            "joined by one of == != < > <= >= ~"
        )
    attribute = match[2].strip()
    if match[1]:
        return PropertyFilter(attribute, "absent")
    if not match[3]:
        return PropertyFilter(attribute, "exists")
    if match[3] == "~":
        _compile(match[4])  # refused here rather than on the first document
    return PropertyFilter(attribute, match[3], match[4].strip())


def _values(document: Mapping[str, Any], attribute: str) -> Iterator[object]:
    value: object = document.get(attribute)
    if value is None and "." in attribute:
        value = _descend(document, attribute.split("."))
    if isinstance(value, list):
        yield from value
    elif value is not None:
        yield value


def _descend(document: Mapping[str, Any], path: list[str]) -> object:
    value: object = document
    for name in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def _tester(comparison: str, operand: str) -> Callable[[object], bool]:
    if comparison == "==":
        return lambda value: _text(value) == operand
    if comparison == "~":
        pattern = _compile(operand)
        return lambda value: pattern.search(_text(value)) is not None
    return lambda value: _compares(value, comparison, operand)


def _compares(value: object, comparison: str, operand: str) -> bool:
    left: str | float = _text(value)
    right: str | float = operand
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            left, right = value, float(operand)
        except ValueError:
            return False
    test: Callable[[Any, Any], bool] = _COMPARISONS[comparison]
    return test(left, right)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _compile(pattern: str) -> LinearPattern:
    try:
        return compile_pattern(pattern)
    except PatternInvalid as error:
        raise ListingInvalid(f"{pattern!r} is no regular expression: {error}") from None
