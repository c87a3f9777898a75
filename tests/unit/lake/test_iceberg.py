"""What only the Iceberg adapter can get wrong: files, the catalog, unknown outcomes."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from forebay.lake.iceberg import IcebergTables
from forebay.lake.ports import MarkBehind, TableId, TableUnavailable, table_fields
from forebay.lake.query import query
from support.lake import ONE, OTHER_TABLE, PERSON, TABLE, mark, rows_of

COLUMNS = table_fields(PERSON)


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[IcebergTables]:
    tables = IcebergTables(tmp_path / "lake")
    yield tables
    tables.close()


def append(lake: IcebergTables, offset: int, table: TableId = TABLE) -> None:
    lake.ensure(table, COLUMNS)
    prepared = lake.prepare(COLUMNS, rows_of([{"_id": f"r{offset}"}], offset=offset))
    lake.append(table, prepared, {ONE: mark(offset + 1)})


def ids(folder: Path, table: TableId = TABLE) -> list[str]:
    tables = IcebergTables(folder)
    rows = tables._load(table).scan().to_arrow().to_pylist()
    tables.close()
    return sorted(row["_id"] for row in rows)


def metadata_files(folder: Path, table: TableId = TABLE) -> list[Path]:
    return sorted((folder / table.sandbox_id / table.name / "metadata").glob("*.metadata.json"))


def test_table_lies_below_its_sandbox_and_names_no_user(lake: IcebergTables) -> None:
    append(lake, 0)

    table = lake._load(TABLE)
    assert table.location() == str(lake._path / TABLE.sandbox_id / TABLE.name)


@pytest.mark.parametrize("name", ["../up", "a/b", "", ".", "x" * 200])
def test_name_that_is_no_id_never_becomes_a_path(lake: IcebergTables, name: str) -> None:
    with pytest.raises(TableUnavailable, match="is not an id"):
        lake.ensure(TableId(TABLE.sandbox_id, name), COLUMNS)


def test_every_file_belongs_to_its_owner_alone(lake: IcebergTables) -> None:
    append(lake, 0)

    assert [p for p in lake._path.rglob("*") if p.stat().st_mode & 0o077] == []


def test_catalog_writes_through_to_the_disk(lake: IcebergTables) -> None:
    with lake._catalog.engine.connect() as connection:
        found = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous")
        ]

    assert found == ["delete", 3]


def test_commit_that_happened_although_it_raised_is_taken_for_done(
    lake: IcebergTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(lake, 0)
    commit = lake._catalog.commit_table

    def then_raise(*args: object) -> None:
        commit(*args)  # type: ignore[arg-type]  # passed on as they come
        raise OperationalError("COMMIT", None, Exception("disk I/O error"))

    monkeypatch.setattr(lake._catalog, "commit_table", then_raise)
    append(lake, 1)

    assert lake.marks(TABLE) == {ONE: mark(2)}
    assert ids(lake._path) == ["r0", "r1"]


def test_commit_that_did_not_happen_leaves_no_row_and_no_data_file(
    lake: IcebergTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(lake, 0)

    def raise_at_once(*_args: object) -> None:
        raise OperationalError("COMMIT", None, Exception("database is locked"))

    with monkeypatch.context() as patch:
        patch.setattr(lake._catalog, "commit_table", raise_at_once)
        with pytest.raises(TableUnavailable, match="locked"):
            append(lake, 1)

    assert lake.marks(TABLE) == {ONE: mark(1)}
    assert len(list(lake._path.rglob("*.parquet"))) == 1
    append(lake, 1)
    assert ids(lake._path) == ["r0", "r1"]


def test_second_committer_is_noticed_not_merged_with(lake: IcebergTables) -> None:
    append(lake, 0)
    zombie = IcebergTables(lake._path)
    append(zombie, 3)

    with pytest.raises(TableUnavailable, match="branch main has changed"):
        append(lake, 1)
    with pytest.raises(MarkBehind, match="4"):
        append(lake, 1)

    assert ids(lake._path) == ["r0", "r3"]


def test_append_that_another_committer_has_made_counts_as_done(lake: IcebergTables) -> None:
    append(lake, 0)
    append(IcebergTables(lake._path), 1)

    append(lake, 1)

    assert ids(lake._path) == ["r0", "r1"]


def test_full_disk_stores_nothing_and_the_next_attempt_succeeds(
    lake: IcebergTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(lake, 0)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("forebay.lake.durable_io.os.fsync", full)
        with pytest.raises(TableUnavailable, match="No space left"):
            append(lake, 1)

    append(lake, 1)
    assert ids(lake._path) == ["r0", "r1"]


@pytest.mark.parametrize("content", [b"", b"{", b"{}", b"\xff"])
def test_damaged_metadata_is_a_clear_error_and_concerns_that_table_only(
    tmp_path: Path, lake: IcebergTables, content: bytes
) -> None:
    append(lake, 0)
    append(lake, 0, OTHER_TABLE)
    metadata_files(lake._path)[-1].write_bytes(content)

    again = IcebergTables(tmp_path / "lake")

    with pytest.raises(TableUnavailable, match=TABLE.name):
        again.marks(TABLE)
    append(again, 1, OTHER_TABLE)
    assert ids(lake._path, OTHER_TABLE) == ["r0", "r1"]
    with pytest.raises(TableUnavailable, match=TABLE.name):
        query(lake._path, {"a": TABLE}, "SELECT * FROM a")


def test_missing_metadata_is_a_clear_error(tmp_path: Path, lake: IcebergTables) -> None:
    append(lake, 0)
    metadata_files(lake._path)[-1].unlink()

    with pytest.raises(TableUnavailable, match="No such file"):
        IcebergTables(tmp_path / "lake").marks(TABLE)


@pytest.mark.parametrize("pattern", ["snap-*.avro", "*-m0.avro"])
@pytest.mark.parametrize("content", [b"", b"Obj\x01"])
def test_damaged_manifest_stores_nothing(
    tmp_path: Path, lake: IcebergTables, pattern: str, content: bytes
) -> None:
    append(lake, 0)
    lake.append(TABLE, lake.prepare(COLUMNS, rows_of([{"_id": "x"}])), {ONE: mark(2)})
    lake.close()
    for file in lake._path.rglob(pattern):
        file.write_bytes(content)

    again = IcebergTables(tmp_path / "lake")
    marks = again.marks(TABLE)

    assert marks == {ONE: mark(2)}


def test_what_a_crash_left_in_the_spool_is_removed(tmp_path: Path, lake: IcebergTables) -> None:
    left = lake._path / "spool" / "tmp1"
    left.mkdir()
    (left / "chunk.ndjson").write_bytes(b"{}")

    IcebergTables(tmp_path / "lake")

    assert list((lake._path / "spool").iterdir()) == []


def test_old_metadata_does_not_pile_up(lake: IcebergTables) -> None:
    for offset in range(30):
        append(lake, offset)

    assert len(metadata_files(lake._path)) <= 21


def test_catalog_is_a_plain_sqlite_file_that_others_can_read(lake: IcebergTables) -> None:
    append(lake, 0)

    with sqlite3.connect(lake._path / "catalog.db") as connection:
        names = connection.execute("SELECT table_name FROM iceberg_tables").fetchall()
    connection.close()

    assert names == [(TABLE.name,)]
