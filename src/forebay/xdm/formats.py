"""
Formats of strings: what each one demands, the words for a miss, and a pattern for the fast path.

`FORMATS` is the authority (decisions, 17 and 18). `FAST` holds patterns that match a subset of the
valid values of a format, in linear time: the ordinary values. What they miss is for the authority.
"""

import ipaddress
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import NamedTuple

_DATE_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]{1,9})?"
    r"(?:Z|([+-])([0-9]{2}):([0-9]{2}))",
)
_TIME = re.compile(
    r"([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]{1,9})?(?:Z|[+-]([0-9]{2}):([0-9]{2}))",
)
_OFFSET_HOURS_MAX = 18
_IPV4 = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4_ADDRESS = re.compile(rf"(?:{_IPV4}\.){{3}}{_IPV4}")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
_LABEL = re.compile(r"[^\W_](?:(?:[^\W_]|-){0,61}[^\W_])?")
_LOCAL_PART = re.compile(r"[^\s\x00-\x1f\x7f()<>@,;:\\\".\[\]]+")
_QUOTED_LOCAL_PART = re.compile(r'"(?:[^"\\\x00-\x1f\x7f]|\\[^\x00-\x1f\x7f])*"')
_URI_ASCII = frozenset(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@/?"
)
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_AUTHORITY = re.compile(
    r"(?:[^\[\]@]*@)?(?:\[[0-9A-Fa-f:.]+\](?::[0-9]*)?|[^\[\]@]+)",
)


def is_date_time(value: str) -> bool:
    """Say whether a string is a moment with a zone, in a year that a timestamp can hold."""
    match = _DATE_TIME.fullmatch(value)
    if match is None:
        return False
    moment, sign, hours, minutes = match.groups()
    offset = timedelta()
    if sign:
        offset = _offset(hours, minutes)
        if offset > timedelta(hours=_OFFSET_HOURS_MAX) or int(minutes) > 59:  # noqa: PLR2004  minutes
            return False
        offset = -offset if sign == "-" else offset
    try:
        datetime.fromisoformat(moment).replace(tzinfo=timezone(offset)).astimezone(UTC)
    except (ValueError, OverflowError):
        return False
    return True


def is_date(value: str) -> bool:
    """Say whether a string is a day of the calendar, ``yyyy-MM-dd``."""
    return re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value) is not None and is_date_time(
        value + "T00:00:00Z"
    )


def is_time(value: str) -> bool:
    """Say whether a string is a time of day with a zone."""
    match = _TIME.fullmatch(value)
    if match is None or not is_date_time(f"2000-01-01T{match[1]}Z"):
        return False
    return match[2] is None or (
        _offset(match[2], match[3]) <= timedelta(hours=_OFFSET_HOURS_MAX) and int(match[3]) <= 59  # noqa: PLR2004
    )


def is_email(value: str) -> bool:
    """Say whether a string is an address ``local@domain`` with a dotted domain."""
    local, at, domain = value.rpartition("@")
    if not at or not 0 < len(local) <= 64 or len(domain) > 253:  # noqa: PLR2004  RFC 5321, 4.5.3.1
        return False
    is_local = _QUOTED_LOCAL_PART.fullmatch(local) or all(
        _LOCAL_PART.fullmatch(atom) for atom in local.split(".")
    )
    if domain.startswith("[") and domain.endswith("]"):
        literal = domain[1:-1]
        return bool(is_local) and (is_ipv4(literal) or is_ipv6(literal.removeprefix("IPv6:")))
    labels = domain.split(".")
    top = labels[-1]
    return (
        bool(is_local)
        and len(labels) > 1
        and all(_LABEL.fullmatch(label) for label in labels)
        and len(top) > 1
        and not top.isdecimal()
    )


def is_ipv4(value: str) -> bool:
    """Say whether a string is a dotted quad without leading zeros."""
    return _IPV4_ADDRESS.fullmatch(value) is not None


def is_ipv6(value: str) -> bool:
    """Say whether a string is an IPv6 address without a zone."""
    if not value.isascii() or "%" in value or len(value) > 45:  # noqa: PLR2004  longest form
        return False
    try:
        ipaddress.IPv6Address(value)
    except ValueError:
        return False
    return True


def is_uri(value: str) -> bool:
    """Say whether a string is an absolute URI."""
    scheme, _, _ = _split_scheme(value)
    return bool(scheme) and is_uri_reference(value)


def is_uri_reference(value: str) -> bool:
    """
    Say whether a string is a URI or a relative reference.

    Letters beyond ASCII are let through, as Java's parser does; blanks and controls are not.
    """
    scheme, rest, has_colon = _split_scheme(value)
    if has_colon and (not _SCHEME.fullmatch(scheme) or not rest or rest.startswith("#")):
        return False
    before, _, fragment = rest.partition("#")
    return (
        "#" not in fragment
        and _has_uri_characters(before)
        and _has_uri_characters(fragment)
        and _is_hierarchy(before)
    )


def _is_hierarchy(text: str) -> bool:
    """Say whether brackets stand only around an address in the authority, which is not empty."""
    if not text.startswith("//"):
        return "[" not in text and "]" not in text
    authority, slash, tail = text[2:].partition("/")
    authority, _, query = authority.partition("?")
    if any(bracket in tail + query for bracket in "[]"):
        return False
    return _AUTHORITY.fullmatch(authority) is not None if authority else bool(slash)


def _offset(hours: str, minutes: str) -> timedelta:
    return timedelta(hours=int(hours), minutes=int(minutes))


def _split_scheme(value: str) -> tuple[str, str, bool]:
    """Return what stands before and after the colon that ends a scheme, and if there is one."""
    end = next((at for at, character in enumerate(value) if character in ":/?#"), None)
    if end is None or value[end] != ":":
        return "", value, False
    return value[:end], value[end + 1 :], True


def _has_uri_characters(text: str) -> bool:
    plain = _ESCAPE.sub("", text)
    return all(
        character in _URI_ASCII
        or character in "[]"
        or (character > "\x9f" and _is_visible(character))
        for character in plain
    )


def _is_visible(character: str) -> bool:
    return character.isprintable()


class Format(NamedTuple):
    """A format that is checked."""

    holds: Callable[[str], bool]
    miss: str
    """What a violation says after the value (flow-and-collection, Appendix C)."""


_ZONED = "[HH:mm:ssZ, HH:mm:ss.[0-9]{1,9}Z, HH:mm:ss[+-]HH:mm, HH:mm:ss.[0-9]{1,9}[+-]HH:mm]"

FORMATS: dict[str, Format] = {
    "date-time": Format(
        is_date_time,
        "is not a valid date-time. Expected " + _ZONED.replace("HH:mm:ss", "yyyy-MM-dd'T'HH:mm:ss"),
    ),
    "date": Format(is_date, "is not a valid date. Expected [yyyy-MM-dd]"),
    "time": Format(is_time, "is not a valid time. Expected " + _ZONED),
    "email": Format(is_email, "is not a valid email address"),
    "ipv4": Format(is_ipv4, "is not a valid ipv4 address"),
    "ipv6": Format(is_ipv6, "is not a valid ipv6 address"),
    "uri": Format(is_uri, "is not a valid URI"),
    "uri-reference": Format(is_uri_reference, "is not a valid URI reference"),
}

_GROUP = "[0-9A-Fa-f]{1,4}"
# Eight groups, or fewer with one gap: so many before it, at most so many behind it.
_IPV6 = "|".join(
    [
        rf"(?:{_GROUP}:){{7}}{_GROUP}",
        *(rf"(?:{_GROUP}:){{{before}}}(?::{_GROUP}){{1,{7 - before}}}" for before in range(1, 7)),
        rf"::{_GROUP}(?::{_GROUP}){{0,6}}",
    ]
)
_DATE = (
    r"[1-9][0-9][0-9][0-9]-(?:0[1-9]|1[0-2])-"
    r"(?:0[1-9]|1[0-9]|2[0-8]|(?<!02-)(?:29|30)|(?<=0[13578]-)31|(?<=1[02]-)31)"
)
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
_ZONE = r"(?:Z|(?:\.[0-9]{1,9}+)?(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9]))"
_PERCENT_CODE = "%[0-9A-Fa-f]{2}"
# Only single characters are repeated possessively: early releases of Python 3.11 get groups wrong.
_PATH_CHARACTERS = r"[A-Za-z0-9._~!$&'()*+,;=@/-]*+"
_SEGMENTS = rf"{_PATH_CHARACTERS}(?:{_PERCENT_CODE}{_PATH_CHARACTERS})*"
_TAIL_CHARACTERS = r"[A-Za-z0-9._~!$&'()*+,;=:@/?-]*+"
_TAIL_PART = rf"{_TAIL_CHARACTERS}(?:{_PERCENT_CODE}{_TAIL_CHARACTERS})*"
_TAIL = rf"(?:\?{_TAIL_PART})?(?:#{_TAIL_PART})?"
# Most URIs are addresses of the web without escapes: they come first.
_WEB_ADDRESS = rf"https?+://[A-Za-z0-9._-]++(?:/{_PATH_CHARACTERS}(?:\?{_TAIL_CHARACTERS})?)?"
_URI = (
    r"[A-Za-z][A-Za-z0-9+.-]*+:(?://[A-Za-z0-9._-]++(?::[0-9]{1,5}+)?(?:/"
    + _SEGMENTS
    + r")?|[A-Za-z0-9][A-Za-z0-9._~:-]*+)"
    + _TAIL
)


class FastPattern(NamedTuple):
    """A pattern for the ordinary values of a format, and the length up to which it is right."""

    pattern: str
    length_max: int | None = None


FAST: dict[str, FastPattern] = {
    # 9999-12-31 may lie in year 10000 of UTC, so the last year is left to the authority.
    "date-time": FastPattern(rf"\A{_DATE}T(?<!9999-..-..T){_CLOCK}{_ZONE}\Z"),
    "date": FastPattern(rf"\A{_DATE}\Z"),
    "time": FastPattern(rf"\A{_CLOCK}{_ZONE}\Z"),
    # Short enough that neither the local part nor a label can be too long.
    "email": FastPattern(
        r"\A[A-Za-z0-9_+-]++(?:\.[A-Za-z0-9_+-]++)*"
        r"@(?:[A-Za-z0-9]++(?:-++[A-Za-z0-9]++)*\.)+[A-Za-z]{2,63}\Z",
        length_max=66,
    ),
    "ipv4": FastPattern(rf"\A(?:{_IPV4}\.){{3}}{_IPV4}\Z"),
    "ipv6": FastPattern(rf"\A(?:{_IPV6})\Z"),
    "uri": FastPattern(rf"\A(?:{_WEB_ADDRESS}\Z|{_URI}\Z)"),
    "uri-reference": FastPattern(
        rf"\A(?:[A-Za-z0-9._~-]++\Z|{_WEB_ADDRESS}\Z|{_URI}\Z|(?!//){_SEGMENTS}{_TAIL}\Z)"
    ),
}
