"""
The data directory: where everything lies, who may read it, and that only one server uses it.

It is readable by its owner only, and locked for the life of a server.
"""

import fcntl
import os
from pathlib import Path

from forebay.kernel.errors import Disposition, PlatformError
from forebay.kernel.files import make_directory


class DataDirectoryInUse(PlatformError):
    """Another server works on this data directory."""

    code = "APP-1409"
    status = 409
    title = "Data directory in use"
    disposition = Disposition.STOP


class DataDirectoryMissing(PlatformError):
    """There is no data directory here."""

    code = "APP-1404"
    status = 404
    title = "Data directory missing"
    disposition = Disposition.STOP


class DataDirectory:
    """Paths of one installation."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.control = self.root
        self.credentials = self.root / "credentials"
        self.log = self.root / "log"
        self.lake = self.root / "lake"
        self.library = self.root / "xdm" / "library.json.gz"
        self.checkpoint = self.root / "processing" / "checkpoint.json"
        self.identifiers = self.root / "processing" / "identifiers"
        self.run = self.root / "run"
        self.snapshot = self.run / "directory.msgpack"
        self.validation_schemas = self.run / "schemas"
        self.metrics = self.run / "metrics"
        self.roles = self.run / "roles"
        self._lock: int | None = None

    def create(self) -> None:
        """Make what is missing, readable by the owner only."""
        os.umask(0o077)
        for path in (
            self.root,
            self.credentials,
            self.log,
            self.lake,
            self.library.parent,
            self.checkpoint.parent,
            self.run,
            self.validation_schemas,
            self.metrics,
            self.roles,
        ):
            make_directory(path)
        self.root.chmod(0o700)

    def forget_processes(self) -> None:
        """Remove what the processes of an earlier server said of themselves."""
        for folder in (self.metrics, self.roles):
            for file in folder.iterdir():
                file.unlink()

    def require(self) -> None:
        """
        Check that a server was started here before.

        Raises:
            DataDirectoryMissing: It was not; the message says what to do.
        """
        if not (self.root / "control.db").is_file():
            raise DataDirectoryMissing(
                f"{self.root} is not a Forebay data directory: no control.db in it. "
                "Name the right one with --data, or start `forebay serve` first."
            )

    def lock(self) -> None:
        """
        Take the directory for this process, until it ends.

        Raises:
            DataDirectoryInUse: Another process has it; the message names its process id.
        """
        descriptor = os.open(self.run / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise DataDirectoryInUse(
                f"{self.root} is in use by another server (process {holder}). "
                "Stop that one first, or choose another directory with --data."
            ) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        self._lock = descriptor
