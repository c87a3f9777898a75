"""Every field group of the standard library, on its way into a table and back."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from forebay.xdm.standard import Kind
from support.census import follow, schemas_of
from support.tables import Record, tell

PARTS = 10


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "lake"
    shutil.rmtree(tmp_path / "lake")


@pytest.mark.parametrize("part", range(PARTS))
def test_every_field_group_comes_back_from_the_lake(
    part: int, folder: Path, record_property: Record
) -> None:
    schemas = schemas_of(Kind.FIELD_GROUP)[part::PARTS]

    counts, faults = follow(schemas, folder)

    tell(record_property, "Standard components", "field groups", counts)
    assert faults == []
