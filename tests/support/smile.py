"""Writing Smile, for tests only: every type, with shared names and strings if wanted."""

import struct
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

TABLE_MAX = 1024
LONG_REFERENCE_MIN_NAMES = 64
LONG_REFERENCE_MIN_STRINGS = 31


def encode(
    value: Any,
    *,
    has_shared_names: bool = True,
    has_shared_strings: bool = False,
    has_raw_binary: bool = False,
) -> bytes:
    flags = has_shared_names | has_shared_strings << 1 | has_raw_binary << 2
    writer = _Writer(has_shared_names, has_shared_strings, has_raw_binary)
    return b":)\n" + bytes([flags]) + b"".join(writer.value(value))


class _Seen:
    def __init__(self, is_used: bool) -> None:
        self._is_used = is_used
        self._places: dict[str, int] = {}
        self._count = 0

    def find(self, text: str) -> int | None:
        place = self._places.get(text)
        # The low bytes 0xFE and 0xFF are markers and never written as a reference.
        return None if place is None or place & 0xFF >= 0xFE else place

    def add(self, text: str) -> None:
        if not self._is_used:
            return
        if self._count == TABLE_MAX:
            self._places.clear()
            self._count = 0
        self._places[text] = self._count
        self._count += 1


class _Writer:
    def __init__(self, names: bool, strings: bool, raw_binary: bool) -> None:
        self._names = _Seen(names)
        self._strings = _Seen(strings)
        self._has_raw_binary = raw_binary

    def value(self, value: Any) -> Iterator[bytes]:
        match value:
            case None:
                yield b"\x21"
            case bool():
                yield b"\x23" if value else b"\x22"
            case int():
                yield _integer(value)
            case float():
                yield b"\x29" + _sevens_of_number(struct.pack(">d", value), 10)
            case Decimal():
                yield _decimal(value)
            case str():
                yield self._string(value)
            case bytes():
                yield self._binary(value)
            case list() | dict():
                yield from self._container(value)

    def _binary(self, value: bytes) -> bytes:
        if self._has_raw_binary:
            return b"\xfd" + vint(len(value)) + value
        return b"\xe8" + vint(len(value)) + sevens(value)

    def _container(self, value: list[Any] | dict[str, Any]) -> Iterator[bytes]:
        if isinstance(value, list):
            yield b"\xf8"
            for item in value:
                yield from self.value(item)
            yield b"\xf9"
            return
        yield b"\xfa"
        for name, member in value.items():
            yield self._name(name)
            yield from self.value(member)
        yield b"\xfb"

    def _name(self, name: str) -> bytes:
        encoded = name.encode()
        if not encoded:
            return b"\x20"
        place = self._names.find(name)
        if place is not None:
            if place < LONG_REFERENCE_MIN_NAMES:
                return bytes([0x40 + place])
            return bytes([0x30 | place >> 8, place & 0xFF])
        if len(encoded) > (64 if name.isascii() else 57):
            return b"\x34" + encoded + b"\xfc"
        self._names.add(name)
        token = 0x7F + len(encoded) if name.isascii() else 0xBE + len(encoded)
        return bytes([token]) + encoded

    def _string(self, text: str) -> bytes:
        encoded = text.encode()
        if not encoded:
            return b"\x20"
        place = self._strings.find(text)
        if place is not None:
            if place < LONG_REFERENCE_MIN_STRINGS:
                return bytes([0x01 + place])
            return bytes([0xEC | place >> 8, place & 0xFF])
        if len(encoded) > 64:
            return (b"\xe0" if text.isascii() else b"\xe4") + encoded + b"\xfc"
        self._strings.add(text)
        token = 0x3F + len(encoded) if text.isascii() else 0x7E + len(encoded)
        return bytes([token]) + encoded


def vint(value: int) -> bytes:
    parts = [0x80 | value & 0x3F]
    value >>= 6
    while value:
        parts.append(value & 0x7F)
        value >>= 7
    return bytes(reversed(parts))


def zigzag(value: int) -> int:
    return value << 1 if value >= 0 else (-value << 1) - 1


def sevens(data: bytes) -> bytes:
    """Seven bits to a byte; the last byte has what is left at its low end."""
    bits = "".join(f"{byte:08b}" for byte in data)
    return bytes(int(bits[i : i + 7], 2) for i in range(0, len(bits), 7))


def _sevens_of_number(data: bytes, count: int) -> bytes:
    number = int.from_bytes(data, "big")
    return bytes(number >> 7 * i & 0x7F for i in reversed(range(count)))


def float32(value: float) -> bytes:
    return b"\x28" + _sevens_of_number(struct.pack(">f", value), 5)


def _integer(value: int) -> bytes:
    if -16 <= value <= 15:
        return bytes([0xC0 + zigzag(value)])
    if -(2**31) <= value < 2**31:
        return b"\x24" + vint(zigzag(value))
    if -(2**63) <= value < 2**63:
        return b"\x25" + vint(zigzag(value))
    return b"\x26" + _big(value)


def _big(value: int) -> bytes:
    data = value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)
    return vint(len(data)) + sevens(data)


def _decimal(value: Decimal) -> bytes:
    sign, digits, exponent = value.as_tuple()
    unscaled = int("".join(map(str, digits)))
    return b"\x2a" + vint(zigzag(-int(exponent))) + _big(-unscaled if sign else unscaled)
