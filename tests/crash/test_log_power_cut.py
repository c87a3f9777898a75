"""
Power cuts: a file system of its own is shut down under the writer, as if the plug were pulled.

ext4's shutdown call discards everything that was not synced, the journal's tail included.
What a kill leaves in the page cache is gone here, so that this is the test of syncing itself.
It needs root and a loop device.
"""

import fcntl
import os
import random
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.log_oracle import Acknowledged, Audit, Follower, audit, child, is_clean, parse, start

CUTS = 3
IMAGE_BYTES = 128 * 1_048_576
FS_IOC_SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = 2


class PluggedDisk:
    """An ext4 file system in a file."""

    def __init__(self, image: Path, mount_point: Path) -> None:
        self._image = image
        self.root = mount_point

    def make(self) -> str:
        """Make and mount the file system; return why that cannot be done, or nothing."""
        self.root.mkdir()
        with self._image.open("wb") as image:
            image.truncate(IMAGE_BYTES)
        try:
            made = subprocess.run(
                ["mkfs.ext4", "-q", "-F", str(self._image)], capture_output=True, check=False
            )
            mounted = made if made.returncode else self.plug_in()
        except OSError as error:
            return str(error)
        return mounted.stderr.decode() if mounted.returncode else ""

    def plug_in(self) -> subprocess.CompletedProcess[bytes]:
        command = ["mount", "-o", "loop", str(self._image), str(self.root)]
        return subprocess.run(command, capture_output=True, check=False)

    def cut(self) -> None:
        """Take the power away: nothing that was not synced will be there."""
        descriptor = os.open(self.root, os.O_RDONLY)
        fcntl.ioctl(descriptor, FS_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        os.close(descriptor)

    def unplug(self) -> None:
        subprocess.run(["umount", str(self.root)], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[PluggedDisk]:
    disk = PluggedDisk(tmp_path / "image", tmp_path / "mounted")
    obstacle = disk.make()
    if obstacle:
        pytest.skip(f"no file system can be mounted here: {obstacle.strip()}")
    yield disk
    disk.unplug()


def cut_while_running(
    disk: PluggedDisk, mode: str, lines: int
) -> tuple[Acknowledged, Acknowledged]:
    """
    Run a child, cut the power after so many acknowledgements, and put the plug back.

    Returns:
        What the child acknowledged, and what a reader saw meanwhile.
    """
    follower = Follower(disk.root / "log", disk.root.with_name("seen"))
    process = start(child(disk.root / "log", mode))
    assert process.stdout is not None
    seen = [process.stdout.readline() for _ in range(lines)]
    disk.cut()
    try:
        rest, _ = process.communicate(timeout=30)  # it ends by itself: the disk is gone
    finally:
        process.kill()
        seen_by_reader = follower.stop()
    disk.unplug()
    disk.plug_in()
    return parse(b"".join(seen) + rest), seen_by_reader


def test_power_cut_loses_nothing_that_was_acknowledged_or_read(disk: PluggedDisk) -> None:
    acknowledged: Acknowledged = {}
    seen: Acknowledged = {}
    chance = random.Random(os.urandom(8))
    audits: list[Audit] = []

    for _ in range(CUTS):
        more, seen_now = cut_while_running(disk, "crowd", chance.randrange(20, 1500))
        acknowledged |= more
        seen |= seen_now
        audits.append(audit(disk.root / "log", acknowledged))
        audits.append(audit(disk.root / "log", seen))

    assert [found for found in audits if not is_clean(found)] == []
    assert len(acknowledged) >= 20 * CUTS
    assert len(seen) > 0


def test_mutant_that_does_not_sync_loses_and_is_caught(disk: PluggedDisk) -> None:
    acknowledged, _ = cut_while_running(disk, "reckless", 500)

    found = audit(disk.root / "log", acknowledged)

    assert len(acknowledged) >= 500
    assert not is_clean(found)
    assert "missing" in found.damage
