"""
The beacon: a second, independent witness of what a partition has acknowledged.

One flipped bit in the middle of SQLite's write-ahead log makes SQLite drop every transaction
after it, and its integrity check calls the rest sound (reliability, 1.7). So the writer notes
the end of the log here after each commit and before any answer. At the next start a log that
ends below its beacon has lost acknowledged records, and says so.

Readers take their bounds from here too: what the beacon covers has been synced, so nobody
acts on a record that a power cut could still take back.

The file is two slots of 512 bytes, written in turn: a torn write spoils the slot it hits and
never the one before it.
"""

import os
import struct
import uuid
import zlib
from pathlib import Path
from typing import NamedTuple, Self

from forebay.kernel.files import replace_durably
from forebay.kernel.ids import Offset
from forebay.log.ports import LogDamaged

_SLOT_BYTES = 512
_SLOTS = 2
_BODY = struct.Struct("<8s16sQQQ")
_CHECKSUM = struct.Struct("<I")
_MAGIC = b"FBYBECN1"


class Mark(NamedTuple):
    """What a beacon says: whose log it is, and the acknowledged part of it."""

    log_id: str
    first: Offset
    next: Offset


def create_beacon(path: Path, mark: Mark) -> None:
    """Put a new beacon at `path`, durably."""
    slot = _encode(mark, 0)
    replace_durably(path, slot.ljust(_SLOTS * _SLOT_BYTES, b"\0"))


def read_beacon(path: Path) -> Mark:
    """
    Return what the newer valid slot of a beacon says.

    Raises:
        FileNotFoundError: There is no beacon.
        LogDamaged: Neither slot matches its checksum.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        content = os.pread(descriptor, _SLOTS * _SLOT_BYTES, 0)
    finally:
        os.close(descriptor)
    return _newest(content, path)[1]


class Beacon:
    """A beacon open for writing; one writer at a time."""

    def __init__(self, descriptor: int, sequence: int, mark: Mark) -> None:
        self._descriptor = descriptor
        self._sequence = sequence
        self.mark = mark

    @classmethod
    def open(cls, path: Path) -> Self:
        """
        Open an existing beacon.

        Raises:
            FileNotFoundError: There is no beacon.
            LogDamaged: Neither slot matches its checksum.
        """
        # O_DSYNC makes each write return after the data has reached the disk: one system call
        # where a write and an fdatasync would be two.
        descriptor = os.open(path, os.O_RDWR | os.O_DSYNC)
        try:
            sequence, mark = _newest(os.pread(descriptor, _SLOTS * _SLOT_BYTES, 0), path)
        except LogDamaged:
            os.close(descriptor)
            raise
        return cls(descriptor, sequence, mark)

    def write(self, first: Offset, next_: Offset) -> None:
        """Note durably that the records from `first` up to but without `next_` are acknowledged."""
        mark = Mark(self.mark.log_id, first, next_)
        sequence = self._sequence + 1
        slot = _encode(mark, sequence)
        written = os.pwrite(self._descriptor, slot, sequence % _SLOTS * _SLOT_BYTES)
        if written != len(slot):
            raise OSError(f"the beacon took {written} of {len(slot)} bytes")
        self._sequence = sequence
        self.mark = mark

    def close(self) -> None:
        """Release the file."""
        os.close(self._descriptor)


def _encode(mark: Mark, sequence: int) -> bytes:
    body = _BODY.pack(_MAGIC, uuid.UUID(mark.log_id).bytes, sequence, mark.first, mark.next)
    return (body + _CHECKSUM.pack(zlib.crc32(body))).ljust(_SLOT_BYTES, b"\0")


def _decode(slot: bytes) -> tuple[int, Mark] | None:
    if len(slot) < _BODY.size + _CHECKSUM.size:
        return None
    body = slot[: _BODY.size]
    (checksum,) = _CHECKSUM.unpack_from(slot, _BODY.size)
    if zlib.crc32(body) != checksum:
        return None
    magic, log_id, sequence, first, next_ = _BODY.unpack(body)
    if magic != _MAGIC:
        return None
    return sequence, Mark(str(uuid.UUID(bytes=log_id)), Offset(first), Offset(next_))


def _newest(content: bytes, path: Path) -> tuple[int, Mark]:
    slots = (content[at : at + _SLOT_BYTES] for at in range(0, len(content), _SLOT_BYTES))
    valid = [decoded for slot in slots if (decoded := _decode(slot)) is not None]
    if not valid:
        raise LogDamaged(
            f"neither slot of the beacon {path.name} of {path.parent.name} matches its checksum: "
            "what was acknowledged cannot be told"
        )
    return max(valid)
