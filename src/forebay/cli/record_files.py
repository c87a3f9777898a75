"""
Records from files, a piece at a time: NDJSON, a JSON array, one JSON object; plain or gzip.

Records stay the bytes that the file has: whoever judges them must see a duplicate key or a
number too long. The line that a record stands in goes with it.
"""

import gzip
import io
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import IO, cast

import click
import msgspec

from forebay.kernel import json

PIECE_BYTES_MAX = 4 * 1_048_576
PIECE_RECORDS_MAX = 5_000
ARRAY_BYTES_MAX = 256 * 1_048_576
"""An array has to be read whole, lines have not."""

_LINE_BYTES_MAX = 8 * 1_048_576
_SINGLE_BYTES_MAX = 4 * 1_048_576
_GZIP = b"\x1f\x8b"

_array = msgspec.json.Decoder(list[json.Raw])


class Record(msgspec.Struct, frozen=True, gc=False):
    """One record of a file."""

    number: int
    """Its place in the file, from 0."""
    line: int | None
    """Its line, from 1; None in an array."""
    data: bytes


def pieces(file: IO[bytes]) -> Iterator[list[Record]]:
    """
    Yield the records of a file, in pieces that fit into one request.

    Raises:
        click.ClickException: The file is no gzip though it begins like it, an array that is none,
            or has a line longer than any record may be.
    """
    piece: list[Record] = []
    size = 0
    for record in _records(file):
        is_full = size + len(record.data) > PIECE_BYTES_MAX or len(piece) >= PIECE_RECORDS_MAX
        if piece and is_full:
            yield piece
            piece, size = [], 0
        piece.append(record)
        size += len(record.data)
    if piece:
        yield piece


def _records(file: IO[bytes]) -> Iterator[Record]:
    try:
        yield from _read(_unpacked(file))
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise click.ClickException(f"The file is damaged gzip: {error}") from None


def _unpacked(file: IO[bytes]) -> IO[bytes]:
    buffered = (
        file
        if isinstance(file, io.BufferedReader)
        else io.BufferedReader(cast("io.RawIOBase", file))
    )
    is_packed = buffered.peek(2)[:2] == _GZIP
    return cast("IO[bytes]", gzip.GzipFile(fileobj=buffered) if is_packed else buffered)


def _read(file: IO[bytes]) -> Iterator[Record]:
    lines = _lines(file)
    blank: list[tuple[int, bytes]] = []
    for line in lines:
        blank.append(line)
        if line[1].strip():
            break
    first = blank[-1][1].strip() if blank else b""
    if first.startswith(b"["):
        yield from _items(blank, file)
    elif first and not _is_json(first):
        yield from _one_or_lines(blank, file)
    else:
        yield from _numbered(chain(blank, lines))


def _items(begun: list[tuple[int, bytes]], file: IO[bytes]) -> Iterator[Record]:
    whole = b"".join(line for _, line in begun) + file.read(ARRAY_BYTES_MAX)
    if len(whole) > ARRAY_BYTES_MAX:
        raise click.ClickException(
            f"The file is an array of more than {ARRAY_BYTES_MAX} bytes; write one record a line."
        )
    try:
        items = _array.decode(whole)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise click.ClickException(f"The file begins like a JSON array, but: {error}") from None
    for number, item in enumerate(items):
        yield Record(number, None, bytes(item))


def _one_or_lines(begun: list[tuple[int, bytes]], file: IO[bytes]) -> Iterator[Record]:
    """Read a file whose first line is no JSON: the beginning of one long object, or a bad line."""
    head = b"".join(line for _, line in begun)
    rest = file.read(_SINGLE_BYTES_MAX)
    is_whole = len(rest) < _SINGLE_BYTES_MAX
    if is_whole and _is_json(head + rest):
        yield Record(0, begun[-1][0], (head + rest).strip())
        return
    following = begun[-1][0] + 1
    if not is_whole:
        rest += file.readline(_LINE_BYTES_MAX)
    held = rest.splitlines(keepends=True) if rest else []
    after = _lines(file, following + len(held))
    yield from _numbered(chain(begun, enumerate(held, following), after))


def _numbered(lines: Iterable[tuple[int, bytes]]) -> Iterator[Record]:
    filled = ((line, data) for line, raw in lines if (data := raw.strip()))
    for number, (line, data) in enumerate(filled):
        yield Record(number, line, data)


def _lines(file: IO[bytes], first: int = 1) -> Iterator[tuple[int, bytes]]:
    number = first
    while line := file.readline(_LINE_BYTES_MAX):
        if len(line) == _LINE_BYTES_MAX:
            raise click.ClickException(
                f"Line {number} has more than {_LINE_BYTES_MAX} bytes; no record may be so long."
            )
        yield number, line
        number += 1


def _is_json(data: bytes) -> bool:
    try:
        json.decode(data)
    except json.NotJson:
        return False
    return True
