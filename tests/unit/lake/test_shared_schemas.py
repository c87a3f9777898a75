"""Copies of a table's metadata share its schemas, and everything else is a copy."""

from copy import deepcopy
from pathlib import Path

from forebay.lake.iceberg import IcebergTables
from forebay.lake.shared_schemas import share_schemas
from support.lake import ONE, PERSON, TABLE, fields, mark, rows_of


def test_copy_of_the_metadata_shares_its_schemas(tmp_path: Path) -> None:
    tables = IcebergTables(tmp_path / "lake")
    tables.ensure(TABLE, PERSON)
    tables.ensure(TABLE, fields(_id="string", late="string"))
    metadata = tables._load(TABLE).metadata

    copied = deepcopy(metadata)

    assert copied is not metadata
    assert copied == metadata
    assert [a is b for a, b in zip(copied.schemas, metadata.schemas, strict=True)] == [True, True]
    assert copied.properties is not metadata.properties
    tables.close()


def test_schemas_are_shared_again_after_a_commit_and_written_as_before(tmp_path: Path) -> None:
    tables = IcebergTables(tmp_path / "lake")
    tables.ensure(TABLE, PERSON)
    before = tables._load(TABLE).schema()

    tables.append(TABLE, tables.prepare(PERSON, rows_of([{"_id": "1"}])), {ONE: mark(1)})

    table = tables._load(TABLE)
    assert table.schema() == before
    assert share_schemas(table).metadata is table.metadata
    assert table.metadata.model_dump_json() == table.refresh().metadata.model_dump_json()
    tables.close()
