"""Tests of the reader."""

import shutil
from pathlib import Path

import pytest

from forebay.kernel.ids import Offset
from forebay.log.ports import LogDamaged, LogRecord, NotInLog
from forebay.log.sqlite.frames import pack_group
from forebay.log.sqlite.layout import partition_path
from forebay.log.sqlite.partition import Partition
from forebay.log.sqlite.reader import SqliteLogReader
from forebay.log.sqlite.segment import Group
from support.logs import PARTITION, read_all

FAR_FUTURE_MS = 2**50


def open_partition(root: Path, *, segment_bytes_max: int = 2**30) -> Partition:
    return Partition.open(
        root, PARTITION, segment_bytes_max=segment_bytes_max, checkpoint_bytes=2**30
    )


def fill(root: Path, count: int, *, segment_bytes_max: int = 2**30) -> Partition:
    partition = open_partition(root, segment_bytes_max=segment_bytes_max)
    for number in range(count):
        partition.commit([[b"%d" % number]])
        partition.tidy()
    return partition


def test_commit_that_is_not_acknowledged_cannot_be_read(tmp_path: Path) -> None:
    partition = fill(tmp_path, 2)
    blob = pack_group(Offset(2), [[b"not acknowledged"]])
    partition._segment.append(Group(Offset(2), 1, blob))
    reader = SqliteLogReader(tmp_path)

    assert reader.bounds(PARTITION).next == 2
    assert reader.read(PARTITION, Offset(1), bytes_max=1000) == [LogRecord(Offset(1), b"1")]
    assert reader.read(PARTITION, Offset(2), bytes_max=1000) == []
    partition.close()
    reader.close()


def test_end_never_goes_back_when_a_slot_reads_as_torn(tmp_path: Path) -> None:
    partition = fill(tmp_path, 3)
    reader = SqliteLogReader(tmp_path)
    before = reader.bounds(PARTITION)
    beacon = partition_path(tmp_path, PARTITION) / "beacon"
    content = bytearray(beacon.read_bytes())
    content[partition._beacon._sequence % 2 * 512 + 20] ^= 1
    beacon.write_bytes(content)

    after = reader.bounds(PARTITION)
    from_new_reader = SqliteLogReader(tmp_path).bounds(PARTITION)
    partition.close()

    assert before == after == (0, 3)
    assert from_new_reader == (0, 2)


def test_segment_that_is_dropped_while_open_does_no_harm(tmp_path: Path) -> None:
    partition = fill(tmp_path, 5, segment_bytes_max=1)
    reader = SqliteLogReader(tmp_path)
    reader.read(PARTITION, Offset(0), bytes_max=1)

    partition.drop_below(Offset(3), written_by_ms=FAR_FUTURE_MS)

    with pytest.raises(NotInLog):
        reader.read(PARTITION, Offset(0), bytes_max=1)
    assert [record.offset for record in read_all(reader)] == [3, 4]
    partition.close()
    reader.close()


def test_segment_that_vanished_unasked_is_reported(tmp_path: Path) -> None:
    fill(tmp_path, 3, segment_bytes_max=1).close()
    (partition_path(tmp_path, PARTITION) / f"{1:020d}.segment").unlink()
    reader = SqliteLogReader(tmp_path)

    assert reader.read(PARTITION, Offset(0), bytes_max=1000) == [LogRecord(Offset(0), b"0")]
    with pytest.raises(LogDamaged, match="offset 1"):
        reader.read(PARTITION, Offset(1), bytes_max=1000)
    reader.close()


def test_records_around_a_damaged_one_stay_readable(tmp_path: Path) -> None:
    partition = open_partition(tmp_path)
    blob = bytearray(pack_group(Offset(0), [[b"zero"], [b"one"], [b"two"]]))
    blob[blob.index(b"one")] ^= 1
    partition._segment.append(Group(Offset(0), 3, bytes(blob)))
    partition._beacon.write(Offset(0), Offset(3))
    partition.close()
    reader = SqliteLogReader(tmp_path)

    before = reader.read(PARTITION, Offset(0), bytes_max=1000)
    after = reader.read(PARTITION, Offset(2), bytes_max=1000)

    assert (before, after) == ([(0, b"zero")], [(2, b"two")])
    with pytest.raises(LogDamaged, match="offset 1 does not match"):
        reader.read(PARTITION, Offset(1), bytes_max=1000)
    reader.close()


def test_log_made_anew_is_read_from_its_beginning(tmp_path: Path) -> None:
    fill(tmp_path, 5).close()
    reader = SqliteLogReader(tmp_path)
    old_id = reader.log_id(PARTITION)
    reader.read(PARTITION, Offset(0), bytes_max=1000)

    shutil.rmtree(partition_path(tmp_path, PARTITION))
    fill(tmp_path, 1).close()

    assert reader.log_id(PARTITION) != old_id
    assert reader.bounds(PARTITION) == (0, 1)
    assert reader.read(PARTITION, Offset(0), bytes_max=1000) == [(0, b"0")]
    reader.close()
