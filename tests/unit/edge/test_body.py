import gzip
import zlib
from contextlib import suppress
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.edge.body import decompress
from forebay.edge.errors import BodyTooLarge, ContentRefused, MessageRefused
from forebay.kernel.limits import REQUEST_BYTES_MAX


@given(st.binary(max_size=5_000))
def test_what_was_compressed_comes_back(body: bytes) -> None:
    assert decompress(gzip.compress(body), "gzip") == body
    assert decompress(body, "identity") == body


@given(st.lists(st.binary(max_size=500), min_size=1, max_size=4))
def test_members_of_a_gzip_file_are_joined(members: list[bytes]) -> None:
    assert decompress(b"".join(map(gzip.compress, members)), "x-gzip") == b"".join(members)


@given(st.binary(min_size=1, max_size=2_000), st.data())
def test_cut_off_gzip_is_refused(body: bytes, data: st.DataObject) -> None:
    compressed = gzip.compress(body)
    end = data.draw(st.integers(0, len(compressed) - 1))

    with pytest.raises(MessageRefused):
        decompress(compressed[:end], "gzip")


@pytest.mark.parametrize(
    "compressed",
    [
        gzip.compress(b"{}", mtime=0) + b"x",
        gzip.compress(b"{}", mtime=0) + b"\x1f\x8b",
        gzip.compress(b"{}", mtime=0)[:-8] + b"\x00" * 8,
        zlib.compress(b"{}"),
        b"{}",
        b"",
    ],
)
def test_what_is_not_exactly_gzip_is_refused(compressed: bytes) -> None:
    with pytest.raises(MessageRefused):
        decompress(compressed, "gzip")


@given(st.binary(max_size=300), st.data())
def test_mutated_gzip_is_inflated_or_refused(body: bytes, data: st.DataObject) -> None:
    compressed = bytearray(gzip.compress(body))
    compressed[data.draw(st.integers(0, len(compressed) - 1))] = data.draw(st.integers(0, 255))

    with suppress(MessageRefused, BodyTooLarge):
        decompress(bytes(compressed), "gzip")


@pytest.mark.parametrize("size", [REQUEST_BYTES_MAX + 1, 50_000_000])
def test_bomb_is_stopped_before_it_is_inflated(size: int) -> None:
    compressed = gzip.compress(b"\x00" * size)

    with pytest.raises(BodyTooLarge):
        decompress(compressed, "gzip")


def test_body_that_compresses_a_thousandfold_is_no_bomb_while_it_is_allowed() -> None:
    body = b"[" + b" " * (REQUEST_BYTES_MAX - 2) + b"]"

    assert decompress(gzip.compress(body), "gzip") == body


def test_largest_body_may_come_compressed() -> None:
    body = Random(1).randbytes(REQUEST_BYTES_MAX)

    assert decompress(gzip.compress(body, 1), "gzip") == body


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "deflate", "aws-chunked"])
def test_encodings_that_are_not_read_are_named(encoding: str) -> None:
    with pytest.raises(ContentRefused, match=encoding):
        decompress(b"x", encoding)
