"""
What would be right: one sentence for a broken rule, from the rules that stand at its place.

A violation says what was found; its words are a contract and say little about what to write
instead. This does, and is nobody's contract.
"""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from forebay.xdm.pointers import Nowhere, dotted_location, resolve
from forebay.xdm.values import shown
from forebay.xdm.violations import Violation

_NAMES_MAX = 8
_VALUES_MAX = 12
_LENGTH_MAX = 60
_LENGTHS_APART_MAX = 3
_COMPARED_MAX = 200

_FORMATS = {
    "date-time": "a time with its offset from UTC, like 2026-01-31T12:30:00Z",
    "date": "a date like 2026-01-31",
    "time": "a time of day with its offset from UTC, like 12:30:00Z",
    "email": "an e-mail address like ada@example.com",
    "uri": "an absolute URI like https://example.com/a",
    "uri-reference": "a URI or a relative one, without blanks, like a/b?c=d",
    "ipv4": "an IPv4 address like 192.0.2.1",
    "ipv6": "an IPv6 address like 2001:db8::1",
}
_BOUNDS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "less than {}",
    "multipleOf": "a multiple of {}",
}
_LENGTHS = {
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "minProperties": "at least {} members",
    "maxProperties": "at most {} members",
}


def right_instead(document: Mapping[str, Any], violation: Violation) -> str | None:
    """
    Return what would obey the rule that a single violation is about; None if that is unknown.

    Args:
        document: The validation document the violation was found with.
        violation: One without causes.
    """
    say = _SENTENCES.get(violation.keyword or "")
    if say is None:
        return None
    try:
        node = resolve(document, violation.schema_location)
    except Nowhere:
        return None
    return say(node, violation) if isinstance(node, Mapping) else None


def key_named_in(message: str) -> str:
    """Return the key that a message names in brackets; it may hold brackets itself."""
    return message[message.find("[") + 1 : message.rfind("]")]


def _type(node: Mapping[str, Any], violation: Violation) -> str:
    if violation.message.endswith("found: Null"):
        return f"leave the member out, or write {_described(node)}"
    return _described(node)


def _required(node: Mapping[str, Any], violation: Violation) -> str:
    name = key_named_in(violation.message)
    field = node.get("properties", {}).get(name, {})
    where = dotted_location(violation.schema_location)
    return f"{where + '.' if where else ''}{name}: {_described(field)}"


def _extraneous(node: Mapping[str, Any], violation: Violation) -> str | None:
    name = key_named_in(violation.message)
    names = list(node.get("properties", {}))
    for wrapper, field in node.get("properties", {}).items():
        if wrapper.startswith("_") and name in field.get("properties", {}):
            return f"the field lies inside {wrapper}: {wrapper}.{name}"
    # Only names of about this length can be close; there may be thousands of others.
    alike = [other for other in names if abs(len(other) - len(name)) <= _LENGTHS_APART_MAX]
    close = get_close_matches(name, alike[:_COMPARED_MAX], n=1, cutoff=0.75)
    if close:
        return f"did you mean {close[0]}?"
    more = f" and {len(names) - _NAMES_MAX} more" if len(names) > _NAMES_MAX else ""
    return f"the object may have {', '.join(names[:_NAMES_MAX])}{more}" if names else None


def _described(node: Mapping[str, Any]) -> str:
    """Return what a node allows, as a phrase."""
    if "const" in node:
        return f"exactly {_cut(node['const'])}"
    if "enum" in node:
        return _one_of(node)
    describe = _TYPES.get(str(node.get("type")))
    return describe(node) if describe else "a value that the schema allows here"


def _bounded(noun: str, node: Mapping[str, Any]) -> str:
    bounds = " and ".join(_bounds(node, _BOUNDS))
    return f"{noun}, {bounds}" if bounds else noun


def _array(node: Mapping[str, Any]) -> str:
    items = node.get("items")
    inner = f", each item {_described(items)}" if isinstance(items, Mapping) else ""
    return f"an array{inner}"


def _object(node: Mapping[str, Any]) -> str:
    names = list(node.get("properties", {}))
    more = " …" if len(names) > _NAMES_MAX else ""
    return (
        f"an object with {', '.join(names[:_NAMES_MAX])}{more}"
        if names
        else "an object with keys of your own"
    )


def _text(node: Mapping[str, Any]) -> str:
    plain = _FORMATS.get(str(node.get("format")), "a text in quotes")
    rules = _bounds(node, _LENGTHS)
    if "pattern" in node:
        rules.append(f"matching {_cut(node['pattern'])}")
    return ", ".join([plain, *rules])


def _one_of(node: Mapping[str, Any]) -> str:
    values = [_cut(value) for value in node.get("enum", ())]
    more = f" and {len(values) - _VALUES_MAX} more" if len(values) > _VALUES_MAX else ""
    return f"one of {', '.join(values[:_VALUES_MAX])}{more}"


def _bounds(node: Mapping[str, Any], words: Mapping[str, str]) -> list[str]:
    return [sentence.format(shown(node[key])) for key, sentence in words.items() if key in node]


def _cut(value: object) -> str:
    text = shown(value)
    return text if len(text) <= _LENGTH_MAX else f"{text[:_LENGTH_MAX]}…"


_TYPES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "string": _text,
    "integer": lambda node: _bounded("an integer", node),
    "number": lambda node: _bounded("a number", node),
    "boolean": lambda _: "true or false, without quotes",
    "array": _array,
    "object": _object,
}

_Sentence = Callable[[Mapping[str, Any], Violation], str | None]
_SENTENCES: dict[str, _Sentence] = {
    "type": _type,
    "required": _required,
    "additionalProperties": _extraneous,
    "uniqueItems": lambda _node, _violation: "every item once",
    **dict.fromkeys(
        ("enum", "const", "format", "pattern", *_BOUNDS, *_LENGTHS),
        lambda node, _violation: _described(node),
    ),
}
