from pathlib import Path

import pytest

from forebay.lake import maintenance
from forebay.lake.iceberg import IcebergTables
from forebay.lake.ports import table_fields
from support.lake import ONE, PERSON, TABLE, mark, rows_of

COLUMNS = table_fields(PERSON)


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> IcebergTables:
    """A lake that soon has too many snapshots."""
    monkeypatch.setattr(maintenance, "SNAPSHOTS_MAX", 10)
    monkeypatch.setattr(maintenance, "SNAPSHOTS_KEPT", 4)
    monkeypatch.setattr(
        "forebay.lake.iceberg._PROPERTIES",
        {"commit.manifest-merge.enabled": "true", "commit.manifest.min-count-to-merge": "3"},
    )
    lake = IcebergTables(tmp_path / "lake")
    lake.ensure(TABLE, COLUMNS)
    for number in range(35):
        prepared = lake.prepare(COLUMNS, rows_of([{"_id": f"{number:02d}"}], offset=number))
        lake.append(TABLE, prepared, {ONE: mark(number + 1)})
    return lake


def test_old_snapshots_are_forgotten_and_no_row_is(lake: IcebergTables) -> None:
    lake.close()
    again = IcebergTables(lake._path)

    table = again._load(TABLE)
    rows = table.scan().to_arrow().column("_id").to_pylist()

    assert 4 <= len(table.metadata.snapshots) <= 10
    assert sorted(rows) == [f"{number:02d}" for number in range(35)]
    assert again.marks(TABLE) == {ONE: mark(35)}


def test_every_snapshot_that_is_kept_can_be_read(lake: IcebergTables) -> None:
    table = lake._load(TABLE)

    counts = [table.scan(snapshot_id=s.snapshot_id).count() for s in table.metadata.snapshots]

    assert counts == list(range(36 - len(counts), 36))


def test_files_that_only_old_snapshots_needed_are_gone(lake: IcebergTables) -> None:
    table = lake._load(TABLE)
    lists = {snapshot.manifest_list for snapshot in table.metadata.snapshots}
    manifests = {path for s in table.metadata.snapshots for path in maintenance._files(table, s)}

    left = {str(path) for path in lake._path.rglob("*.avro")}

    assert {path for path in left if "/snap-" in path} == lists
    # A commit that merges manifests writes one that no snapshot ever names: a file in three
    # commits here, one in a hundred by default.
    assert len(left - lists - manifests) <= 35 / 2
