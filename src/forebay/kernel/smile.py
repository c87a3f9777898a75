"""
Reading Smile, the binary JSON of the Jackson libraries (``application/x-jackson-smile``).

A document is a header of four bytes and tokens; a token's first byte tells its type and often
its length. Names and short strings that were seen before may be written as references into two
tables of at most 1024 entries, which start over when they are full.

The decoder is strict, keeps numbers exact and never recurses. What JSON cannot say is mapped:
binary becomes base64 text when written as JSON. A name that occurs twice in one object is
refused.
"""

import struct
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec

from forebay.kernel.limits import JSON_DEPTH_MAX

VALUES_MAX = 250_000
"""Values and ends of containers in one document, so that one-byte values cannot take long."""

_HEAD = b":)\n"
_SHARED_NAMES, _SHARED_STRINGS, _RAW_BINARY = 0x01, 0x02, 0x04
_FLAGS = _SHARED_NAMES | _SHARED_STRINGS | _RAW_BINARY
_TABLE_MAX = 1024
_VINT_BYTES_MAX = 10
_NUMBER_BYTES_MAX = 1_700
"""Longest big number: about the 4,300 digits that Python and msgspec convert."""
_END_OF_STRING, _END_OF_CONTENT = 0xFC, 0xFF
_END_ARRAY, _END_OBJECT = 0xF9, 0xFB

_FLOAT, _DOUBLE = struct.Struct(">f"), struct.Struct(">d")
_json = msgspec.json.Encoder(decimal_format="number")


class NotSmile(ValueError):
    """Bytes that are not one Smile document; the message says where."""


def to_json(data: bytes, *, bytes_max: int) -> bytes:
    """
    Return a Smile document as compact JSON: numbers exact, binary as base64 text.

    Raises:
        NotSmile: The bytes are not Smile, or the JSON would be longer than `bytes_max`.
    """
    document = _json.encode(decode(data, text_bytes_max=bytes_max))
    if len(document) > bytes_max:
        raise NotSmile(f"as JSON it has {len(document)} bytes; {bytes_max} are allowed")
    return document


def decode(data: bytes, *, text_bytes_max: int) -> Any:  # noqa: ANN401  any value is the point
    """
    Return the value of a Smile document, in time linear in its length.

    Args:
        data: The document.
        text_bytes_max: Characters that references to earlier strings may add up to.

    Raises:
        NotSmile: The bytes are not Smile, or nested more than `JSON_DEPTH_MAX` levels deep.
    """
    if len(data) <= len(_HEAD) or not data.startswith(_HEAD):
        raise NotSmile("it does not begin with the header :)\\n and a byte of flags")
    flags = data[len(_HEAD)]
    if flags & ~_FLAGS:
        raise NotSmile(f"the flags {flags:#04x} are not of version 0")
    reader = _Reader(data, flags, text_bytes_max)
    try:
        value = _read_document(reader)
    except IndexError:
        raise NotSmile("it is cut off") from None
    except UnicodeDecodeError as error:
        raise NotSmile(f"a string before byte {reader.position} is {error.reason}") from None
    rest = data[reader.position :]
    if rest and rest != bytes((_END_OF_CONTENT,)):
        raise NotSmile(f"it goes on after its end at byte {reader.position}")
    return value


_END = object()


def _read_document(reader: "_Reader") -> Any:  # noqa: ANN401  any value is the point
    root = reader.value()
    opened = [root] if isinstance(root, list | dict) else []
    count = 0
    while opened:
        count += 1
        if count > VALUES_MAX:
            raise NotSmile(f"it has more than {VALUES_MAX} values")
        value = _read_member(reader, opened[-1])
        if value is _END:
            opened.pop()
        elif isinstance(value, list | dict):
            opened.append(value)
            if len(opened) > JSON_DEPTH_MAX:
                raise NotSmile(f"it is nested more than {JSON_DEPTH_MAX} levels deep")
    return root


def _read_member(reader: "_Reader", parent: list[Any] | dict[str, Any]) -> object:
    token = reader.byte()
    if isinstance(parent, list):
        if token == _END_ARRAY:
            return _END
        reader.position -= 1
        value = reader.value()
        parent.append(value)
        return value
    if token == _END_OBJECT:
        return _END
    name = _NAMES[token](reader, token)
    if name in parent:
        raise NotSmile(f"the name {name!r} occurs twice in one object")
    value = parent[name] = reader.value()
    return value


class _Table:
    # Strings that can be referred to, in the order they came.
    def __init__(self, *, is_used: bool) -> None:
        self._entries: list[str] = []
        self._next = 0
        self._is_used = is_used

    def add(self, text: str) -> str:
        if not self._is_used:
            return text
        if self._next == _TABLE_MAX:
            self._entries.clear()
            self._next = 0
        self._entries.append(text)
        self._next += 1
        return text

    def get(self, index: int) -> str:
        if index >= len(self._entries):
            raise NotSmile(f"it refers to string {index} of {len(self._entries)}")
        return self._entries[index]


class _Reader:
    # The tokens of a document, one after the other.
    def __init__(self, data: bytes, flags: int, text_bytes_max: int) -> None:
        self._data = data
        self.position = len(_HEAD) + 1
        self._names = _Table(is_used=bool(flags & _SHARED_NAMES))
        self._strings = _Table(is_used=bool(flags & _SHARED_STRINGS))
        self._has_raw_binary = bool(flags & _RAW_BINARY)
        self._text_left = text_bytes_max

    def byte(self) -> int:
        value = self._data[self.position]
        self.position += 1
        return value

    def take(self, count: int) -> bytes:
        end = self.position + count
        if end > len(self._data):
            raise IndexError
        taken = self._data[self.position : end]
        self.position = end
        return taken

    def value(self) -> Any:  # noqa: ANN401  any value is the point
        token = self.byte()
        return _VALUES[token](self, token)

    def ascii_name(self, token: int) -> str:
        return self._names.add(self.take(token - 0x7F).decode("ascii"))

    def text_name(self, token: int) -> str:
        return self._names.add(self.take(token - 0xBE).decode())

    def long_name(self, _: int) -> str:
        return self._until_end().decode()

    def shared_name(self, token: int) -> str:
        return self._refer(self._names, token - 0x40)

    def far_shared_name(self, token: int) -> str:
        return self._refer(self._names, (token & 3) << 8 | self.byte())

    def ascii_string(self, token: int) -> str:
        return self._strings.add(self.take(token - 0x3F).decode("ascii"))

    def text_string(self, token: int) -> str:
        return self._strings.add(self.take(token - 0x7E).decode())

    def shared_string(self, token: int) -> str:
        return self._refer(self._strings, token - 1)

    def far_shared_string(self, token: int) -> str:
        return self._refer(self._strings, (token & 3) << 8 | self.byte())

    def no_name(self, token: int) -> str:
        raise self._unknown(token, "a name")

    def no_value(self, token: int) -> str:
        raise self._unknown(token, "a value")

    def _refer(self, table: _Table, index: int) -> str:
        text = table.get(index)
        self._text_left -= len(text)
        if self._text_left < 0:
            raise NotSmile("its references stand for more text than is allowed")
        return text

    def _until_end(self) -> bytes:
        end = self._data.find(_END_OF_STRING, self.position)
        if end < 0:
            raise IndexError
        return self.take(end + 1 - self.position)[:-1]

    def _unknown(self, token: int, expected: str) -> NotSmile:
        return NotSmile(f"byte {self.position - 1} is {token:#04x}, which begins not {expected}")

    def vint(self) -> int:
        value = 0
        for _ in range(_VINT_BYTES_MAX):
            byte = self.byte()
            if byte & 0x80:
                if byte & 0x40:
                    break
                return value << 6 | byte & 0x3F
            value = value << 7 | byte
        raise NotSmile(f"the number before byte {self.position} is malformed")

    def int32(self, _: int) -> int:
        return self._within(32)

    def int64(self, _: int) -> int:
        return self._within(64)

    def _within(self, bits: int) -> int:
        value = self.vint()
        if value >> bits:
            raise NotSmile(f"the number before byte {self.position} has more than {bits} bits")
        return _unzigzag(value)

    def sevens(self, count: int) -> bytes:
        # Full groups are eight bytes for seven. What is left over has its last bits, fewer than
        # seven, at the low end of one more byte.
        encoded = self.take(-(-count * 8 // 7))
        if not encoded.isascii():
            raise NotSmile(f"the bytes before {self.position} are not groups of seven bits")
        groups, left = divmod(count, 7)
        pieces = [_unpack_group(encoded[8 * i : 8 * i + 8]) for i in range(groups)]
        if left:
            number = 0
            for byte in encoded[8 * groups : -1]:
                number = number << 7 | byte
            if encoded[-1] >> left:
                raise NotSmile(f"the bytes before {self.position} have bits that do not belong")
            pieces.append((number << left | encoded[-1]).to_bytes(left, "big"))
        return b"".join(pieces)

    def big_integer(self, _: int) -> int:
        count = self.vint()
        if not 0 < count <= _NUMBER_BYTES_MAX:
            raise NotSmile(f"an integer of {count} bytes; 1 to {_NUMBER_BYTES_MAX} are read")
        return int.from_bytes(self.sevens(count), "big", signed=True)

    def big_decimal(self, _: int) -> Decimal:
        scale = self._within(32)
        # From text, because arithmetic would round to a context and refuse large exponents.
        return Decimal(f"{self.big_integer(0)}E{-scale}")

    def float32(self, _: int) -> float:
        return self._finite(_FLOAT, self._big_endian(5, _FLOAT.size))

    def float64(self, _: int) -> float:
        return self._finite(_DOUBLE, self._big_endian(10, _DOUBLE.size))

    def _big_endian(self, sevens: int, size: int) -> bytes:
        number = 0
        for byte in self.take(sevens):
            if byte & 0x80:
                raise NotSmile(f"the number before byte {self.position} is malformed")
            number = number << 7 | byte
        if number >> size * 8:
            raise NotSmile(f"the number before byte {self.position} is malformed")
        return number.to_bytes(size, "big")

    def _finite(self, form: struct.Struct, encoded: bytes) -> float:
        value: float = form.unpack(encoded)[0]
        if value - value != 0:
            raise NotSmile(f"the number before byte {self.position} is {value}, unknown to JSON")
        return value

    def long_ascii(self, _: int) -> str:
        return self._until_end().decode("ascii")

    def long_text(self, _: int) -> str:
        return self._until_end().decode()

    def binary(self, _: int) -> bytes:
        return self.sevens(self.vint())

    def raw_binary(self, _: int) -> bytes:
        if not self._has_raw_binary:
            raise NotSmile("raw binary, which its flags exclude")
        return self.take(self.vint())


def _unpack_group(group: bytes) -> bytes:
    number = 0
    for byte in group:
        number = number << 7 | byte
    return number.to_bytes(7, "big")


def _unzigzag(value: int) -> int:
    return value >> 1 ^ -(value & 1)


_Read = Callable[[_Reader, int], Any]


def _table(otherwise: _Read, ranges: dict[tuple[int, int], _Read]) -> tuple[_Read, ...]:
    # One reader for each first byte; the ranges include their ends.
    readers = [otherwise] * 256
    for (first, last), read in ranges.items():
        readers[first : last + 1] = [read] * (last + 1 - first)
    return tuple(readers)


_NAMES = _table(
    _Reader.no_name,
    {
        (0x20, 0x20): lambda _reader, _token: "",
        (0x30, 0x33): _Reader.far_shared_name,
        (0x34, 0x34): _Reader.long_name,
        (0x40, 0x7F): _Reader.shared_name,
        (0x80, 0xBF): _Reader.ascii_name,
        (0xC0, 0xF7): _Reader.text_name,
    },
)
_VALUES = _table(
    _Reader.no_value,
    {
        (0x01, 0x1F): _Reader.shared_string,
        (0x20, 0x20): lambda _reader, _token: "",
        (0x21, 0x21): lambda _reader, _token: None,
        (0x22, 0x22): lambda _reader, _token: False,
        (0x23, 0x23): lambda _reader, _token: True,
        (0x24, 0x24): _Reader.int32,
        (0x25, 0x25): _Reader.int64,
        (0x26, 0x26): _Reader.big_integer,
        (0x28, 0x28): _Reader.float32,
        (0x29, 0x29): _Reader.float64,
        (0x2A, 0x2A): _Reader.big_decimal,
        (0x40, 0x7F): _Reader.ascii_string,
        (0x80, 0xBF): _Reader.text_string,
        (0xC0, 0xDF): lambda _reader, token: _unzigzag(token & 0x1F),
        (0xE0, 0xE0): _Reader.long_ascii,
        (0xE4, 0xE4): _Reader.long_text,
        (0xE8, 0xE8): _Reader.binary,
        (0xEC, 0xEF): _Reader.far_shared_string,
        (0xF8, 0xF8): lambda _reader, _token: [],
        (0xFA, 0xFA): lambda _reader, _token: {},
        (0xFD, 0xFD): _Reader.raw_binary,
    },
)
