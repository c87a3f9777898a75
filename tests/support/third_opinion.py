"""
What the ``jsonschema`` package says of a record, after the differences that are meant.

It reads the same validation document, as JSON Schema draft 6, with Python's own JSON parser. Only
this is taken out of its hands, and nothing else:

- *reading*: NaN, Infinity, numbers beyond a double, lone surrogates, invalid UTF-8, byte order
  marks, a key said twice and more than 64 levels are invalid records;
- *integers*: ``1.0`` is no integer, though draft 6 would take it for one;
- *numbers*: an integer that no double holds exactly is no number;
- *formats*: checked by the functions of `forebay.xdm.formats` (decisions, 17 and 18), because the
  package has rules of its own for them; those functions have their own tests;
- *patterns*: ``$`` is the very end, classes such as digits are ASCII, as RE2 has it;
- *multipleOf*: in decimal, where the package divides doubles.
"""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal, localcontext
from json import JSONDecoder  # noqa: TID251  a second opinion on JSON, too
from typing import Any

import jsonschema

from forebay.kernel import limits
from forebay.xdm.formats import FORMATS

_DIGITS = 800
"""The quotient of the largest double and the smallest step has fewer."""


class Unreadable(ValueError):
    """Bytes that are no record."""


def read(entity: bytes) -> Any:
    """Return a record as Python's parser reads it, if it is strict and not too deep."""
    try:
        value = _decoder.decode(entity.decode())
    except (ValueError, RecursionError) as error:
        raise Unreadable(str(error)) from None
    _look_through(value, limits.JSON_DEPTH_MAX)
    return value


class ThirdOpinion:
    """The package's verdicts on the records of one validation document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        checker = jsonschema.FormatChecker(formats=())
        for name, demanded in FORMATS.items():
            holds = demanded.holds
            checker.checks(name)(
                lambda value, holds=holds: not isinstance(value, str) or holds(value)
            )
        self._validator = _Draft(document, format_checker=checker)

    def is_valid(self, entity: bytes) -> bool:
        """Say whether a record is valid."""
        try:
            value = read(entity)
        except Unreadable:
            return False
        return bool(self._validator.is_valid(value))


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        message = "a key twice"
        raise Unreadable(message)
    return found


def _refuse(text: str) -> Any:
    raise Unreadable(text)


def _float(text: str) -> float:
    value = float(text)
    return value if abs(value) != float("inf") else _refuse(text)


_decoder = JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse, parse_float=_float)


def _look_through(value: Any, levels: int) -> None:
    """Refuse what is too deep, and text that is no Unicode."""
    if isinstance(value, str):
        if any("\ud800" <= character <= "\udfff" for character in value):
            _refuse("a lone surrogate")
    elif isinstance(value, dict | list):
        if not levels:
            _refuse("too deep")
        children = [*value, *value.values()] if isinstance(value, dict) else value
        for child in children:
            _look_through(child, levels - 1)


def _is_integer(_: object, value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_exact(value: float) -> bool:
    try:
        return float(value) == value
    except OverflowError:
        return False


def _type(validator: Any, kinds: Any, value: Any, _: Any) -> Iterator[Any]:
    stated = [kinds] if isinstance(kinds, str) else kinds
    held = [kind for kind in stated if validator.is_type(value, kind)]
    if not held or (held == ["number"] and not _is_exact(value)):
        yield jsonschema.ValidationError("type")


def _regular(pattern: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\$(?=$|\||\))", r"\\Z", pattern), re.ASCII)


def _pattern(_: Any, pattern: str, value: Any, __: Any) -> Iterator[Any]:
    if isinstance(value, str) and not _regular(pattern).search(value):
        yield jsonschema.ValidationError("pattern")


def _multiple(_: Any, divisor: float, value: Any, __: Any) -> Iterator[Any]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return
    with localcontext() as context:
        context.prec = _DIGITS
        if Decimal(str(value)) % Decimal(str(divisor)):
            yield jsonschema.ValidationError("multipleOf")


_Draft = jsonschema.validators.extend(
    jsonschema.Draft6Validator,
    validators={"type": _type, "pattern": _pattern, "multipleOf": _multiple},
    type_checker=jsonschema.Draft6Validator.TYPE_CHECKER.redefine("integer", _is_integer),
)
