import gzip
import io
from typing import IO, cast

import click
import pytest

from forebay.cli import record_files
from forebay.cli.record_files import Record, pieces


def records(data: bytes) -> list[tuple[int, int | None, bytes]]:
    file = cast("IO[bytes]", io.BytesIO(data))
    return [(r.number, r.line, r.data) for piece in pieces(file) for r in piece]


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", []),
        (b"\n \n", []),
        (b'{"a":1}\n\n  {"b":2}  \r\n', [(0, 1, b'{"a":1}'), (1, 3, b'{"b":2}')]),
        (b'\n{"a":1}', [(0, 2, b'{"a":1}')]),
        (b'[{"a": 1, "a": 1},\n 7]', [(0, None, b'{"a": 1, "a": 1}'), (1, None, b"7")]),
        (b"[]", []),
        (b'{\n "a": 1\n}\n', [(0, 1, b'{\n "a": 1\n}')]),
        (b"\n{\n}", [(0, 2, b"{\n}")]),
        (b'{"a"\n{"b":2}\nx', [(0, 1, b'{"a"'), (1, 2, b'{"b":2}'), (2, 3, b"x")]),
        (b'{"a":1}\n[1]\n', [(0, 1, b'{"a":1}'), (1, 2, b"[1]")]),
    ],
)
def test_records_are_found_with_their_places(
    data: bytes, found: list[tuple[int, int | None, bytes]]
) -> None:
    assert records(data) == found
    assert records(gzip.compress(data)) == found


def test_a_bad_first_line_does_not_shift_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_files, "_SINGLE_BYTES_MAX", 20)
    lines = [b'{"a"', *(b'{"b":%d}' % number for number in range(50))]

    assert records(b"\n".join(lines)) == [(n, n + 1, line) for n, line in enumerate(lines)]


def test_pieces_fit_into_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_files, "PIECE_RECORDS_MAX", 3)
    monkeypatch.setattr(record_files, "PIECE_BYTES_MAX", 10)
    lines = b"\n".join([b"1", b"2", b"3", b"4", b'"eight.."', b'"0123456789"', b"5"])

    sizes = [len(piece) for piece in pieces(cast("IO[bytes]", io.BytesIO(lines)))]

    assert sizes == [3, 2, 1, 1]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"[1,", "begins like a JSON array"),
        (b"[" * 100_000, "begins like a JSON array"),
        (gzip.compress(b"1\n" * 1000, mtime=0)[:-6], "damaged gzip"),
        (b"\x1f\x8bnonsense", "damaged gzip"),
        (b"x" * 9_000_000, "Line 1 has more than"),
    ],
)
def test_files_that_cannot_be_read_are_refused(data: bytes, told: str) -> None:
    with pytest.raises(click.ClickException, match=told):
        records(data)


def test_a_record_is_a_value() -> None:
    assert Record(0, 1, b"{}") == Record(0, 1, b"{}")
