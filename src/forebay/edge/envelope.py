"""
Taking a request body apart without decoding more than must be decided before the answer.

One msgspec pass finds the three parts of every message and leaves them as bytes. What that
pass skips it does not check: invalid UTF-8, numbers beyond a double, and depth. These are
checked here, so that every body in the log can be decoded by everyone after us.

Duplicate keys of an envelope are refused: readers disagree on which one counts, and here one
of them decides whose data it is. Looking for them costs next to nothing for senders that
write compact JSON: if the lengths of the parts and of the smallest possible envelope add up
to the length of the body, there is no room for another key.

Senders repeat themselves: what comes before the entity is the same bytes in one message after
the other. A body that is such an `Opening`, one JSON value and the closing brackets can be
nothing else than that envelope around that value, and only the value is left to be checked.
"""

import re
from itertools import accumulate
from typing import Any, NamedTuple

import msgspec

from forebay.edge.answers import Refusal
from forebay.edge.errors import MessageRefused
from forebay.kernel import json
from forebay.kernel.limits import JSON_DEPTH_MAX

BATCH_MESSAGES_MAX = 20_000
"""Messages in one batch: several times as many as would fit if each had a header."""

ABSENT = json.Raw(b"")
"""A member that is not there; no JSON value is empty."""


class _Body(msgspec.Struct, frozen=True, gc=False):
    meta: json.Raw = msgspec.field(name="xdmMeta", default=ABSENT)
    entity: json.Raw = msgspec.field(name="xdmEntity", default=ABSENT)


class _Message(msgspec.Struct, frozen=True, gc=False):
    header: json.Raw = ABSENT
    body: _Body = _Body()


class _Batch(msgspec.Struct, frozen=True, gc=False):
    messages: list[_Message]


class _LooseBatch(msgspec.Struct, frozen=True, gc=False):
    messages: list[json.Raw]


class Parts(NamedTuple):
    """The parts of one message, as received; empty where absent."""

    header: bytes
    meta: bytes
    entity: bytes


class Opening(NamedTuple):
    """The bytes around the entities of messages that have all the same header."""

    of_message: bytes
    """Before the entity of a single message."""
    of_batch: bytes
    """Before the first entity of a batch."""
    between: bytes
    """Between two entities of a batch: the first part of it, short enough to be found fast."""
    between_rest: bytes


_message = msgspec.json.Decoder(_Message)
_batch = msgspec.json.Decoder(_Batch)
_loose_batch = msgspec.json.Decoder(_LooseBatch)
_members = msgspec.json.Decoder(dict[str, json.Raw])
_entity = msgspec.json.Decoder()

_MESSAGE_BYTES = len('{"header":,"body":{"xdmMeta":,"xdmEntity":}}')
_BATCH_BYTES = len('{"messages":[]}')
_ENVELOPE_KEYS = (b'"header"', b'"body"', b'"xdmMeta"', b'"xdmEntity"')
_ENTITY_DEPTH_MAX = JSON_DEPTH_MAX - 2
"""An entity lies two objects deep in its message."""
_BATCH_DEPTH_MAX = JSON_DEPTH_MAX + 2
"""A message lies two levels deep in its batch."""

_SOUGHT_BYTES = 48
"""Longer byte strings are found more slowly: from 100 on, by another algorithm."""

_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*"', re.DOTALL)
_TOKEN = re.compile(rb'[{}\[\]]|"[^"\\]*+(?:\\.[^"\\]*+)*"(?:\s*+:)?', re.DOTALL)
_KEY = re.compile(rb'"\s*:')
_BRACKETS_AS_STEPS = bytes.maketrans(b"{[}]", b"\x01\x01\xff\xff")
_NOT_BRACKETS = bytes(set(range(256)) - set(b"{}[]"))

_NOT_AN_OBJECT = Refusal(
    "Message has unknown xdm format", "a message is a JSON object with the members header and body"
)


def openings(header: bytes, meta: bytes) -> tuple[Opening, Opening]:
    """Return how messages with this header begin in compact JSON, and with blanks in between."""
    compact = b'{"header":%b,"body":{"xdmMeta":%b,"xdmEntity":' % (header, meta)
    blanks = b'{"header": %b, "body": {"xdmMeta": %b, "xdmEntity": ' % (header, meta)
    return (
        _opening(compact, b'{"messages":[', b"}},"),
        _opening(blanks, b'{"messages": [', b"}}, "),
    )


def _opening(of_message: bytes, of_batch: bytes, closing: bytes) -> Opening:
    between = closing + of_message
    return Opening(
        of_message, of_batch + of_message, between[:_SOUGHT_BYTES], between[_SOUGHT_BYTES:]
    )


def find_entity(body: bytes, opening: Opening) -> bytes | None:
    """
    Return the entity of a message that has nothing but an opening around it.

    None if the message is any other, or not good: `read_message` tells.
    """
    begin = opening.of_message
    if not (body.startswith(begin) and body.endswith(b"}}")):
        return None
    entity = body[len(begin) : -2]
    return entity if _is_entity(entity) else None


def count_messages(body: bytes, opening: Opening) -> int | None:
    """
    Return how many messages a batch has, if all have the same opening and nothing else.

    None if it is any other batch, or not all of it is good: `read_batch` tells.
    """
    begin = opening.of_batch
    if not (body.startswith(begin) and body.endswith(b"}}]}")):
        return None
    first, *others = body[len(begin) : -4].split(opening.between, BATCH_MESSAGES_MAX)
    rest = opening.between_rest
    if len(others) >= BATCH_MESSAGES_MAX or not _is_entity(first):
        return None
    for piece in others:
        if not (piece.startswith(rest) and _is_entity(piece[len(rest) :])):
            return None
    return 1 + len(others)


def read_message(body: bytes) -> Parts | Refusal:
    """
    Take one message apart.

    Raises:
        NotJson: The body is not strict JSON, or nested too deeply.
    """
    require_utf8(body)
    require_depth(body, JSON_DEPTH_MAX)
    try:
        message = _message.decode(body)
    except msgspec.ValidationError:
        return _read_loosely(body)
    except msgspec.DecodeError as error:
        raise json.NotJson(str(error)) from None
    parts = Parts(bytes(message.header), bytes(message.body.meta), bytes(message.body.entity))
    if len(body) != _MESSAGE_BYTES + _size(parts) and _may_repeat(body, [parts]):
        repeated = find_repeated_key(body, depth_max=2)
        if repeated is not None:
            return _repeats(repeated)
    return _check_entity(parts)


def read_batch(body: bytes) -> list[Parts | Refusal] | None:
    """
    Take the messages of a batch apart, in order; None if there is no array ``messages``.

    Raises:
        MessageRefused: There are more than `BATCH_MESSAGES_MAX` messages.
        NotJson: The body is not strict JSON, or nested too deeply.
    """
    require_utf8(body)
    try:
        batch = _batch.decode(body)
    except msgspec.ValidationError:
        return _read_batch_loosely(body)
    except msgspec.DecodeError as error:
        raise json.NotJson(str(error)) from None
    except RecursionError:
        raise json.NotJson("JSON is nested too deeply") from None
    _require_count(len(batch.messages))
    all_parts = [
        Parts(bytes(item.header), bytes(item.body.meta), bytes(item.body.entity))
        for item in batch.messages
    ]
    size = _BATCH_BYTES + (_MESSAGE_BYTES + 1) * len(all_parts) - 1
    if len(body) != size + sum(map(_size, all_parts)):
        require_depth(body, _BATCH_DEPTH_MAX)
        if body.count(b'"messages"') != 1 or _may_repeat(body, all_parts):
            return _read_batch_loosely(body)
    for parts in all_parts:
        require_depth(parts.entity, _ENTITY_DEPTH_MAX)
    return [_check_entity(parts) for parts in all_parts]


def require_utf8(body: bytes) -> None:
    """
    Check what the decoder leaves unchecked where it skips.

    Raises:
        NotJson: The body is not UTF-8.
    """
    if body.isascii():
        return
    try:
        body.decode()
    except UnicodeDecodeError as error:
        message = f"JSON is UTF-8, and byte {error.start} is not: {error.reason}"
        raise json.NotJson(message) from None


def require_depth(document: bytes, depth_max: int) -> None:
    """
    Check how deep arrays and objects are nested, in linear time and without recursion.

    Raises:
        NotJson: Deeper than `depth_max`.
    """
    if document.count(b"{") + document.count(b"[") <= depth_max:
        return
    # Also right for text that is not JSON: what is cut out as a string has no brackets that count.
    steps = _STRING.sub(b"", document).translate(_BRACKETS_AS_STEPS, _NOT_BRACKETS)
    if max(accumulate(memoryview(steps).cast("b")), default=0) > depth_max:
        raise json.NotJson(f"JSON is nested more than {JSON_DEPTH_MAX} levels deep")


def find_repeated_key(document: bytes, *, depth_max: int) -> str | None:
    r"""
    Return a key that an object of `document` has twice, looking `depth_max` levels deep.

    Keys are compared as they read, not as they are written: ``"\u0061"`` is ``"a"``. The
    document is well-formed JSON. Takes time linear in its length.
    """
    keys: list[set[str]] = []
    depth = 0
    for match in _TOKEN.finditer(document):
        token = match[0]
        if token in b"{[":
            depth += 1
            if depth <= depth_max:
                keys.append(set())
        elif token in b"}]":
            if depth <= depth_max:
                keys.pop()
            depth -= 1
        elif depth <= depth_max and token.endswith(b":"):
            key: str = json.decode(token[:-1])
            if key in keys[-1]:
                return key
            keys[-1].add(key)
    return None


def has_repeated_key(document: bytes, value: object) -> bool:
    """Say whether any object of `document`, whose decoded form is `value`, has a key twice."""
    # A key in the text that is not in the value was overwritten. Strings may hold what looks
    # like a key: only then is the exact look worth its time.
    if len(_KEY.findall(document)) == _count_keys(value):
        return False
    return find_repeated_key(document, depth_max=JSON_DEPTH_MAX) is not None


def _count_keys(value: object) -> int:
    if isinstance(value, dict):
        return len(value) + sum(map(_count_keys, value.values()))
    if isinstance(value, list):
        return sum(map(_count_keys, value))
    return 0


def _is_entity(entity: bytes) -> bool:
    if entity.count(b"{") + entity.count(b"[") > _ENTITY_DEPTH_MAX:
        return False
    try:
        _entity.decode(entity)
        return entity.isascii() or bool(entity.decode())
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False


def _size(parts: Parts) -> int:
    # Without one of its parts an envelope is smaller, which would leave room for a repeated key
    # elsewhere: such a body must not add up.
    if parts.header and parts.meta and parts.entity:
        return len(parts.header) + len(parts.meta) + len(parts.entity)
    return -1_000_000_000


def _may_repeat(body: bytes, all_parts: list[Parts]) -> bool:
    if b"\\u00" in body:
        return True  # a key may be written with escapes
    present = (
        sum(1 for parts in all_parts if parts.header),
        len(all_parts),
        sum(1 for parts in all_parts if parts.meta),
        sum(1 for parts in all_parts if parts.entity),
    )
    return any(
        body.count(key) > expected for key, expected in zip(_ENVELOPE_KEYS, present, strict=True)
    )


def _check_entity(parts: Parts) -> Parts | Refusal:
    entity = parts.entity
    if entity:
        try:
            _entity.decode(entity)
        except msgspec.DecodeError as error:
            return Refusal("Message is invalid", f"body.xdmEntity: {error}")
    return parts


def _require_count(count: int) -> None:
    # An answer is longer than the shortest messages it is for: without an end, a body of a
    # megabyte would be answered with a hundred.
    if count > BATCH_MESSAGES_MAX:
        raise MessageRefused(f"A batch has {count} messages; {BATCH_MESSAGES_MAX} are allowed.")


def _repeats(key: str) -> Refusal:
    return Refusal("Message is invalid", f"the key {key!r} occurs twice in one object")


def _read_batch_loosely(body: bytes) -> list[Parts | Refusal] | None:
    # Some message is not shaped like one, or repeats a key. Only that one is refused.
    require_depth(body, _BATCH_DEPTH_MAX)
    try:
        messages = _loose_batch.decode(body).messages
    except msgspec.ValidationError:
        json.decode(body)  # no array of messages, or no JSON at all: the difference matters
        return None
    except msgspec.DecodeError as error:
        raise json.NotJson(str(error)) from None
    _require_count(len(messages))
    if find_repeated_key(body, depth_max=1) is not None:
        return None
    return [_read_loosely(bytes(message)) for message in messages]


def _read_loosely(message: bytes) -> Parts | Refusal:
    try:
        members = _members.decode(message)
    except msgspec.ValidationError:
        json.decode(message)
        return _NOT_AN_OBJECT
    except msgspec.DecodeError as error:
        raise json.NotJson(str(error)) from None
    repeated = find_repeated_key(message, depth_max=2)
    if repeated is not None:
        return _repeats(repeated)
    try:
        body: dict[str, Any] = _members.decode(members.get("body", b"{}"))
    except msgspec.ValidationError:
        return Refusal("Message has unknown xdm format", "body is not a JSON object")
    header, meta, entity = members.get("header"), body.get("xdmMeta"), body.get("xdmEntity")
    return _check_entity(Parts(bytes(header or b""), bytes(meta or b""), bytes(entity or b"")))
