"""Tests of one segment."""

from pathlib import Path

import apsw
import pytest

from forebay.kernel.ids import Offset
from forebay.log.ports import LogDamaged
from forebay.log.sqlite.segment import (
    Group,
    SegmentView,
    SqliteUnsuitable,
    WritableSegment,
    check_library,
)


def create(path: Path, log_id: str = "a", first: int = 0) -> WritableSegment:
    segment = WritableSegment.open(path, log_id=log_id, first=Offset(first), may_create=True)
    segment.settle()
    return segment


@pytest.mark.parametrize("version", ["3.40.1", "3.51.2"])
def test_library_with_the_wal_reset_bug_is_refused(version: str) -> None:
    with pytest.raises(SqliteUnsuitable, match=r"at least 3\.51\.3"):
        check_library(version)


def test_library_in_use_is_sound() -> None:
    check_library()


def test_connection_really_writes_ahead_and_syncs(tmp_path: Path) -> None:
    segment = create(tmp_path / "s")

    assert segment._connection.pragma("journal_mode") == "wal"
    assert segment._connection.pragma("synchronous") == 2
    segment.close()


def test_file_system_without_write_ahead_log_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # SQLite's name for a database in memory, and a file beside

    with pytest.raises(SqliteUnsuitable, match="journal_mode=memory"):
        WritableSegment.open(Path(":memory:"), log_id="a", first=Offset(0), may_create=True)


def test_segments_are_their_owners_only(tmp_path: Path) -> None:
    segment = create(tmp_path / "s")

    assert {entry.stat().st_mode & 0o777 for entry in tmp_path.iterdir()} == {0o600}
    segment.close()


def test_closed_segment_is_one_file(tmp_path: Path) -> None:
    segment = create(tmp_path / "s")
    segment.append(Group(Offset(0), 1, b"blob"))

    segment.settle()
    segment.close()

    assert [entry.name for entry in tmp_path.iterdir()] == ["s"]


def test_view_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "s"
    segment = create(path)
    segment.append(Group(Offset(0), 1, b"blob"))
    view = SegmentView(path)

    with pytest.raises(apsw.ReadOnlyError):
        view._connection.execute("DELETE FROM groups")
    assert list(view.scan(Offset(0), Offset(1))) == [(0, 1, b"blob")]
    segment.abandon()
    view.close()

    assert (tmp_path / "s-wal").stat().st_size > 0


def test_view_of_a_file_that_is_gone_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        SegmentView(tmp_path / "gone")


@pytest.mark.parametrize(("log_id", "first"), [("b", 0), ("a", 5)])
def test_segment_of_another_log_or_place_is_refused(
    tmp_path: Path, log_id: str, first: int
) -> None:
    create(tmp_path / "s").close()

    with pytest.raises(LogDamaged, match="comes from elsewhere"):
        WritableSegment.open(tmp_path / "s", log_id=log_id, first=Offset(first), may_create=False)


def test_missing_segment_is_not_made_anew(tmp_path: Path) -> None:
    with pytest.raises(LogDamaged):
        WritableSegment.open(tmp_path / "s", log_id="a", first=Offset(0), may_create=False)

    assert list(tmp_path.iterdir()) == []


def test_gap_between_rows_is_found(tmp_path: Path) -> None:
    segment = create(tmp_path / "s")
    segment.append(Group(Offset(0), 2, b"blob"))
    segment.append(Group(Offset(3), 2, b"blob"))

    with pytest.raises(LogDamaged, match="has gaps"):
        segment.check_gaps()
    segment.close()


def test_reader_in_the_middle_of_a_read_does_not_stop_the_writer(tmp_path: Path) -> None:
    path = tmp_path / "s"
    segment = create(path)
    segment.append(Group(Offset(0), 1, b"a"))
    segment.append(Group(Offset(1), 1, b"b"))
    view = SegmentView(path)
    groups = view.scan(Offset(0), Offset(10))
    next(groups)

    segment.append(Group(Offset(2), 1, b"c"))
    segment.checkpoint()
    is_settled_before = segment.settle()
    groups.close()
    is_settled_after = segment.settle()
    segment.close()

    assert (is_settled_before, is_settled_after) == (False, True)
    assert len(list(view.scan(Offset(0), Offset(10)))) == 3
    view.close()
