"""The part of the disk that the log leaves free, so that everything else can still work there."""

from collections.abc import Callable
from pathlib import Path

from forebay.kernel.clock import Clock

DiskSpace = Callable[[Path], tuple[int, int, int]]
"""Total, used and free bytes of the file system that a path is on: `shutil.disk_usage`."""

_SHARE = 20
"""The reserve is at most one part in this many of the disk."""
_LOOK_EVERY_S = 0.05


class DiskReserve:
    """Watches the free space below a directory."""

    def __init__(self, path: Path, reserve_bytes: int, *, space: DiskSpace, clock: Clock) -> None:
        self._path = path
        self._reserve_bytes = reserve_bytes
        self._space = space
        self._clock = clock
        self._looked_s: float | None = None
        self._is_reached = False

    def is_reached(self) -> bool:
        """Say whether the reserve was reached at the last look, at most 50 ms ago."""
        now_s = self._clock.monotonic_s()
        if self._looked_s is None or now_s - self._looked_s >= _LOOK_EVERY_S:
            total, _, free = self._space(self._path)
            self._is_reached = free < min(self._reserve_bytes, total // _SHARE)
            self._looked_s = now_s
        return self._is_reached
