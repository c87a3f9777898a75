import errno
import os
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from forebay.processing.identifiers.files import FileIndex
from forebay.processing.identifiers.manifest import FILE_NAME, read_manifest
from forebay.processing.identifiers.ports import (
    HOUR_MS,
    IdentifiersUnavailable,
    Lost,
    Verdict,
)
from support.identifiers import START_MS, WINDOW_MS, Claim, claims_of, kinds

FIRST, SAME, _ = Verdict


def open_index(folder: Path) -> FileIndex:
    return FileIndex(folder, window_ms=WINDOW_MS, slice_entries=16)


def claim(index: FileIndex, *claims: Claim) -> list[Verdict]:
    return kinds(index.claim(claims_of(claims)))


def some(hour: int, count: int = 5) -> list[Claim]:
    received_ms = START_MS + hour * HOUR_MS
    return [Claim(f"{hour}-{n}", "c", received_ms, offset=n) for n in range(count)]


def again(claims: list[Claim]) -> list[Claim]:
    return [one._replace(offset=one.offset + 1_000) for one in claims]


def filled(folder: Path) -> tuple[Path, Path]:
    """Return the runs of an index with five ids in each of two hours."""
    index = open_index(folder)
    for hour in range(2):
        claim(index, *some(hour))
        index.commit()
    index.close()
    first, second = sorted(folder.glob("*.run"))
    return first, second


def test_index_that_is_opened_again_knows_what_was_committed(tmp_path: Path) -> None:
    filled(tmp_path)
    index = open_index(tmp_path)

    assert claim(index, *again(some(0)), *again(some(1))) == [SAME] * 10


def test_index_has_one_user(tmp_path: Path) -> None:
    index = open_index(tmp_path)

    with pytest.raises(IdentifiersUnavailable, match="another process"):
        open_index(tmp_path)

    index.close()
    open_index(tmp_path).close()


def test_window_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="window_ms is 0"):
        FileIndex(tmp_path, window_ms=0)


@pytest.mark.parametrize("share", [n / 40 for n in range(40)])
def test_flipped_bit_is_found_and_said(tmp_path: Path, share: float) -> None:
    first, _ = filled(tmp_path)
    content = bytearray(first.read_bytes())
    content[int(share * len(content))] ^= 1 << int(share * 40) % 8
    first.write_bytes(content)

    with capture_logs() as logs:
        index = open_index(tmp_path)

    # The space between header and entries is nobody's.
    is_harmless = 84 <= int(share * len(content)) < 128
    assert index.lost() == (() if is_harmless else (Lost(START_MS, 5),))
    assert [log["log_level"] for log in logs] == ["error"] * (not is_harmless)
    assert claim(index, *again(some(1))) == [SAME] * 5
    index.close()


@pytest.mark.parametrize("size", [0, 10, 127, 200])
def test_shortened_run_is_found_and_set_aside(tmp_path: Path, size: int) -> None:
    first, _ = filled(tmp_path)
    os.truncate(first, size)

    index = open_index(tmp_path)

    assert index.lost() == (Lost(START_MS, 5),)
    assert first.with_name(first.name + ".damaged").stat().st_size == size
    index.close()


def test_missing_run_is_noticed(tmp_path: Path) -> None:
    first, _ = filled(tmp_path)
    first.unlink()

    index = open_index(tmp_path)

    assert index.lost() == (Lost(START_MS, 5),)
    index.close()


def test_run_in_the_place_of_another_is_noticed(tmp_path: Path) -> None:
    first, second = filled(tmp_path)
    first.write_bytes(second.read_bytes())

    index = open_index(tmp_path)

    assert index.lost() == (Lost(START_MS, 5),)
    index.close()


def test_loss_is_remembered_until_it_is_mended(tmp_path: Path) -> None:
    filled(tmp_path)[0].unlink()
    open_index(tmp_path).close()
    index = open_index(tmp_path)
    was_lost = index.lost()

    claim(index, *some(0))
    index.commit()
    index.mended()
    index.close()

    index = open_index(tmp_path)
    assert (was_lost, index.lost()) == ((Lost(START_MS, 5),), ())
    assert claim(index, *again(some(0))) == [SAME] * 5


def test_loss_ends_with_the_window(tmp_path: Path) -> None:
    first, _ = filled(tmp_path)
    os.truncate(first, 9)
    index = open_index(tmp_path)

    index.expire(START_MS + HOUR_MS + WINDOW_MS)

    assert index.lost() == ()
    assert not list(tmp_path.glob("*.damaged"))


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"00000000\n{}", b"zz\n{}", None])
def test_damaged_manifest_is_made_from_the_runs(tmp_path: Path, content: bytes | None) -> None:
    filled(tmp_path)
    manifest = tmp_path / FILE_NAME
    manifest.unlink()
    if content is not None:
        manifest.write_bytes(content)

    with capture_logs() as logs:
        index = open_index(tmp_path)

    assert "manifest" in logs[0]["event"]
    assert claim(index, *again(some(0)), *again(some(1))) == [SAME] * 10
    claim(index, *some(2))
    index.commit()
    index.close()
    assert len(read_manifest(tmp_path).runs) == 3


def test_what_nobody_names_is_removed(tmp_path: Path) -> None:
    filled(tmp_path)
    (tmp_path / "00500000-000000000009.run").write_bytes(b"half")
    (tmp_path / f".{FILE_NAME}.17.new").write_bytes(b"half")

    open_index(tmp_path).close()

    assert len(list(tmp_path.iterdir())) == 3


def test_files_of_hours_that_are_over_are_removed(tmp_path: Path) -> None:
    first, second = filled(tmp_path)
    index = open_index(tmp_path)

    index.expire(START_MS + HOUR_MS + WINDOW_MS)

    assert (first.exists(), second.exists()) == (False, True)
    index.close()


def test_upkeep_leaves_few_files_and_the_verdicts(tmp_path: Path) -> None:
    index = open_index(tmp_path)
    claims = [Claim(f"{n}", offset=n, received_ms=START_MS + n) for n in range(100)]
    for one in claims:
        claim(index, one)
        index.commit()
        while index.tidy():
            pass

    assert len(list(tmp_path.glob("*.run"))) == 9  # 64 + 4 * 8 + 4
    assert claim(index, *again(claims)) == [SAME] * 100


def test_hour_that_is_over_becomes_one_run(tmp_path: Path) -> None:
    index = open_index(tmp_path)
    for one in some(0, 5):
        claim(index, one)
        index.commit()
    claim(index, *some(1))
    index.commit()

    while index.tidy():
        pass

    assert len(list(tmp_path.glob("*.run"))) == 2


def test_what_comes_late_waits_until_it_is_worth_a_merge(tmp_path: Path) -> None:
    index = open_index(tmp_path)
    for claims in (some(0, 90), some(1), [Claim("late")]):
        claim(index, *claims)
        index.commit()

    assert index.tidy() is False


def test_hour_may_end_while_its_runs_are_merged(tmp_path: Path) -> None:
    index = open_index(tmp_path)
    for one in some(0, 40):
        claim(index, one)
        index.commit()
    index.tidy()

    index.expire(START_MS + 2 * WINDOW_MS)

    assert index.tidy() is False
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


def test_run_and_its_name_are_synced_before_the_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = open_index(tmp_path)
    claim(index, *some(0))
    synced: list[str] = []
    fsync = os.fsync

    def noted(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    index.commit()

    run = next(tmp_path.glob("*.run")).name
    beside = f".{FILE_NAME}.{os.getpid()}.new"
    assert synced == [run, tmp_path.name, beside, tmp_path.name]
    index.close()


def fail(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("call", ["posix_fallocate", "pwrite", "fdatasync", "fsync"])
def test_full_disk_keeps_nothing_of_a_commit(
    tmp_path: Path, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(tmp_path)
    index = open_index(tmp_path)
    claim(index, *some(3))
    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        with pytest.raises(IdentifiersUnavailable, match="No space left"):
            index.commit()

    verdicts = claim(index, *again(some(3)), *again(some(0)))
    index.commit()

    assert verdicts == [FIRST] * 5 + [SAME] * 5
    index.close()
    index = open_index(tmp_path)
    assert index.lost() == ()
    assert claim(index, *some(3)) == [SAME] * 5


def test_full_disk_only_puts_off_a_merge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = open_index(tmp_path)
    for one in some(0, 8):
        claim(index, one)
        index.commit()
    with monkeypatch.context() as patch, capture_logs() as logs:
        patch.setattr(os, "fdatasync", fail)
        tidied = [index.tidy(), index.tidy()]

    claim(index, *some(0, 9)[8:])
    index.commit()
    while index.tidy():
        pass

    assert tidied == [False, False]
    assert len(logs) == 1
    assert len(list(tmp_path.glob("*.run"))) == 2
    assert claim(index, *again(some(0, 9))) == [SAME] * 9
