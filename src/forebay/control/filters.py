"""
The filter grammar of Flow Service (flow-and-collection, 5.6).

``path operator value[,value...]``: a path is segments joined by dots, a segment may end in
``[]`` where the document has an array, a value may stand in double quotes.
"""

import re
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

import msgspec

from forebay.control.listing_errors import (
    InvalidFieldValue,
    InvalidFilterField,
    InvalidOperator,
    InvalidQueryValue,
    OperatorForOneValue,
    OperatorNotImplemented,
    OperatorNotSupported,
)

_SIGNS = "=!<>~"
_EQUALITY = {"==", "!="}
_ORDER = {">=", "<=", ">", "<"}
_SHAPE = re.compile(rf"(?P<path>[^{_SIGNS}]+)(?P<operator>[{_SIGNS}]+)(?P<values>.*)", re.DOTALL)
_VALUE = re.compile(r'(?:\s*"([^"]*)"\s*|([^",]*))(?:,|\Z)')
_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?")
_LENGTH_MAX = 16_384


class Kind(Enum):
    """What the values of a member are, and so how they compare."""

    TEXT = "text"
    STATE = "state"
    """Words that compare whatever their case."""
    NUMBER = "number"
    TIME = "time"
    FLAG = "flag"


_NUMERIC = {Kind.NUMBER, Kind.TIME}


class Filter(msgspec.Struct, frozen=True):
    """One condition on the documents of a list."""

    path: tuple[str, ...]
    operator: str
    values: tuple[str, ...]

    @property
    def member(self) -> str:
        """The path as the model names it, without brackets."""
        return ".".join(segment.removesuffix("[]") for segment in self.path)


def parse(text: str) -> Filter:
    """
    Read one filter.

    Raises:
        InvalidOperator: The signs between path and value are no operator.
        OperatorNotImplemented: The operator is ``~``.
        InvalidQueryValue: The text has no operator, no path or no value.
    """
    shape = _SHAPE.fullmatch(text)
    if shape is None or len(text) > _LENGTH_MAX:
        raise _unreadable(text)
    operator = "==" if shape["operator"] == "=" else shape["operator"]
    if operator == "~":
        raise OperatorNotImplemented("Operator '~' not implemented.")
    if operator not in _EQUALITY | _ORDER:
        raise InvalidOperator(f"Invalid operator {operator} in filter params.", operator=operator)
    values = _read_values(shape["values"], text)
    return Filter(tuple(shape["path"].strip().split(".")), operator, values)


def checked_kind(condition: Filter, kind: Kind | None) -> Kind:
    """
    Return the kind of a filter's member, if the filter suits it.

    Raises:
        InvalidFilterField: The documents have no such member.
        OperatorNotSupported: Values of this kind have no order.
        OperatorForOneValue: An order was asked for, with several values.
        InvalidFieldValue: A number or a time was compared with something else.
    """
    field, operator = condition.member, condition.operator
    if kind is None:
        raise InvalidFilterField(f"Invalid field {field} in filter params.", field=field)
    is_numeric = kind in _NUMERIC
    if operator in _ORDER and not is_numeric:
        raise OperatorNotSupported(
            f"Operator {operator} not supported for field {field}.", operator=operator, field=field
        )
    if operator in _ORDER and len(condition.values) > 1:
        raise OperatorForOneValue(
            f"Operator '{operator}' is not allowed for multiple values.", operator=operator
        )
    if is_numeric:
        _check_numbers(condition, may_be_several=kind is Kind.NUMBER)
    return kind


def matches(condition: Filter, kind: Kind, document: Mapping[str, Any]) -> bool:
    """
    Say whether a document fulfils a filter.

    A member that is absent differs from every value. Of an array one element is enough.
    """
    found = [_comparable(value, kind) for value in _values_at(document, condition.path)]
    wanted = [_wanted(value, kind) for value in condition.values]
    match condition.operator:
        case "==":
            return any(value in wanted for value in found)
        case "!=":
            return not any(value in wanted for value in found)
        case operator:
            return any(_is_ordered(value, operator, wanted[0]) for value in found)


def scalar_at(document: Mapping[str, Any], path: tuple[str, ...]) -> Any:  # noqa: ANN401  values of JSON
    """Return the text, number or flag at a path; None if there is none."""
    for value in _values_at(document, path):
        return value
    return None


def _values_at(value: Any, path: tuple[str, ...]) -> Iterator[Any]:  # noqa: ANN401  values of JSON
    if isinstance(value, list):
        for element in value:
            yield from _values_at(element, path)
    elif path and isinstance(value, Mapping):
        member = value.get(path[0].removesuffix("[]"))
        yield from _values_at(member, path[1:])
    elif not path and isinstance(value, str | int | float):
        yield value


def _comparable(value: str | float, kind: Kind) -> str | float:
    if kind in _NUMERIC and not isinstance(value, str):
        return value
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text.lower() if kind is Kind.STATE else text


def _wanted(value: str, kind: Kind) -> str | float:
    if kind in _NUMERIC:
        return float(value) if "." in value else int(value)
    return value.lower() if kind in {Kind.STATE, Kind.FLAG} else value


def _is_ordered(value: str | float, operator: str, wanted: str | float) -> bool:
    if isinstance(value, str) or isinstance(wanted, str):
        return False
    match operator:
        case ">=":
            return value >= wanted
        case "<=":
            return value <= wanted
        case ">":
            return value > wanted
        case _:
            return value < wanted


def _check_numbers(condition: Filter, *, may_be_several: bool) -> None:
    value = ",".join(condition.values)
    is_one = may_be_several or len(condition.values) == 1
    if not is_one or not all(_NUMBER.fullmatch(each) for each in condition.values):
        raise InvalidFieldValue(
            f"Invalid value {value} for field {condition.member}.",
            value=value,
            field=condition.member,
        )


def _read_values(text: str, whole: str) -> tuple[str, ...]:
    values, position = [], 0
    while True:
        found = _VALUE.match(text, position)
        if found is None:
            raise _unreadable(whole)
        quoted, bare = found.groups()
        if quoted is None and not bare.strip():
            raise _unreadable(whole)
        values.append(bare.strip() if quoted is None else quoted)
        if not found.group().endswith(","):
            return tuple(values)
        position = found.end()


def _unreadable(text: str) -> InvalidQueryValue:
    return InvalidQueryValue(f"Invalid query value {text[:200]} provided in query param.")
