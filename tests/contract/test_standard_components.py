"""Everything else of the standard library, and one schema per class, into a table and back."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from forebay.xdm.standard import Kind
from support.census import follow, schemas_of, schemas_of_classes
from support.tables import Record, tell

PARTS = 4
NAMES = {
    Kind.BEHAVIOR: "behaviors",
    Kind.CLASS: "classes",
    Kind.DATA_TYPE: "data types",
    Kind.DESCRIPTOR: "descriptors",
    Kind.SCHEMA: "other schemas",
}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "lake"
    shutil.rmtree(tmp_path / "lake")


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("kind", NAMES)
def test_every_component_comes_back_from_the_lake(
    kind: Kind, part: int, folder: Path, record_property: Record
) -> None:
    schemas = schemas_of(kind)[part::PARTS]

    counts, faults = follow(schemas, folder)

    tell(record_property, "Standard components", NAMES[kind], counts)
    assert faults == []


@pytest.mark.parametrize("part", range(PARTS))
def test_every_class_with_all_its_field_groups_comes_back_from_the_lake(
    part: int, folder: Path, record_property: Record
) -> None:
    schemas = schemas_of_classes()[part::PARTS]

    counts, faults = follow(schemas, folder)

    tell(record_property, "Schemas of a class with all its field groups", "classes", counts)
    assert faults == []
