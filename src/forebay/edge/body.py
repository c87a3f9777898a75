"""Undoing the compression of a body: never inflated further than allowed, and exact at its end."""

import zlib

from forebay.edge.errors import ContentRefused, MessageRefused
from forebay.edge.exchange import too_large
from forebay.kernel.limits import REQUEST_BYTES_MAX

_GZIP = 16 + zlib.MAX_WBITS
_INFLATE_STEP_BYTES = 65_536


def decompress(body: bytes, encoding: str) -> bytes:
    """
    Undo a ``content-encoding``.

    Raises:
        ContentRefused: The encoding is none that the edge reads.
        BodyTooLarge: Inflated, the body is larger than `REQUEST_BYTES_MAX`.
        MessageRefused: It is not gzip, is cut off, or goes on after its end.
    """
    require_known(encoding)
    if encoding == "identity":
        return body
    if not body:
        raise _not_gzip("it is empty")
    pieces: list[bytes] = []
    size = 0
    rest = body
    while rest:  # a gzip file is one member or several
        inflater = zlib.decompressobj(_GZIP)
        while not inflater.eof:
            try:
                piece = inflater.decompress(rest, _INFLATE_STEP_BYTES)
            except zlib.error as error:
                raise _not_gzip(str(error)) from None
            rest = inflater.unconsumed_tail
            if not piece and not rest and not inflater.eof:
                raise _not_gzip("it is cut off")
            pieces.append(piece)
            size += len(piece)
            if size > REQUEST_BYTES_MAX:
                raise too_large(size)
        rest = inflater.unused_data
    return b"".join(pieces)


def require_known(encoding: str) -> None:
    """
    Check that a ``content-encoding`` is one that `decompress` undoes.

    Raises:
        ContentRefused: It is another one.
    """
    if encoding not in {"identity", "gzip", "x-gzip"}:
        raise ContentRefused(
            f"Content-Encoding {encoding!r} is not read here; send gzip or identity."
        )


def _not_gzip(reason: str) -> MessageRefused:
    return MessageRefused(f"The body is not gzip as Content-Encoding says: {reason}.")
