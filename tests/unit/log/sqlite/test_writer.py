"""Tests of the writer: failure, space and what it says of itself."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from forebay.kernel.ids import Offset
from forebay.log.ports import AppendOutcomeUnknown, LogClosed, LogFull, LogRecord
from forebay.log.sqlite import SqliteLogReader, SqliteLogWriter, WriterOptions
from support.logs import PARTITION, read_all

pytestmark = pytest.mark.anyio
TIB = 2**40


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Disk:
    """A disk with as much space as a test says."""

    def __init__(self) -> None:
        self.free = TIB

    def space(self, _: Path) -> tuple[int, int, int]:
        return TIB, TIB - self.free, self.free


class Seconds:
    def __init__(self) -> None:
        self.now_s = 0.0

    def now_ms(self) -> int:
        return int(self.now_s * 1000)

    def monotonic_s(self) -> float:
        self.now_s += 0.1
        return self.now_s


class StoppedClock:
    def now_ms(self) -> int:
        return 0

    def monotonic_s(self) -> float:
        return 0.0


def break_commits(writer: SqliteLogWriter, error: BaseException, *, after: int = 0) -> None:
    """Let the commits that follow `after` more fail with `error`, after they were made."""
    commit = writer._files.commit
    calls = iter(range(after))

    def broken(records: Sequence[Sequence[bytes]]) -> Offset:
        first = commit(records)
        if next(calls, None) is None:
            raise error
        return first

    writer._files.commit = broken  # type: ignore[method-assign]  the fault


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110  the condition is another thread's
        await asyncio.sleep(0.005)


async def test_failed_commit_is_an_unknown_outcome_and_the_last_one(tmp_path: Path) -> None:
    failures: list[BaseException] = []
    writer = SqliteLogWriter.open(tmp_path, PARTITION, on_failure=failures.append)
    await writer.append([b"sound"])
    error = OSError(5, "Input/output error")
    break_commits(writer, error)

    with pytest.raises(AppendOutcomeUnknown, match="Input/output error"):
        await writer.append([b"unknown"])
    with pytest.raises(LogClosed, match="failed"):
        await writer.append([b"late"])

    await until(lambda: failures == [error])
    assert "failed" in str(writer.probe())
    await writer.close()


async def test_record_of_unknown_outcome_may_be_there_after_the_restart(tmp_path: Path) -> None:
    writer = SqliteLogWriter.open(tmp_path, PARTITION)
    break_commits(writer, OSError(5, "Input/output error"))
    with pytest.raises(AppendOutcomeUnknown):
        await writer.append([b"unknown"])
    await writer.close()

    again = SqliteLogWriter.open(tmp_path, PARTITION)
    offset = await again.append([b"next"])
    await again.close()

    assert offset == 1
    assert read_all(SqliteLogReader(tmp_path)) == [
        LogRecord(Offset(0), b"unknown"),
        LogRecord(Offset(1), b"next"),
    ]


@pytest.mark.parametrize("error", [MemoryError(), SystemError("interpreter"), KeyError("x")])
async def test_whatever_ends_the_thread_nobody_waits_for_ever(
    tmp_path: Path, error: Exception
) -> None:
    options = WriterOptions(group_records_max=1)
    writer = SqliteLogWriter.open(tmp_path, PARTITION, options=options)
    break_commits(writer, error, after=2)

    outcomes = await asyncio.gather(
        *(writer.append([b"%d" % number]) for number in range(10)),
        writer.drop_below(Offset(0), older_than_ms=0),
        return_exceptions=True,
    )
    await writer.close()

    assert outcomes[:2] == [0, 1]
    assert isinstance(outcomes[2], AppendOutcomeUnknown)
    assert all(isinstance(outcome, LogClosed) for outcome in outcomes[3:10])
    assert outcomes[10] == 0 or isinstance(outcomes[10], LogClosed)


async def test_disk_that_vanishes_answers_everybody(tmp_path: Path) -> None:
    is_gone = False

    def space(path: Path) -> tuple[int, int, int]:
        if is_gone:
            raise FileNotFoundError(path)
        return TIB, 0, TIB

    clock = Seconds()
    writer = SqliteLogWriter.open(tmp_path, PARTITION, space=space, clock=clock)
    is_gone = True

    outcomes = await asyncio.gather(
        *(writer.append([b"%d" % number]) for number in range(5)), return_exceptions=True
    )
    await writer.close()

    assert {type(outcome) for outcome in outcomes} <= {AppendOutcomeUnknown, LogClosed}


async def test_drop_is_served_while_appends_never_cease(tmp_path: Path) -> None:
    options = WriterOptions(segment_bytes_max=1000, group_records_max=1)
    writer = SqliteLogWriter.open(tmp_path, PARTITION, options=options)
    is_done = False

    async def client() -> None:
        while not is_done:
            await writer.append([bytes(500)])

    clients = [asyncio.ensure_future(client()) for _ in range(8)]
    await until(lambda: writer.counts.records > 20)
    first = await writer.drop_below(Offset(10), older_than_ms=0)
    is_done = True
    await asyncio.gather(*clients)
    await writer.close()

    assert 0 < first <= 10


async def test_failed_drop_ends_the_writer_and_is_answered(tmp_path: Path) -> None:
    writer = SqliteLogWriter.open(tmp_path, PARTITION)
    writer._files._path = tmp_path / "gone"

    with pytest.raises(LogClosed, match="failed"):
        await writer.drop_below(Offset(0), older_than_ms=0)
    await writer.close()

    assert writer.probe() is not None


async def test_disk_at_its_reserve_refuses_and_recovers_by_itself(tmp_path: Path) -> None:
    disk = Disk()
    writer = SqliteLogWriter.open(tmp_path, PARTITION, space=disk.space)
    await writer.append([b"0"])

    disk.free = 1000
    await until(lambda: writer.probe() is not None)
    with pytest.raises(LogFull, match="reserve"):
        await writer.append([b"refused"])
    disk.free = TIB
    await until(lambda: writer.probe() is None)
    offset = await writer.append([b"1"])
    await writer.close()

    assert offset == 1
    assert [record.payload for record in read_all(SqliteLogReader(tmp_path))] == [b"0", b"1"]


async def test_full_disk_does_not_prevent_the_start(tmp_path: Path) -> None:
    disk = Disk()
    disk.free = 0
    writer = SqliteLogWriter.open(tmp_path, PARTITION, space=disk.space)

    with pytest.raises(LogFull):
        await writer.append([b"refused"])

    await writer.close()


async def test_disk_that_does_not_answer_shows_in_the_probe(tmp_path: Path) -> None:
    gate = threading.Event()
    clock = Seconds()
    writer = SqliteLogWriter.open(tmp_path, PARTITION, clock=clock)
    commit = writer._files.commit

    def slow(records: Sequence[Sequence[bytes]]) -> Offset:
        gate.wait()
        return commit(records)

    writer._files.commit = slow  # type: ignore[method-assign]  the fault
    append = asyncio.ensure_future(writer.append([b"slow"]))
    await until(lambda: writer._attempt_began_s is not None)
    before = writer.probe()
    clock.now_s += 6
    after = writer.probe()
    gate.set()

    assert await append == 0
    assert before is None
    assert "not answered" in str(after)
    await writer.close()


async def test_full_queue_shows_in_the_probe(tmp_path: Path) -> None:
    options = WriterOptions(queue_bytes_max=1008)
    writer = SqliteLogWriter.open(tmp_path, PARTITION, options=options)
    append = asyncio.ensure_future(writer.append([bytes(1000)]))
    await asyncio.sleep(0)

    assert "1008 bytes wait" in str(writer.probe())
    await append
    await writer.close()


async def test_commits_are_counted(tmp_path: Path) -> None:
    writer = SqliteLogWriter.open(tmp_path, PARTITION)

    await asyncio.gather(*(writer.append([b"%d" % number]) for number in range(10)))
    await writer.close()

    assert writer.counts.records == 10
    assert 1 <= writer.counts.commits <= 10
    assert writer.counts.record_bytes == 10 * 9
    assert writer.counts.commit_seconds > 0


async def test_records_that_go_on_coming_are_one_group(tmp_path: Path) -> None:
    writer = SqliteLogWriter.open(tmp_path, PARTITION, clock=StoppedClock())
    offsets: list[object] = []
    for number in range(50):
        writer.submit([b"%d" % number], offsets.append)
        await asyncio.sleep(0)  # a turn of the loop

    await until(lambda: len(offsets) == 50)
    await writer.close()

    assert offsets == list(range(50))
    assert writer.counts.commits == 1


async def test_group_that_gathers_for_too_long_is_committed(tmp_path: Path) -> None:
    writer = SqliteLogWriter.open(tmp_path, PARTITION, clock=Seconds())
    offsets: list[object] = []

    while not offsets:
        writer.submit([b"more"], offsets.append)
        await asyncio.sleep(0)
    await writer.close()

    assert offsets == list(range(writer.counts.records))
    assert writer.counts.commits > 1


async def test_close_commits_what_has_just_been_submitted(tmp_path: Path) -> None:
    writer = SqliteLogWriter.open(tmp_path, PARTITION)
    offsets: list[object] = []
    writer.submit([b"a"], offsets.append)
    writer.submit([b"b"], offsets.append)

    await writer.close()

    reader = SqliteLogReader(tmp_path)
    assert [record.payload for record in read_all(reader)] == [b"a", b"b"]
    assert offsets == [0, 1]


async def test_defect_in_one_answer_does_not_keep_the_others_from_being_given(
    tmp_path: Path,
) -> None:
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda _loop, context: complaints.append(context["exception"])
    )
    writer = SqliteLogWriter.open(tmp_path, PARTITION)
    offsets: list[object] = []
    defect = ValueError("the defect")

    def fail(_outcome: object) -> None:
        raise defect

    for done in (offsets.append, fail, offsets.append, offsets.append):
        writer.submit([b"x"], done)
    await until(lambda: len(offsets) == 3)
    writer.submit([b"y"], offsets.append)
    await until(lambda: len(offsets) == 4)
    await writer.close()

    assert offsets == [0, 2, 3, 4]
    assert complaints == [defect]


async def test_failed_commit_refuses_those_who_gather(tmp_path: Path) -> None:
    writer = SqliteLogWriter.open(tmp_path, PARTITION)
    gate = threading.Event()
    broken = OSError("broken")

    def fail(_records: object) -> Offset:
        gate.wait()
        raise broken

    writer._files.commit = fail  # type: ignore[method-assign]  the fault
    outcomes: list[object] = []
    writer.submit([b"attempted"], outcomes.append)
    await until(lambda: bool(writer._attempt))
    writer.submit([b"gathers"], outcomes.append)
    gate.set()
    await until(lambda: len(outcomes) == 2)
    await writer.close()

    assert [type(outcome) for outcome in outcomes] == [AppendOutcomeUnknown, LogClosed]


async def test_groups_form_while_a_commit_runs(tmp_path: Path) -> None:
    sizes: list[int] = []
    gate = threading.Event()
    writer = SqliteLogWriter.open(tmp_path, PARTITION, options=WriterOptions(group_records_max=7))
    commit = writer._files.commit

    def watched(records: Sequence[Sequence[bytes]]) -> Offset:
        gate.wait()
        sizes.append(len(records))
        return commit(records)

    writer._files.commit = watched  # type: ignore[method-assign]  to see the groups
    first = asyncio.ensure_future(writer.append([b"first"]))
    await until(lambda: bool(writer._attempt))
    rest = [asyncio.ensure_future(writer.append([b"%d" % number])) for number in range(20)]
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(first, *rest)
    await writer.close()

    assert sizes == [1, 7, 7, 6]


def test_writer_serves_no_loop_that_is_gone(tmp_path: Path) -> None:
    writer = SqliteLogWriter.open(tmp_path, PARTITION)
    gate = threading.Event()
    commit = writer._files.commit

    def slow(records: Sequence[Sequence[bytes]]) -> Offset:
        gate.wait()
        return commit(records)

    writer._files.commit = slow  # type: ignore[method-assign]  to outlive the loop

    async def give_up() -> None:
        append = asyncio.ensure_future(writer.append([b"given up"]))
        await until(lambda: bool(writer._attempt))
        append.cancel()

    asyncio.run(give_up())
    gate.set()
    asyncio.run(writer.close())

    assert read_all(SqliteLogReader(tmp_path)) == [LogRecord(Offset(0), b"given up")]
