import os
from pathlib import Path

import pytest

from forebay.lake.durable_io import DurableFileIO


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that were synced, in order."""
    paths: list[str] = []
    fsync = os.fsync

    def recording(descriptor: int) -> None:
        paths.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", recording)
    return paths


def test_close_syncs_the_file_and_every_new_directory(tmp_path: Path, synced: list[str]) -> None:
    path = tmp_path / "a" / "b" / "file"

    with DurableFileIO().new_output(str(path)).create() as stream:
        stream.write(b"content")

    assert synced == [str(p) for p in (tmp_path, tmp_path / "a", path, tmp_path / "a" / "b")]
    assert path.read_bytes() == b"content"
    assert path.stat().st_mode & 0o077 == 0


def test_name_that_is_taken_is_refused(tmp_path: Path) -> None:
    output = DurableFileIO().new_output(str(tmp_path / "file"))
    output.create().close()

    with pytest.raises(FileExistsError):
        output.create(overwrite=True)


def test_half_written_file_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    stream = DurableFileIO().new_output(str(path)).create()
    stream.write(b"part")

    stream.__exit__(OSError, OSError("disk full"), None)

    assert not path.exists()


def test_file_is_read_back_and_deleted(tmp_path: Path) -> None:
    io = DurableFileIO()
    location = str(tmp_path / "file")
    with io.new_output(location).create() as stream:
        stream.write(b"content")

    source = io.new_output(location).to_input_file()
    with source.open() as opened:
        assert opened.read() == b"content"
    assert (len(source), source.exists()) == (7, True)

    io.delete(location)
    assert not source.exists()
