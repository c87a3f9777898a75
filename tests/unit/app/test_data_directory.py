"""One server per data directory, and for its owner's eyes only."""

import os
from pathlib import Path

import pytest

from forebay.app.data_directory import DataDirectory, DataDirectoryInUse, DataDirectoryMissing


def test_everything_in_it_is_the_owners_only(tmp_path: Path) -> None:
    before = os.umask(0o022)
    data = DataDirectory(tmp_path / "data")

    data.create()

    os.umask(before)
    modes = {path.stat().st_mode & 0o077 for path in [data.root, *data.root.rglob("*")]}
    assert modes == {0}


def test_a_second_server_is_refused_by_name(tmp_path: Path) -> None:
    first, second = DataDirectory(tmp_path / "data"), DataDirectory(tmp_path / "data")
    first.create()
    first.lock()

    with pytest.raises(DataDirectoryInUse, match=str(os.getpid())):
        second.lock()


def test_a_directory_without_a_server_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataDirectoryMissing, match="nowhere"):
        DataDirectory(tmp_path / "nowhere").require()
