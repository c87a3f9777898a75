"""
How the records of one group commit lie in one blob.

Each record is a frame: length (4 bytes), CRC-32 (4 bytes), payload. The checksum covers the
record's offset and length too: a frame that turns up in another place does not match there,
and a damaged length cannot hide behind zeros, which a bare CRC may not notice.
"""

import struct
import zlib
from collections.abc import Iterator, Sequence

from forebay.kernel.ids import Offset
from forebay.log.ports import LogDamaged, LogRecord

_HEAD = struct.Struct("<II")
_PLACE = struct.Struct("<QI")

FRAME_BYTES = _HEAD.size
"""What a record takes up beside its payload."""


def pack_group(first: Offset, records: Sequence[Sequence[bytes]]) -> bytes:
    """Return the blob of a group whose first record has the offset `first`."""
    pieces: list[bytes] = []
    for offset, parts in enumerate(records, first):
        length = sum(map(len, parts))
        checksum = zlib.crc32(_PLACE.pack(offset, length))
        for part in parts:
            checksum = zlib.crc32(part, checksum)
        pieces.append(_HEAD.pack(length, checksum))
        pieces += parts
    return b"".join(pieces)


def unpack_group(blob: bytes, first: Offset, count: int, *, start: Offset) -> Iterator[LogRecord]:
    """
    Yield the records of a group from the offset `start` on, each checked against its checksum.

    Raises:
        LogDamaged: The next record does not match; those before it have been yielded.
    """
    position = 0
    for offset in range(first, first + count):
        payload_at = position + FRAME_BYTES
        if payload_at > len(blob):
            raise _mismatch(offset)
        length, checksum = _HEAD.unpack_from(blob, position)
        position = payload_at + length
        if offset < start:
            continue
        payload = blob[payload_at:position]
        seed = zlib.crc32(_PLACE.pack(offset, length))
        if len(payload) != length or zlib.crc32(payload, seed) != checksum:
            raise _mismatch(offset)
        yield LogRecord(Offset(offset), payload)


def _mismatch(offset: int) -> LogDamaged:
    return LogDamaged(
        f"the record at offset {offset} does not match its checksum", first=offset, last=offset
    )
