"""Schemas out of thin air, and records that are spoiled in every way we could think of."""

import random
import re
from collections.abc import Callable
from typing import Any

from forebay.kernel import json
from forebay.xdm.samples import sample

Luck = random.Random
Node = dict[str, Any]

NAMES = [
    *("_id", "id", "a", "b", "A", "value", "content-type", "é", "x y", "class", "f0", "0"),
    *('q"', "back\\slash", "a/b", "til~de", "tab\t", "😀", "_acme", ""),
]
TEXTS = [
    *("", " ", "a", "US", "DE-BY", "2026", "2024-02-30", "2024-02-29", "2024-02-29T23:59:59Z"),
    *("2024-02-30T00:00:00Z", "2024-02-29T23:59:59.123456789+02:00", "2018-05-18T15:28:25"),
    *("0000-01-01T00:00:00Z", "9999-12-31T23:59:59-10:00", "2024-12-31T24:00:00Z", "12:00:00Z"),
    *("12:00:60Z", "25:00:00Z", "a@b", "a@b.co", "ü@b.co", '"a b"@c.de', "a@[1.2.3.4]", "::1"),
    *("1.2.3.4", "01.2.3.4", "1.2.3", "http://", "https://example.com/a?b#c", "urn:a:b", "1:2"),
    *("a#b#c", "%41", "%4", "http://[::1]/", "é", "e\u0301", "😀", "\0", "\u2028", "x" * 300),
    *(
        "true",
        "null",
        "1",
        "1.0",
        "a\nb",
        "a\n",
        "١٢",
        "\uff35\uff33",
        ":",
        '"',
        "\\u003a",
        "<script>",
    ),
]
NUMBERS: list[Any] = [
    *(0, 1, -1, 2, 3, 9, 10, 49, 90, 100, 127, 128, -128, -129, 255, 32767, 32768, -32769),
    *(2**31 - 1, 2**31, -(2**31) - 1, 2**53 - 1, 2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, 2**63),
    *(-(2**63), -(2**63) - 1, 2**64, 10**30, 10**400, 1.0, -0.0, 0.1, 0.5, 1.5, -0.5, 180.5, 1e16),
    *(1e308, 5e-324, 19.99, 0.015, 1e22, 9007199254740993.0),
]
PATTERNS = [
    "^[A-Z]{2}$",
    "^a",
    "a$",
    "[0-9]+",
    "^\\d{4}$",
    "^(US|DE)",
    "\\w",
    "^$",
    "b|c$",
    "^.{1,3}$",
]
FORMATS = [
    *("date-time", "date", "time", "email", "uri", "uri-reference", "ipv4", "ipv6", "url"),
    "hostname",
]


def a_schema(luck: Luck) -> Node:
    """Return a schema with keywords of every kind, as a tenant might post it."""
    names = luck.sample(NAMES, luck.randint(1, 5))
    return {
        "type": "object",
        "properties": {name: a_node(luck, 3) for name in names},
        **_maybe(luck, 0.4, "required", lambda: luck.sample(names, 1)),
        **_maybe(luck, 0.1, "dependencies", lambda: {names[0]: [names[-1]]}),
        **_maybe(luck, 0.1, "minProperties", lambda: luck.randint(0, 3)),
        **_maybe(luck, 0.1, "anyOf", lambda: [{"required": [name]} for name in names[:2]]),
    }


def a_node(luck: Luck, depth: int) -> Node:
    """Return one node of a schema."""
    leaves = (_string, _string, _integer, _number, _boolean, _choice, _several, _open)
    inner = (_object, _object, _array, _map, _alternatives, _negation, _patterned)
    return luck.choice(leaves + inner if depth else leaves)(luck, depth - 1)


def _maybe(luck: Luck, share: float, key: str, make: Callable[[], Any]) -> Node:
    return {key: make()} if luck.random() < share else {}


def _string(luck: Luck, _: int) -> Node:
    return {
        "type": "string",
        **_maybe(luck, 0.2, "minLength", lambda: luck.randint(0, 4)),
        **_maybe(luck, 0.2, "maxLength", lambda: luck.randint(0, 30)),
        **_maybe(luck, 0.2, "pattern", lambda: luck.choice(PATTERNS)),
        **_maybe(luck, 0.4, "format", lambda: luck.choice(FORMATS)),
    }


def _bounds(luck: Luck, values: list[Any]) -> Node:
    return {
        **_maybe(luck, 0.3, "minimum", lambda: luck.choice(values)),
        **_maybe(luck, 0.2, "maximum", lambda: luck.choice(values)),
        **_maybe(luck, 0.15, "exclusiveMinimum", lambda: luck.choice(values)),
        **_maybe(luck, 0.15, "exclusiveMaximum", lambda: luck.choice(values)),
    }


def _integer(luck: Luck, _: int) -> Node:
    kinds = ["byte", "short", "int", "long"]
    return {
        "type": "integer",
        **_bounds(luck, [n for n in NUMBERS if abs(n) < 2**64]),
        **_maybe(luck, 0.3, "meta:xdmType", lambda: luck.choice(kinds)),
        **_maybe(luck, 0.1, "multipleOf", lambda: luck.choice([1, 2, 3, 10, 0.5])),
    }


def _number(luck: Luck, _: int) -> Node:
    return {
        "type": "number",
        **_bounds(luck, [n for n in NUMBERS if abs(n) < 2**70]),
        **_maybe(luck, 0.1, "multipleOf", lambda: luck.choice([1, 0.01, 0.5, 1e-3, 7])),
    }


def _boolean(_: Luck, __: int) -> Node:
    return {"type": "boolean"}


def _choice(luck: Luck, _: int) -> Node:
    values: list[Any] = [*luck.sample(TEXTS, 3), *luck.sample(NUMBERS[:20], 1), None, True, [1], {}]
    return luck.choice(
        [
            {"type": "string", "enum": luck.sample(TEXTS, 3)},
            {"type": "integer", "enum": luck.sample(NUMBERS[:12], 3)},
            {"enum": luck.sample(values, 3)},
            {"const": luck.choice(values)},
            {"type": "string", "const": luck.choice(TEXTS)},
        ]
    )


def _several(luck: Luck, _: int) -> Node:
    kinds = ["string", "integer", "number", "boolean", "null", "array", "object"]
    return {"type": luck.sample(kinds, 2), **_maybe(luck, 0.3, "minLength", lambda: 1)}


def _open(luck: Luck, _: int) -> Node:
    return luck.choice(
        [{}, {"type": "object"}, {"type": "array"}, {"minimum": 3}, {"maxLength": 2}]
    )


def _object(luck: Luck, depth: int) -> Node:
    names = luck.sample(NAMES, luck.randint(1, 4))
    return {
        "type": "object",
        "properties": {name: a_node(luck, depth) for name in names},
        **_maybe(luck, 0.3, "required", lambda: names[:1]),
        **_maybe(luck, 0.15, "additionalProperties", lambda: a_node(luck, 0)),
        **_maybe(luck, 0.1, "maxProperties", lambda: luck.randint(0, 3)),
        **_maybe(luck, 0.1, "minProperties", lambda: luck.randint(0, 3)),
        **_maybe(luck, 0.1, "propertyNames", lambda: {"maxLength": 3}),
        **_maybe(luck, 0.1, "dependencies", lambda: {names[0]: {"minProperties": 2}}),
    }


def _array(luck: Luck, depth: int) -> Node:
    return {
        "type": "array",
        "items": a_node(luck, depth),
        **_maybe(luck, 0.2, "minItems", lambda: luck.randint(0, 2)),
        **_maybe(luck, 0.2, "maxItems", lambda: luck.randint(0, 3)),
        **_maybe(luck, 0.2, "uniqueItems", lambda: luck.random() < 0.8),
        **_maybe(luck, 0.1, "contains", lambda: a_node(luck, 0)),
    }


def _map(luck: Luck, depth: int) -> Node:
    return {
        "type": "object",
        "additionalProperties": a_node(luck, depth),
        **_maybe(luck, 0.1, "maxProperties", lambda: luck.randint(0, 3)),
        **_maybe(luck, 0.1, "minProperties", lambda: luck.randint(0, 3)),
    }


def _alternatives(luck: Luck, depth: int) -> Node:
    keyword = luck.choice(["oneOf", "anyOf", "allOf"])
    return {keyword: [a_node(luck, depth) for _ in range(luck.randint(1, 3))]}


def _negation(luck: Luck, depth: int) -> Node:
    return {"not": a_node(luck, depth), **_maybe(luck, 0.5, "type", lambda: "string")}


def _patterned(luck: Luck, depth: int) -> Node:
    return {
        "type": "object",
        "patternProperties": {luck.choice(["^_", "a", "^[a-z]$"]): a_node(luck, depth)},
        **_maybe(luck, 0.4, "additionalProperties", lambda: False),
        **_maybe(luck, 0.4, "properties", lambda: {luck.choice(NAMES): a_node(luck, 0)}),
    }


def a_record(luck: Luck, document: Node) -> bytes:
    """Return a record of a schema: as it should be, or spoiled, as a value or as bytes."""
    share = luck.choice([0.35, 0.35, 0.8])
    value: Any = sample(document, seed=luck.getrandbits(48), optional_share=share)
    for _ in range(luck.choice([0, 1, 1, 1, 2, 3])):
        value = spoil(luck, value)
    entity = json.encode(value)
    return luck.choice(BYTES)(luck, entity) if luck.random() < 0.25 else entity


def spoil(luck: Luck, value: Any) -> Any:
    """Return a value in which something at some depth is another, gone or too much."""
    if isinstance(value, dict) and value and luck.random() < 0.75:
        name = luck.choice(list(value))
        return {**value, name: spoil(luck, value[name])}
    if isinstance(value, list) and value and luck.random() < 0.75:
        at = luck.randrange(len(value))
        return [*value[:at], spoil(luck, value[at]), *value[at + 1 :]]
    return luck.choice(_SPOILERS)(luck, value)


def _another(luck: Luck, _: Any) -> Any:
    return luck.choice(
        [luck.choice(TEXTS), luck.choice(NUMBERS), None, True, [], {}, [None], {"a": 1}]
    )


def _same_kind(luck: Luck, value: Any) -> Any:
    if isinstance(value, str):
        return luck.choice(
            [luck.choice(TEXTS), value + luck.choice(TEXTS), value[:-1], value.upper()]
        )
    if isinstance(value, int | float) and not isinstance(value, bool):
        near = [value + 1, value - 1, -value, luck.choice(NUMBERS)]
        return luck.choice([*near, float(value) if abs(value) < 2**60 else 0.5])
    return _another(luck, value)


def _wrapped(luck: Luck, value: Any) -> Any:
    return luck.choice([[value], {"a": value}, str(value), [value, value], {"_id": value}])


def _members(luck: Luck, value: Any) -> Any:
    if isinstance(value, dict):
        gone = luck.choice([*value, ""])
        fewer = {name: member for name, member in value.items() if name != gone}
        more = {**value, luck.choice(NAMES): _another(luck, None)}
        return luck.choice([fewer, more, {**value, "extra": value}])
    if isinstance(value, list):
        return luck.choice([value * 2, value[1:], [*value, _another(luck, None)], value[::-1]])
    return None


def _deep(luck: Luck, value: Any) -> Any:
    for _ in range(luck.choice([3, 58, 62, 63, 64, 65, 90])):
        value = [value] if luck.random() < 0.5 else {"a": value}
    return value


_SPOILERS = (
    _same_kind,
    _same_kind,
    _same_kind,
    _another,
    _another,
    _wrapped,
    _members,
    _members,
    _deep,
)

_KEY = re.compile(rb'"(?:[^"\\]|\\.)*":')
_NUMERAL = re.compile(rb"(?<=[:\[,])-?[0-9][0-9.eE+-]*(?=[,}\]])")
_LETTER = re.compile(rb"[A-Za-z:/@](?=[^\"]*\"[:,}\]])")
_NUMERALS = [
    *(
        b"1e400",
        b"-1e400",
        b"-0",
        b"-0.0",
        b"1E2",
        b"1.0",
        b"0.1e1",
        b"1e0",
        b"01",
        b"+1",
        b".5",
        b"1.",
    ),
    *(
        b"123456789012345678901234567890",
        b"1e-400",
        b"9007199254740993",
        b"NaN",
        b"Infinity",
        b"0e0",
    ),
]
_JUNK = [
    b"\xff",
    b"\xed\xa0\x80",
    b'"\\ud800"',
    b",",
    b"}",
    b"//",
    b"\xef\xbb\xbf",
    b" ",
    b"\n",
    b"\0",
]


def _put(entity: bytes, start: int, end: int, made: bytes) -> bytes:
    return entity[:start] + made + entity[end:]


def _say_twice(luck: Luck, entity: bytes) -> bytes:
    keys = list(_KEY.finditer(entity))
    if not keys:
        return entity
    key = luck.choice(keys)
    twin = luck.choice([key[0], _escaped(key[0])])
    return _put(entity, key.start(), key.start(), twin + luck.choice([b"null,", b"1,", b'"x",']))


def _escaped(key: bytes) -> bytes:
    return re.sub(rb"[a-z]", lambda found: b"\\u%04x" % ord(found[0]), key, count=1)


def _renumber(luck: Luck, entity: bytes) -> bytes:
    numerals = list(_NUMERAL.finditer(entity))
    if not numerals:
        return entity
    numeral = luck.choice(numerals)
    return _put(entity, *numeral.span(), luck.choice(_NUMERALS))


def _escape(luck: Luck, entity: bytes) -> bytes:
    letters = list(_LETTER.finditer(entity))
    if not letters:
        return entity
    letter = luck.choice(letters)
    return _put(entity, *letter.span(), b"\\u%04x" % ord(letter[0]))


def _junk(luck: Luck, entity: bytes) -> bytes:
    at = luck.randint(0, len(entity))
    return luck.choice([_put(entity, at, at, luck.choice(_JUNK)), entity[:at]])


def _spread(luck: Luck, entity: bytes) -> bytes:
    return re.sub(rb"(?<=[{,])(?=\")", luck.choice([b" ", b"\n\t", b"\r\n"]), entity)


BYTES = (_say_twice, _say_twice, _renumber, _renumber, _escape, _junk, _spread)
