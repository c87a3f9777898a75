"""
Files that are on the disk before a catalog names them.

PyIceberg never syncs: after a power cut its catalog may point at an empty metadata file. Here
a file, and every directory made for it, is synced when the file is closed, and only then is
the catalog told. A file is never written twice: every name is new.
"""

import os
from io import BufferedReader
from pathlib import Path
from types import TracebackType
from typing import Self

from pyiceberg.io import FileIO, InputFile, OutputFile

from forebay.kernel.files import FILE_MODE, make_directory, sync_directory


class DurableOutput:
    """A new file; `close` returns once its content and its name are on the disk."""

    def __init__(self, path: Path) -> None:
        make_directory(path.parent)
        self._path = path
        self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE), "wb")

    @property
    def closed(self) -> bool:
        """Whether nothing more can be written."""
        return self._file.closed

    def write(self, data: bytes) -> int:
        """Write all of `data`."""
        return self._file.write(data)

    def tell(self) -> int:
        """Return the number of bytes written."""
        return self._file.tell()

    def flush(self) -> None:
        """Hand what is buffered to the system; only `close` makes it durable."""
        self._file.flush()

    def close(self) -> None:
        """Make the file durable."""
        if self._file.closed:
            return
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
        finally:
            self._file.close()
        sync_directory(self._path.parent)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self.close()
            return
        # A part of a file is of no use to anyone, and on a full disk its space is.
        self._path.unlink(missing_ok=True)
        self._file.close()


class DurableInputFile(InputFile):
    """A file to read."""

    def __len__(self) -> int:
        return Path(self.location).stat().st_size

    def exists(self) -> bool:
        """Say whether the file is there."""
        return Path(self.location).exists()

    def open(self, seekable: bool = True) -> BufferedReader:  # noqa: ARG002, FBT001, FBT002  the library's signature
        """Open it for reading."""
        return Path(self.location).open("rb")


class DurableOutputFile(OutputFile):
    """A file to be written once."""

    def __len__(self) -> int:
        return Path(self.location).stat().st_size

    def exists(self) -> bool:
        """Say whether the file is there."""
        return Path(self.location).exists()

    def to_input_file(self) -> DurableInputFile:
        """Return the same file for reading."""
        return DurableInputFile(self.location)

    def create(self, overwrite: bool = False) -> DurableOutput:  # noqa: ARG002, FBT001, FBT002  the library's signature
        """
        Create the file.

        `overwrite` is not honoured: a name that is taken is a mistake we want to hear of.
        """
        return DurableOutput(Path(self.location))


class DurableFileIO(FileIO):
    """Local files, written durably; PyIceberg loads this class by its name."""

    def new_input(self, location: str) -> DurableInputFile:
        """Return a file for reading."""
        return DurableInputFile(location)

    def new_output(self, location: str) -> DurableOutputFile:
        """Return a file for writing."""
        return DurableOutputFile(location)

    def delete(self, location: str | InputFile | OutputFile) -> None:
        """Remove a file."""
        path = location if isinstance(location, str) else location.location
        Path(path).unlink()
