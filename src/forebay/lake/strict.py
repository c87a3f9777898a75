"""
One record, value by value: the exact and explaining way into a table.

DuckDB converts records by the hundred thousand, but stops at the first it cannot convert,
rounds what a double cannot hold and says little. Whatever it stumbles over comes here: this
way is some ten times slower, keeps every value exact or says which member does not fit.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from json import JSONDecoder  # noqa: TID251  the one parser that shows duplicate keys
from typing import Any

from forebay.kernel import json
from forebay.xdm.fields import ArrayOf, FieldType, MapOf, Object, Scalar, ScalarKind

_INT32 = range(-(2**31), 2**31)
_INT64 = range(-(2**63), 2**63)
_INTEGERS = {
    ScalarKind.BYTE: _INT32,
    ScalarKind.SHORT: _INT32,
    ScalarKind.INT: _INT32,
    ScalarKind.LONG: _INT64,
}
_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_DATE_TIME = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d{2}):(\d{2}))"
)


class DoesNotFit(ValueError):
    """A value that its column cannot hold; the message names its path."""


def read_entity(fields: Object, entity: bytes) -> dict[str, Any]:
    """
    Return a record as Python values, a map as a list of pairs, a missing member as None.

    Raises:
        DoesNotFit: The record holds a value, a key twice, or a member that its columns cannot.
    """
    try:
        value = _decoder.decode(entity.decode())
    except (ValueError, RecursionError) as error:
        raise DoesNotFit(f"#: the record cannot be read: {error}") from None
    found: dict[str, Any] = _convert(fields, value, "#")
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise DoesNotFit(f"key [{twice}] appears more than once")
    return found


_decoder = JSONDecoder(object_pairs_hook=_unique)


def _convert(kind: FieldType, value: Any, path: str) -> Any:  # noqa: ANN401  any JSON value
    if value is None:
        return None
    match kind:
        case Scalar():
            return _scalar(kind.kind, value, path)
        case ArrayOf():
            _expect(value, list, path)
            return [_convert(kind.item, v, f"{path}/{i}") for i, v in enumerate(value)]
        case MapOf():
            _expect(value, dict, path)
            return [(k, _convert(kind.value, v, f"{path}/{k}")) for k, v in value.items()]
        case Object():
            _expect(value, dict, path)
            return _object(kind, value, path)


def _object(kind: Object, value: dict[str, Any], path: str) -> dict[str, Any]:
    names = kind.by_name()
    for name in value:
        if name not in names:
            raise DoesNotFit(f"{path}: there is no column for key [{name}]")
    return {
        name: _convert(field.type, value[name], f"{path}/{name}") if name in value else None
        for name, field in names.items()
    }


def _expect(value: object, wanted: type, path: str) -> None:
    if not isinstance(value, wanted):
        raise DoesNotFit(f"{path}: expected {wanted.__name__}, found {type(value).__name__}")


def _scalar(kind: ScalarKind, value: Any, path: str) -> Any:  # noqa: ANN401  any JSON value
    if kind is ScalarKind.JSON:
        return json.encode(value).decode()
    try:
        return _READERS[kind](value)
    except (ValueError, OverflowError) as error:
        raise DoesNotFit(f"{path}: {error}") from None


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise DoesNotFit(f"{value!r} is not a string")
    return value


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise DoesNotFit(f"{value!r} is not true or false")
    return value


def _integer(limits: range) -> Callable[[object], int]:
    def read(value: object) -> int:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or value not in limits:
            raise DoesNotFit(f"{value!r} is not an integer from {limits[0]} to {limits[-1]}")
        return value

    return read


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DoesNotFit(f"{value!r} is not a number")
    exact = float(value)
    if exact != value or exact in {float("inf"), float("-inf")}:
        raise DoesNotFit(f"{value!r} cannot be held exactly by a double")
    return exact


def _date(value: object) -> date:
    if not isinstance(value, str) or not (match := _DATE.fullmatch(value)):
        raise DoesNotFit(f"{value!r} is not a date: expected yyyy-MM-dd")
    year, month, day = (int(part) for part in match.groups())
    return date(year, month, day)


def _date_time(value: object) -> datetime:
    """Read an RFC 3339 time to the microsecond; what is finer is cut off."""
    if not isinstance(value, str) or not (match := _DATE_TIME.fullmatch(value)):
        raise DoesNotFit(
            f"{value!r} is not a date-time: expected yyyy-MM-ddTHH:mm:ss and an offset"
        )
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    fraction, sign, *offset = match.groups()[6:]
    zone = UTC
    if sign:
        away = timedelta(hours=int(offset[0]), minutes=int(offset[1]))
        zone = timezone(away if sign == "+" else -away)
    is_midnight = (hour, minute, second) == (24, 0, 0)
    micros = int((fraction or "0").ljust(6, "0")[:6])
    at = datetime(year, month, day, 0 if is_midnight else hour, minute, second, micros, zone)
    return (at + timedelta(days=1) if is_midnight else at).astimezone(UTC)


_READERS: dict[ScalarKind, Callable[[object], Any]] = {
    ScalarKind.STRING: _string,
    ScalarKind.BOOLEAN: _boolean,
    ScalarKind.NUMBER: _number,
    ScalarKind.DATE: _date,
    ScalarKind.DATE_TIME: _date_time,
    **{kind: _integer(limits) for kind, limits in _INTEGERS.items()},
}
