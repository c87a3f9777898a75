"""
Runs: files of entries, sorted by key, that are written once and never changed.

A run holds entries of one hour of receipt. Behind a header its five numbers lie one column after
the other, so that looking for a key touches keys only; and last a map with one bit for every
range of keys, which is set if the run has a key there. Keys are evenly spread and there are at
least eight bits for every entry, so the map alone turns away most of what the run does not have.

The file is read through the page cache: a process needs no memory for it, and what
memory there is makes it faster.
"""

import mmap
import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from forebay.kernel.files import FILE_MODE
from forebay.processing.identifiers.entries import FIELDS, KEY_HIGH, Entries
from forebay.processing.identifiers.verdicts import Hits, Keys, hits_in

SUFFIX = ".run"
_MAGIC = b"FBYIDS01"
_FORM = struct.Struct("<8s6q6I")
_CHECKSUM = struct.Struct("<I")
_HEADER_BYTES = 128
_NUMBER_BYTES = 8
_MAP_BITS_PER_ENTRY = 8
_MAP_BITS_MIN = 64
_PIECE_BYTES = 1_048_576


class RunDamaged(Exception):
    """A run's file is missing, or is not what was written; the message says in which way."""


class RunName(NamedTuple):
    """Which entries a run holds: of which hour, made by which commits."""

    hour: int
    first: int
    last: int
    """Number of the last commit whose entries are here."""
    serial: int
    """Number of the file: none is written twice, whatever has failed."""
    level: int
    """How often its entries have been merged."""
    entry_count: int

    @property
    def file_name(self) -> str:
        """The name of its file."""
        return f"{self.hour:08d}-{self.serial:012d}{SUFFIX}"


@dataclass(frozen=True)
class Run:
    """A run that is open for reading."""

    name: RunName
    entries: Entries
    key_map: NDArray[np.uint8]

    def hits(self, keys: Keys) -> Hits:
        """Return the entries that have one of the keys."""
        bit = keys.high >> _map_shift(self.name.entry_count)
        maybe = self.key_map[bit >> np.uint64(3)] >> (bit & np.uint64(7)).astype(np.uint8) & 1
        return hits_in(self.entries, keys.among(np.flatnonzero(maybe)))


class RunWriter:
    """A run on its way to the disk, slice by slice in the order of the keys."""

    def __init__(self, directory: Path, name: RunName) -> None:
        self.name = name
        self.path = directory / name.file_name
        self._written = 0
        self._checksums = [0] * FIELDS
        self._key_map = np.zeros(_map_bits(name.entry_count) // 8, np.uint8)
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC
        self._descriptor = os.open(self.path, flags, FILE_MODE)
        try:
            os.posix_fallocate(self._descriptor, 0, _file_bytes(name.entry_count))
        except OSError:
            self.abandon()
            raise

    def append(self, entries: Entries) -> None:
        """Write the next entries, whose keys are not below those before, and sync them."""
        for field in range(FIELDS):
            column = np.ascontiguousarray(entries[field]).astype("<u8", copy=False).data.cast("B")
            start = self._written + field * self.name.entry_count
            _write(self._descriptor, column, _HEADER_BYTES + start * _NUMBER_BYTES)
            self._checksums[field] = zlib.crc32(column, self._checksums[field])
        self._mark(entries[KEY_HIGH])
        self._written += entries.shape[1]
        os.fdatasync(self._descriptor)

    def finish(self) -> None:
        """Make the run complete and durable; its name in the directory is not yet."""
        name = self.name
        if self._written != name.entry_count:
            raise ValueError(f"{self._written} entries in a run of {name.entry_count}")
        key_map = self._key_map.data.cast("B")
        start = _HEADER_BYTES + FIELDS * _NUMBER_BYTES * name.entry_count
        _write(self._descriptor, key_map, start)
        head = _FORM.pack(_MAGIC, *name, *self._checksums, zlib.crc32(key_map))
        _write(self._descriptor, memoryview(head + _CHECKSUM.pack(zlib.crc32(head))), 0)
        os.fsync(self._descriptor)
        os.close(self._descriptor)

    def abandon(self) -> None:
        """Give up; the file is not part of the index."""
        os.close(self._descriptor)
        self.path.unlink(missing_ok=True)

    def _mark(self, high: Entries) -> None:
        """Set the bits of keys; those of one slice lie together."""
        bit = high >> _map_shift(self.name.entry_count)
        start = int(bit[0]) // 8
        is_set = np.zeros((int(bit[-1]) // 8 - start + 1) * 8, np.bool_)
        is_set[bit - np.uint64(start * 8)] = True
        packed = np.packbits(is_set, bitorder="little")
        self._key_map[start : start + packed.size] |= packed


def write_run(directory: Path, name: RunName, entries: Entries) -> None:
    """Write a run in one go; durable but for its name in the directory."""
    writer = RunWriter(directory, name)
    try:
        writer.append(entries)
        writer.finish()
    except OSError:
        writer.abandon()
        raise


def open_run(directory: Path, name: RunName, *, is_checked: bool = True) -> Run:
    """
    Open a run.

    Args:
        directory: Where its file is.
        name: Which one.
        is_checked: Read all of it, and compare the checksums.

    Raises:
        RunDamaged: It is not what was written.
    """
    path = directory / name.file_name
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        raise RunDamaged("the file is missing") from None
    try:
        size = os.fstat(descriptor).st_size
        if size != _file_bytes(name.entry_count):
            raise RunDamaged(f"it has {size} bytes, not {_file_bytes(name.entry_count)}")
        found, checksums = _head(os.pread(descriptor, _HEADER_BYTES, 0))
        if found != name:
            raise RunDamaged(f"its header is of {found.file_name}")
        if is_checked and _checksums(descriptor, name.entry_count) != checksums:
            raise RunDamaged("a checksum does not match")
        mapped = mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)
    finally:
        os.close(descriptor)
    # Keys come from everywhere: what lies beside the one that is read is not worth reading.
    mapped.madvise(mmap.MADV_RANDOM)
    numbers = np.frombuffer(mapped, "<u8", FIELDS * name.entry_count, _HEADER_BYTES)
    key_map = np.frombuffer(mapped, np.uint8, offset=_HEADER_BYTES + numbers.nbytes)
    return Run(name, numbers.reshape(FIELDS, -1), key_map)


def read_name(path: Path) -> RunName:
    """
    Return what the header of a run's file says.

    Raises:
        RunDamaged: It is no header.
    """
    with path.open("rb") as file:
        return _head(file.read(_HEADER_BYTES))[0]


def _head(header: bytes) -> tuple[RunName, list[int]]:
    if len(header) < _HEADER_BYTES:
        raise RunDamaged("it is shorter than a header")
    head = header[: _FORM.size]
    magic, *numbers = _FORM.unpack(head)
    if magic != _MAGIC or _CHECKSUM.unpack_from(header, _FORM.size)[0] != zlib.crc32(head):
        raise RunDamaged("its header does not match its checksum")
    return RunName(*numbers[:6]), numbers[6:]


def _checksums(descriptor: int, entry_count: int) -> list[int]:
    """Return the checksums of the columns and the map; read, not mapped, to take no memory."""
    column_bytes = entry_count * _NUMBER_BYTES
    sizes = [column_bytes] * FIELDS + [_map_bits(entry_count) // 8]
    found, position = [], _HEADER_BYTES
    for size in sizes:
        checksum, end = 0, position + size
        while position < end:
            piece = os.pread(descriptor, min(_PIECE_BYTES, end - position), position)
            if not piece:
                raise RunDamaged(f"it ends at byte {position}")
            checksum, position = zlib.crc32(piece, checksum), position + len(piece)
        found.append(checksum)
    return found


def _map_bits(entry_count: int) -> int:
    """Return the length of a run's map: a power of two."""
    return 1 << (max(entry_count * _MAP_BITS_PER_ENTRY, _MAP_BITS_MIN) - 1).bit_length()


def _map_shift(entry_count: int) -> np.uint64:
    """Return how far a key is shifted to become the number of a bit."""
    return np.uint64(64 - (_map_bits(entry_count).bit_length() - 1))


def _file_bytes(entry_count: int) -> int:
    return _HEADER_BYTES + FIELDS * _NUMBER_BYTES * entry_count + _map_bits(entry_count) // 8


def _write(descriptor: int, data: memoryview, position: int) -> None:
    while data:
        written = os.pwrite(descriptor, data, position)
        data, position = data[written:], position + written
