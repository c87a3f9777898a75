"""What every log promises, whatever keeps it."""

import asyncio
import tempfile
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from forebay.kernel.ids import Offset, PartitionId
from forebay.log.ports import Bounds, LogClosed, LogFull, LogInUse, LogRecord, LogWriter, NotInLog
from support.logs import PARTITION, InMemory, Log, OnDisk, read_all

pytestmark = pytest.mark.anyio
T = TypeVar("T")
HOUR_MS = 3_600_000


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=["memory", "sqlite"])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Log:
    adapters: dict[str, Callable[[], Log]] = {
        "memory": InMemory,
        "sqlite": lambda: OnDisk(tmp_path),
    }
    return adapters[request.param]()


async def append_all(writer: LogWriter, payloads: list[bytes]) -> list[Offset]:
    return list(await asyncio.gather(*(writer.append([payload]) for payload in payloads)))


def records(payloads: list[bytes], first: int = 0) -> list[LogRecord]:
    return [LogRecord(Offset(offset), payload) for offset, payload in enumerate(payloads, first)]


async def test_offsets_grow_by_one_from_zero_in_the_order_of_the_calls(log: Log) -> None:
    writer = log.open_writer()

    offsets = await append_all(writer, [b"a", b"b", b"c"])
    offsets.append(await writer.append([b"d"]))
    await writer.close()

    assert offsets == [0, 1, 2, 3]
    assert read_all(log.open_reader()) == records([b"a", b"b", b"c", b"d"])


async def test_submitted_records_are_answered_later_and_in_order(log: Log) -> None:
    writer = log.open_writer()
    answers: list[tuple[str, object]] = []
    answered = asyncio.Event()

    def answer(name: str, outcome: object) -> None:
        answers.append((name, outcome))
        if len(answers) == 3:
            answered.set()

    for name in "abc":
        writer.submit([name.encode()], partial(answer, name))
    before = list(answers)
    await answered.wait()
    await writer.close()

    assert before == []
    assert answers == [("a", 0), ("b", 1), ("c", 2)]
    assert read_all(log.open_reader()) == records([b"a", b"b", b"c"])


async def test_record_may_be_submitted_from_within_an_answer(log: Log) -> None:
    writer = log.open_writer()
    done: asyncio.Future[object] = asyncio.get_running_loop().create_future()

    writer.submit([b"a"], lambda _: writer.submit([b"b"], done.set_result))
    offset = await done
    await writer.close()

    assert offset == 1
    assert read_all(log.open_reader()) == records([b"a", b"b"])


async def test_what_was_appended_is_there_after_close_and_reopen(log: Log) -> None:
    writer = log.open_writer()
    await append_all(writer, [b"a", b"b"])
    await writer.close()

    again = log.open_writer()
    offset = await again.append([b"c"])
    await again.close()

    assert offset == 2
    assert again.log_id == writer.log_id
    assert read_all(log.open_reader()) == records([b"a", b"b", b"c"])


async def test_thousand_concurrent_appends_each_get_their_own_offset(log: Log) -> None:
    writer = log.open_writer()
    payloads = [b"record %d" % number for number in range(1000)]

    offsets = await append_all(writer, payloads)
    await writer.close()

    assert offsets == list(range(1000))
    assert read_all(log.open_reader()) == records(payloads)


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([], id="no part"),
        pytest.param([b""], id="an empty part"),
        pytest.param([b"head", b"", b"body"], id="several parts"),
        pytest.param([bytes(range(256)) * 4096], id="one mebibyte"),
    ],
)
async def test_payload_comes_back_as_its_parts_joined(log: Log, parts: list[bytes]) -> None:
    writer = log.open_writer()

    await writer.append([b"before"])
    await writer.append(parts)
    await writer.append([b"after"])
    await writer.close()

    assert read_all(log.open_reader()) == records([b"before", b"".join(parts), b"after"])


async def test_read_begins_in_the_middle_of_a_group(log: Log) -> None:
    writer = log.open_writer()
    await append_all(writer, [b"%d" % number for number in range(10)])

    read = log.open_reader().read(PARTITION, Offset(7), bytes_max=1000)
    await writer.close()

    assert read == records([b"7", b"8", b"9"], first=7)


@pytest.mark.parametrize(
    ("bytes_max", "expected"), [(1, 1), (100, 1), (101, 2), (250, 3), (10_000, 5)]
)
async def test_read_stops_once_it_has_enough_bytes(log: Log, bytes_max: int, expected: int) -> None:
    writer = log.open_writer()
    await append_all(writer, [bytes(100)] * 5)

    read = log.open_reader().read(PARTITION, Offset(0), bytes_max=bytes_max)
    await writer.close()

    assert len(read) == expected


async def test_read_at_the_end_returns_nothing(log: Log) -> None:
    writer = log.open_writer()
    await writer.append([b"a"])

    read = log.open_reader().read(PARTITION, Offset(1), bytes_max=1000)
    await writer.close()

    assert read == []


async def test_fresh_partition_is_visible_and_empty(log: Log) -> None:
    writer = log.open_writer(PartitionId(12))
    reader = log.open_reader()

    assert reader.partitions() == [12]
    assert reader.bounds(PartitionId(12)) == Bounds(Offset(0), Offset(0))
    assert reader.log_id(PartitionId(12)) == writer.log_id
    await writer.close()


async def test_reader_finds_partitions_and_records_that_come_later(log: Log) -> None:
    reader = log.open_reader()
    before = reader.partitions()

    writers = [log.open_writer(PartitionId(number)) for number in (2, 1)]
    for writer in writers:
        await writer.append([b"in %d" % writer.partition])

    assert before == []
    assert reader.partitions() == [1, 2]
    assert read_all(reader, PartitionId(2)) == records([b"in 2"])
    assert writers[0].log_id != writers[1].log_id
    for writer in writers:
        await writer.close()


async def test_unknown_partition_is_named(log: Log) -> None:
    reader = log.open_reader()

    with pytest.raises(NotInLog, match="no partition 9"):
        reader.bounds(PartitionId(9))
    with pytest.raises(NotInLog, match="no partition 9"):
        reader.log_id(PartitionId(9))


async def test_record_can_be_read_as_soon_as_its_append_returns(log: Log) -> None:
    writer = log.open_writer()
    reader = log.open_reader()

    for number in range(20):
        offset = await writer.append([b"%d" % number])

        assert reader.bounds(PARTITION).next == offset + 1
        assert reader.read(PARTITION, offset, bytes_max=1) == records([b"%d" % number], offset)
    await writer.close()


async def test_reader_goes_on_across_segments(log: Log) -> None:
    writer = log.open_writer(segment_bytes_max=10_000)
    reader = log.open_reader()
    payloads = [b"%d" % number * 500 for number in range(100)]

    read: list[LogRecord] = []
    for start in range(0, 100, 10):
        await append_all(writer, payloads[start : start + 10])
        read += reader.read(PARTITION, Offset(start), bytes_max=10**9)
    await writer.close()

    assert read == records(payloads)
    assert read_all(reader, bytes_max=700) == records(payloads)


async def test_second_writer_is_refused_until_the_first_has_closed(log: Log) -> None:
    writer = log.open_writer()

    with pytest.raises(LogInUse, match="already has a writer"):
        log.open_writer()
    await writer.close()
    again = log.open_writer()

    assert await again.append([b"a"]) == 0
    await again.close()


async def test_closed_writer_refuses_appends(log: Log) -> None:
    writer = log.open_writer()
    await writer.close()

    with pytest.raises(LogClosed):
        await writer.append([b"late"])

    assert writer.probe() is not None
    assert read_all(log.open_reader()) == []


async def test_closing_twice_leaves_the_next_writer_alone(log: Log) -> None:
    writer = log.open_writer()
    await writer.close()
    again = log.open_writer()

    await writer.close()

    with pytest.raises(LogInUse):
        log.open_writer()
    await again.close()


async def test_close_commits_what_was_accepted(log: Log) -> None:
    writer = log.open_writer()
    appends = [asyncio.ensure_future(writer.append([b"%d" % number])) for number in range(50)]
    await asyncio.sleep(0)

    await writer.close()

    assert await asyncio.gather(*appends) == list(range(50))
    assert len(read_all(log.open_reader())) == 50


async def test_full_queue_refuses_and_takes_appends_again_afterwards(log: Log) -> None:
    writer = log.open_writer(queue_bytes_max=10_000)

    outcomes = await asyncio.gather(
        *(writer.append([b"%03d" % number + bytes(997)]) for number in range(100)),
        return_exceptions=True,
    )
    stored = [outcome for outcome in outcomes if isinstance(outcome, int)]
    refused = [outcome for outcome in outcomes if isinstance(outcome, LogFull)]
    later = await writer.append([b"later"])
    await writer.close()

    assert 0 < len(stored) <= 10
    assert len(stored) + len(refused) == 100
    assert later == len(stored)
    numbers = [int(record.payload[:3]) for record in read_all(log.open_reader())[:-1]]
    assert numbers == [n for n, outcome in enumerate(outcomes) if isinstance(outcome, int)]


async def test_cancelled_append_harms_no_other(log: Log) -> None:
    writer = log.open_writer()
    cancelled = asyncio.ensure_future(writer.append([b"cancelled"]))
    others = [asyncio.ensure_future(writer.append([b"%d" % number])) for number in range(5)]
    await asyncio.sleep(0)

    cancelled.cancel()
    offsets = await asyncio.gather(*others)
    await writer.close()

    read = {record.offset: record.payload for record in read_all(log.open_reader())}
    assert [read[offset] for offset in offsets] == [b"0", b"1", b"2", b"3", b"4"]


async def test_open_writer_can_accept(log: Log) -> None:
    writer = log.open_writer()

    assert writer.probe() is None
    await writer.close()


async def test_drop_removes_whole_segments_below_the_offset(log: Log) -> None:
    writer = log.open_writer(segment_bytes_max=10_000)
    reader = log.open_reader()
    for number in range(50):
        await writer.append([b"%02d" % number * 500])
    before = read_all(reader)

    first = await writer.drop_below(Offset(33), older_than_ms=0)
    last = await writer.append([b"last"])
    await writer.close()

    assert 0 < first <= 33
    assert reader.bounds(PARTITION) == Bounds(first, Offset(51))
    assert read_all(reader) == [*before[first:], LogRecord(last, b"last")]
    assert read_all(log.open_reader()) == read_all(reader)
    with pytest.raises(NotInLog, match="begins with"):
        reader.read(PARTITION, Offset(first - 1), bytes_max=1)


async def test_drop_keeps_young_segments_and_the_one_being_written(log: Log) -> None:
    writer = log.open_writer(segment_bytes_max=10_000)
    for number in range(50):
        await writer.append([b"%02d" % number * 500])

    young = await writer.drop_below(Offset(50), older_than_ms=HOUR_MS)
    all_closed = await writer.drop_below(Offset(50), older_than_ms=0)
    again = await writer.drop_below(Offset(50), older_than_ms=0)
    offset = await writer.append([b"next"])
    await writer.close()

    assert young == 0
    assert 30 < all_closed <= 50
    assert again == all_closed
    assert offset == 50


async def test_dropped_log_goes_on_with_its_offsets_after_reopen(log: Log) -> None:
    writer = log.open_writer(segment_bytes_max=1_000)
    for _ in range(10):
        await writer.append([bytes(1000)])
    first = await writer.drop_below(Offset(10), older_than_ms=0)
    await writer.close()

    again = log.open_writer()
    offset = await again.append([b"next"])
    await again.close()

    assert (first, offset) == (10, 10)
    assert read_all(log.open_reader()) == records([b"next"], first=10)


class LogMachine(RuleBasedStateMachine):
    """Any sequence of appends, drops and reopenings, against a list."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.model: list[bytes] = []
        self.first = 0

    def open(self) -> Log:
        raise NotImplementedError

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    @initialize()
    def begin(self) -> None:
        self.log = self.open()
        self.writer = self.log.open_writer(segment_bytes_max=2_000)
        self.reader = self.log.open_reader()

    @rule(payloads=st.lists(st.binary(max_size=700), min_size=1, max_size=8))
    def append(self, payloads: list[bytes]) -> None:
        offsets = self.run(append_all(self.writer, payloads))

        assert offsets == list(range(len(self.model), len(self.model) + len(payloads)))
        self.model += payloads

    @rule(is_new_reader=st.booleans())
    def reopen(self, *, is_new_reader: bool) -> None:
        log_id = self.writer.log_id
        self.run(self.writer.close())
        self.writer = self.log.open_writer(segment_bytes_max=2_000)
        readers = {False: lambda: self.reader, True: self.log.open_reader}
        self.reader = readers[is_new_reader]()

        assert self.writer.log_id == log_id

    @precondition(lambda self: len(self.model) > self.first)
    @rule(share=st.floats(0, 1), bytes_max=st.integers(1, 3_000))
    def read(self, share: float, bytes_max: int) -> None:
        start = self.first + int(share * (len(self.model) - self.first - 1))

        read = self.reader.read(PARTITION, Offset(start), bytes_max=bytes_max)

        assert read
        assert read == records(self.model[start : start + len(read)], start)
        assert sum(len(record.payload) for record in read[:-1]) < bytes_max

    @rule(share=st.floats(0, 1))
    def drop(self, share: float) -> None:
        offset = self.first + int(share * (len(self.model) - self.first))

        first = self.run(self.writer.drop_below(Offset(offset), older_than_ms=0))

        assert self.first <= first <= offset
        self.first = first

    @invariant()
    def bounds_are_the_models(self) -> None:
        assert self.reader.bounds(PARTITION) == (self.first, len(self.model))

    def teardown(self) -> None:
        try:
            self.run(self.writer.close())
            assert read_all(self.reader) == records(self.model[self.first :], self.first)
        finally:
            self.reader.close()
            self.runner.close()


class MemoryMachine(LogMachine):
    def open(self) -> Log:
        return InMemory()


class SqliteMachine(LogMachine):
    def open(self) -> Log:
        self.directory = tempfile.TemporaryDirectory()
        return OnDisk(Path(self.directory.name))

    def teardown(self) -> None:
        super().teardown()
        self.directory.cleanup()


MACHINE_SETTINGS = settings(
    max_examples=25,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestMemoryLogAgainstAList = MemoryMachine.TestCase
TestMemoryLogAgainstAList.settings = MACHINE_SETTINGS
TestSqliteLogAgainstAList = SqliteMachine.TestCase
TestSqliteLogAgainstAList.settings = MACHINE_SETTINGS
