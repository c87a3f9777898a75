"""
The manifest: which runs make up the index.

One small file, replaced whole: what it names is the index, and what it does not name is left over
from a crash. It has a checksum. If it is damaged, the runs' own headers tell what there is.
"""

import zlib
from collections.abc import Iterable
from pathlib import Path

import msgspec
import structlog

from forebay.kernel.files import replace_durably
from forebay.processing.identifiers.ports import Lost
from forebay.processing.identifiers.runs import SUFFIX, RunDamaged, RunName, read_name

FILE_NAME = "manifest.json"


class Manifest(msgspec.Struct, frozen=True):
    """The state of an index."""

    serial: int = 0
    """The highest number that was given to a commit or a merge."""
    runs: tuple[RunName, ...] = ()
    """By hour, the oldest entries first."""
    lost: tuple[Lost, ...] = ()


def write_manifest(directory: Path, manifest: Manifest) -> None:
    """Make a state the index's, durably."""
    content = msgspec.json.encode(manifest)
    replace_durably(directory / FILE_NAME, b"%08x\n%b" % (zlib.crc32(content), content))


def read_manifest(directory: Path) -> Manifest:
    """Return the state of an index: an empty one if there is none."""
    try:
        checksum, content = (directory / FILE_NAME).read_bytes().split(b"\n", 1)
        if int(checksum, 16) == zlib.crc32(content):
            return msgspec.json.decode(content, type=Manifest)
    except FileNotFoundError:
        if not any(directory.glob(f"*{SUFFIX}")):
            return Manifest()
    except (msgspec.MsgspecError, ValueError):
        pass  # its first line is damaged too
    structlog.get_logger().error(
        "the manifest of the identifiers is damaged: taking what the runs say themselves",
        path=str(directory / FILE_NAME),
    )
    return _found(directory)


def _found(directory: Path) -> Manifest:
    names = []
    for path in directory.glob(f"*{SUFFIX}"):
        try:
            names.append(read_name(path))
        except RunDamaged as error:
            structlog.get_logger().error("run left out", path=str(path), error=str(error))
    runs = tuple(_outermost(names))
    return Manifest(max((run.serial for run in runs), default=0), runs)


def _outermost(names: Iterable[RunName]) -> list[RunName]:
    """Leave out runs that were merged into another."""
    kept: list[RunName] = []
    for name in sorted(names, key=lambda n: (n.hour, n.first, -n.last, n.serial)):
        if not kept or kept[-1].hour != name.hour or kept[-1].last < name.last:
            kept.append(name)
    return kept
