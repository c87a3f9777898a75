"""Tests of recovery: what a start accepts, what it repairs and what it refuses."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from forebay.kernel.ids import Offset
from forebay.log.ports import LogDamaged, LogInUse, LogRecord
from forebay.log.sqlite.beacon import Beacon
from forebay.log.sqlite.layout import list_segments, partition_path
from forebay.log.sqlite.partition import Partition
from forebay.log.sqlite.reader import SqliteLogReader
from support.logs import PARTITION, read_all

PAYLOADS = [b"record %03d " % number * (number + 1) for number in range(20)]
RECORDS = [LogRecord(Offset(offset), payload) for offset, payload in enumerate(PAYLOADS)]


def open_partition(root: Path, *, segment_bytes_max: int = 2**30) -> Partition:
    return Partition.open(
        root, PARTITION, segment_bytes_max=segment_bytes_max, checkpoint_bytes=2**30
    )


def fill(root: Path, *, segment_bytes_max: int = 2**30) -> Partition:
    partition = open_partition(root, segment_bytes_max=segment_bytes_max)
    for payload in PAYLOADS:
        partition.commit([[payload]])
        partition.tidy()
    return partition


def recover(root: Path) -> list[LogRecord]:
    """Return everything that a start accepts."""
    open_partition(root).close()
    return read(root)


def read(root: Path) -> list[LogRecord]:
    reader = SqliteLogReader(root)
    try:
        return read_all(reader)
    finally:
        reader.close()


def outcome(root: Path) -> list[LogRecord] | None:
    """Return everything that a start accepts, None if it reports damage."""
    try:
        return recover(root)
    except LogDamaged:
        return None


@pytest.fixture
def crashed(tmp_path: Path) -> Path:
    """A log whose writer ended without closing: all records are in the write-ahead log."""
    fill(tmp_path / "log").abandon()
    return tmp_path / "log"


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    """A log that was closed: all records are in the segment's file."""
    fill(tmp_path / "log").close()
    return tmp_path / "log"


def only(root: Path, name: str) -> Path:
    return partition_path(root, PARTITION) / name


WAL = "00000000000000000000.segment-wal"
SHM = "00000000000000000000.segment-shm"
SEGMENT = "00000000000000000000.segment"


def copies(original: Path, count: int) -> Iterator[tuple[int, Path]]:
    for number in range(count):
        copy = original.with_name(f"copy-{number}")
        shutil.copytree(original, copy)
        yield number, copy
        shutil.rmtree(copy)


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1 << at % 8
    path.write_bytes(content)


def test_crash_loses_nothing(crashed: Path) -> None:
    assert recover(crashed) == RECORDS


def test_record_between_commit_and_answer_is_kept_and_shown_after_the_start(
    crashed: Path,
) -> None:
    partition = open_partition(crashed)
    from_before = partition._beacon.mark
    partition.commit([[b"not answered"]])
    partition.abandon()
    rewind = open_beacon(crashed)
    rewind.write(from_before.first, from_before.next)
    rewind.close()
    seen_before = read(crashed)

    recovered = recover(crashed)

    assert seen_before == RECORDS
    assert recovered == [*RECORDS, LogRecord(Offset(20), b"not answered")]


def open_beacon(root: Path) -> Beacon:
    return Beacon.open(only(root, "beacon"))


def test_lost_write_ahead_log_is_reported_with_the_offsets(crashed: Path) -> None:
    only(crashed, WAL).unlink()
    before = only(crashed, SEGMENT).read_bytes()

    with pytest.raises(LogDamaged, match="offsets 0 to 19 are missing"):
        open_partition(crashed)

    assert only(crashed, SEGMENT).read_bytes() == before


def test_reader_reports_what_is_missing_too(crashed: Path) -> None:
    only(crashed, WAL).unlink()

    with pytest.raises(LogDamaged, match="offset 0 of partition 1"):
        read(crashed)


def test_refused_start_leaves_the_evidence(crashed: Path) -> None:
    flip(only(crashed, WAL), only(crashed, WAL).stat().st_size // 2)
    before = only(crashed, WAL).read_bytes()

    with pytest.raises(LogDamaged, match=r"offsets \d+ to 19 are missing"):
        open_partition(crashed)

    assert only(crashed, WAL).read_bytes() == before


def test_lost_beacon_is_reported(closed: Path) -> None:
    only(closed, "beacon").unlink()

    with pytest.raises(LogDamaged, match="lost its beacon"):
        open_partition(closed)


def test_lost_identity_is_reported(closed: Path) -> None:
    only(closed, "identity.json").unlink()

    with pytest.raises(LogDamaged, match="no identity file"):
        open_partition(closed)


@pytest.mark.parametrize("content", [b"", b"{}", b'{"log_id":"x","partition":1,"format":9}'])
def test_unreadable_identity_is_reported(closed: Path, content: bytes) -> None:
    only(closed, "identity.json").write_bytes(content)

    with pytest.raises(LogDamaged):
        open_partition(closed)


def test_directory_of_another_partition_is_refused(closed: Path) -> None:
    partition_path(closed, PARTITION).rename(closed / "partition-0002")

    with pytest.raises(LogDamaged, match="files of partition 1"):
        Partition.open(closed, type(PARTITION)(2), segment_bytes_max=1, checkpoint_bytes=1)


def test_beacon_of_another_log_is_refused(closed: Path, tmp_path: Path) -> None:
    fill(tmp_path / "other").close()
    shutil.copy(only(tmp_path / "other", "beacon"), only(closed, "beacon"))

    with pytest.raises(LogDamaged, match="its beacon belongs to"):
        open_partition(closed)


def test_older_copy_of_the_segment_is_reported(tmp_path: Path) -> None:
    root = tmp_path / "log"
    open_partition(root).close()
    shutil.copy(only(root, SEGMENT), tmp_path / "old")
    fill(root).close()
    shutil.copy(tmp_path / "old", only(root, SEGMENT))

    with pytest.raises(LogDamaged, match="offsets 0 to 19 are missing"):
        open_partition(root)


@pytest.mark.parametrize("lost", [0, 1, -2])
def test_lost_segment_is_reported(tmp_path: Path, lost: int) -> None:
    fill(tmp_path, segment_bytes_max=3_000).close()
    segments = list_segments(partition_path(tmp_path, PARTITION))
    only(tmp_path, f"{segments[lost]:020d}.segment").unlink()

    with pytest.raises(LogDamaged, match=rf"the offsets {segments[lost]} to \d+ are missing"):
        open_partition(tmp_path)


def test_all_segments_lost_is_reported(closed: Path) -> None:
    only(closed, SEGMENT).unlink()

    with pytest.raises(LogDamaged, match="offsets 0 to 19 are missing"):
        open_partition(closed)


def test_creation_that_was_cut_short_is_finished(tmp_path: Path) -> None:
    open_partition(tmp_path).close()
    only(tmp_path, "identity.json").unlink()
    only(tmp_path, SEGMENT).unlink()

    open_partition(tmp_path).close()

    assert only(tmp_path, SEGMENT).is_file()


@pytest.mark.parametrize("leftover", [None, b""])
def test_roll_that_was_cut_short_is_finished(tmp_path: Path, leftover: bytes | None) -> None:
    fill(tmp_path, segment_bytes_max=1).close()
    last = only(tmp_path, f"{20:020d}.segment")
    last.unlink()
    [last.write_bytes(content) for content in [leftover] if content is not None]

    partition = open_partition(tmp_path)
    first = partition.commit([[b"next"]])
    partition.close()

    assert first == 20
    assert read(tmp_path) == [*RECORDS, LogRecord(Offset(20), b"next")]


def test_drop_that_was_cut_short_is_finished(tmp_path: Path) -> None:
    partition = fill(tmp_path, segment_bytes_max=1)
    beacon = partition._beacon
    beacon.write(Offset(5), beacon.mark.next)
    partition.close()

    recovered = recover(tmp_path)

    assert recovered == RECORDS[5:]
    assert list_segments(partition_path(tmp_path, PARTITION))[0] == 5


def test_write_ahead_log_that_a_reader_kept_alive_is_moved_at_the_start(tmp_path: Path) -> None:
    partition = fill(tmp_path)
    reader = SqliteLogReader(tmp_path)
    view = reader._view(PARTITION, Offset(0), reader._mark(PARTITION))
    groups = view.scan(Offset(0), Offset(20))
    next(groups)
    partition.commit([[b"more"]])
    partition._segment_bytes_max = 1
    partition.tidy()
    partition.abandon()
    size_before = only(tmp_path, WAL).stat().st_size
    groups.close()
    reader.close()

    open_partition(tmp_path).close()

    assert size_before > 0
    assert not only(tmp_path, WAL).exists()
    assert len(read(tmp_path)) == 21


def test_stuck_reader_cannot_make_the_write_ahead_log_grow_without_end(tmp_path: Path) -> None:
    partition = fill(tmp_path, segment_bytes_max=500_000)
    partition._checkpoint_bytes = 50_000
    reader = SqliteLogReader(tmp_path)
    groups = reader._view(PARTITION, Offset(0), reader._mark(PARTITION)).scan(Offset(0), Offset(9))
    next(groups)

    for _ in range(100):
        partition.commit([[bytes(20_000)]])
        partition.tidy()
    wals = list(tmp_path.glob("*/*-wal"))
    sizes = [wal.stat().st_size for wal in wals]
    groups.close()
    partition.close()

    assert len(list_segments(partition_path(tmp_path, PARTITION))) > 4
    assert max(sizes) < 1_500_000
    assert len(read_all(reader)) == 120
    reader.close()


def test_second_writer_is_refused(tmp_path: Path) -> None:
    partition = open_partition(tmp_path)

    with pytest.raises(LogInUse):
        open_partition(tmp_path)
    partition.close()

    open_partition(tmp_path).close()


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_descriptors_are_given_back(tmp_path: Path) -> None:
    fill(tmp_path, segment_bytes_max=2_000).close()
    before = open_descriptors()

    for _ in range(5):
        recover(tmp_path)
    only(tmp_path, "beacon").unlink()
    for _ in range(5):
        outcome(tmp_path)

    assert open_descriptors() == before


def test_flipped_bits_in_the_write_ahead_log_lose_nothing_silently(crashed: Path) -> None:
    size = only(crashed, WAL).stat().st_size
    flips = 150

    outcomes = []
    for number, copy in copies(crashed, flips):
        flip(only(copy, WAL), number * size // flips)
        outcomes.append(outcome(copy))

    assert all(found in (None, RECORDS) for found in outcomes)
    assert None in outcomes


def test_flipped_bits_in_the_segment_lose_nothing_silently(closed: Path) -> None:
    size = only(closed, SEGMENT).stat().st_size
    dense = [*range(0, 120, 3), *range(8192, 8300, 3)]
    places = sorted({*dense, *range(0, size, size // 120)})

    outcomes = []
    for number, copy in copies(closed, len(places)):
        flip(only(copy, SEGMENT), places[number])
        outcomes.append(outcome(copy))

    assert all(found in (None, RECORDS) for found in outcomes)
    assert None in outcomes


def test_flipped_bits_in_the_beacon_lose_nothing(closed: Path) -> None:
    outcomes = []
    for number, copy in copies(closed, 64):
        flip(only(copy, "beacon"), number * 16)
        outcomes.append(outcome(copy))

    assert outcomes == [RECORDS] * 64


def test_shortened_files_lose_nothing_silently(crashed: Path) -> None:
    wal_size = only(crashed, WAL).stat().st_size

    outcomes = []
    for number, copy in copies(crashed, 60):
        os.truncate(only(copy, WAL), number * wal_size // 60)
        outcomes.append(outcome(copy))

    assert outcomes == [None] * 60


def test_shortened_segment_is_reported(closed: Path) -> None:
    size = only(closed, SEGMENT).stat().st_size

    outcomes = []
    for number, copy in copies(closed, 40):
        os.truncate(only(copy, SEGMENT), number * size // 40)
        outcomes.append(outcome(copy))

    assert outcomes == [None] * 40


def test_unacknowledged_tail_may_be_torn(crashed: Path) -> None:
    partition = open_partition(crashed)
    acknowledged = partition._beacon.mark
    partition.commit([[b"not answered"]])
    partition.abandon()
    rewind = open_beacon(crashed)
    rewind.write(acknowledged.first, acknowledged.next)
    rewind.close()
    size = only(crashed, WAL).stat().st_size
    os.truncate(only(crashed, WAL), size - 100)

    assert recover(crashed) == RECORDS


@pytest.mark.parametrize("content", [b"", b"garbage" * 5000])
def test_garbage_in_the_shared_memory_file_is_harmless(crashed: Path, content: bytes) -> None:
    only(crashed, SHM).write_bytes(content)

    assert recover(crashed) == RECORDS
