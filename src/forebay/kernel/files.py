"""Files that survive a power cut: written beside, synced, renamed, and the directory synced too."""

import os
import threading
from pathlib import Path

FILE_MODE = 0o600
DIRECTORY_MODE = 0o700


def sync_directory(path: Path) -> None:
    """Make the entries of a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_durably(path: Path, content: bytes) -> None:
    """
    Put `content` at `path`: after a crash there is the old file or the new one, never a part.

    When this returns, the new content survives the loss of power. The file is readable by
    its owner only.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    beside.replace(path)
    sync_directory(path.parent)


def replace(path: Path, content: bytes) -> None:
    """
    Put `content` at `path` so that readers see the old file or the new one, never a part.

    Not synced: for what is made anew after a crash anyway.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.new")
    beside.write_bytes(content)
    beside.chmod(FILE_MODE)
    beside.replace(path)


def make_directory(path: Path) -> Path:
    """Make a directory and its parents, readable by their owner only, and durable; return it."""
    if not path.is_dir():
        make_directory(path.parent)
        path.mkdir(mode=DIRECTORY_MODE, exist_ok=True)
        sync_directory(path.parent)
    return path
