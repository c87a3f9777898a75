"""
Where a partition's files are, and whose they are.

    <root>/partition-0001/identity.json                     log id, partition, format
                          beacon                            end of what was acknowledged
                          lock                              held by the writer
                          00000000000000000000.segment      SQLite; named for its first offset
"""

import re
from pathlib import Path
from typing import Any

import msgspec

from forebay.kernel import json
from forebay.kernel.files import replace_durably
from forebay.kernel.ids import Offset, PartitionId
from forebay.log.ports import LogDamaged

FORMAT = 1
"""Version of the file layout."""

_PARTITION = re.compile(r"partition-(\d{4,})")
_SEGMENT = re.compile(r"(\d{20})\.segment")
_SEGMENT_PARTS = ("-wal", "-shm", "")
"""Suffixes of a segment's files; the one that makes it a segment comes last."""


class Identity(msgspec.Struct, frozen=True):
    """Which history the files of a partition belong to."""

    log_id: str
    partition: int
    format: int = FORMAT


def partition_path(root: Path, partition: PartitionId) -> Path:
    """Return the directory of a partition."""
    return root / f"partition-{partition:04d}"


def beacon_path(path: Path) -> Path:
    """Return the beacon of the partition at `path`."""
    return path / "beacon"


def list_partitions(root: Path) -> list[PartitionId]:
    """Return the partitions that exist below `root`, in order."""
    if not root.is_dir():
        return []
    matches = (_PARTITION.fullmatch(entry.name) for entry in root.iterdir())
    numbers = sorted(int(match[1]) for match in matches if match is not None)
    return [
        PartitionId(number)
        for number in numbers
        if _identity_path(partition_path(root, PartitionId(number))).is_file()
    ]


def segment_path(path: Path, first: Offset) -> Path:
    """Return the segment of the partition at `path` that begins with `first`."""
    return path / f"{first:020d}.segment"


def list_segments(path: Path) -> list[Offset]:
    """Return the first offsets of a partition's segments, in order."""
    matches = (_SEGMENT.fullmatch(entry.name) for entry in path.iterdir())
    return sorted(Offset(int(match[1])) for match in matches if match is not None)


def delete_segment(path: Path, first: Offset) -> None:
    """Remove a segment's files; the caller syncs the directory."""
    segment = segment_path(path, first)
    for suffix in _SEGMENT_PARTS:
        segment.with_name(segment.name + suffix).unlink(missing_ok=True)


def find_identity(path: Path) -> Identity | None:
    """
    Return the identity of the partition at `path`, None if it has none.

    Raises:
        LogDamaged: The identity file cannot be read, or has a format that this version does
            not know.
    """
    try:
        content = _identity_path(path).read_bytes()
    except FileNotFoundError:
        return None
    try:
        value: Any = json.decode(content)
        identity = msgspec.convert(value, Identity)
    except (json.NotJson, msgspec.ValidationError) as error:
        raise LogDamaged(f"the identity file of {path.name} cannot be read: {error}") from None
    if identity.format != FORMAT:
        raise LogDamaged(f"{path.name} has format {identity.format}; this version knows {FORMAT}")
    return identity


def write_identity(path: Path, identity: Identity) -> None:
    """Make the directory at `path` a partition, durably."""
    replace_durably(_identity_path(path), json.encode(identity))


def _identity_path(path: Path) -> Path:
    return path / "identity.json"
