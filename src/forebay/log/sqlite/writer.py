"""
The log's writer as the event loop sees it: records gather into groups, a thread commits them.

A group is one commit and one sync. It gathers while the group before it is committed, and then
for as long as the loop goes on to bring records in (`_look`); the thread gets it when the loop
has nothing more to do, so that the two do not fight for the interpreter. A busy partition
therefore syncs less often per record, and an idle one answers after a single commit. The
answers of a group come back to the event loop as one callback.

Who touches what: the queue is filled by the loop and emptied by the thread; what gathers and
the counts of records and bytes held are the loop's alone; the files are the thread's alone.

After the first error nothing is tried again. A sync that failed once may succeed the second
time although the data is gone, because Linux reports the loss only once.
"""

import asyncio
import contextlib
import shutil
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Self

from forebay.kernel.clock import Clock, SystemClock
from forebay.kernel.errors import PlatformError
from forebay.kernel.ids import Offset, PartitionId
from forebay.kernel.limits import (
    APPEND_QUEUE_BYTES_MAX,
    DISK_RESERVE_BYTES,
    SEGMENT_BYTES_MAX,
)
from forebay.log.ports import AppendOutcomeUnknown, Done, LogClosed, LogFull, wait_for
from forebay.log.sqlite.frames import FRAME_BYTES
from forebay.log.sqlite.layout import partition_path
from forebay.log.sqlite.partition import Partition
from forebay.log.sqlite.reserve import DiskReserve, DiskSpace

_LOW_LOOK_EVERY_S = 0.25
"""How often the thread looks for free space while there is too little."""
_GATHER_S_MAX = 0.002
"""Longest time that a group gathers for while the thread could have it."""
_STALL_S = 5.0
"""Time after which a commit that has not returned counts as a disk that does not answer."""

_Waiting = tuple[Sequence[bytes], int, Done]
"""Payload, size with its frame, and whom to answer."""
_Drop = tuple[Offset, int, asyncio.Future[Offset]]
"""What `drop_below` was asked for, and whom to answer."""


@dataclass(frozen=True, kw_only=True)
class WriterOptions:
    """The sizes a writer works with."""

    segment_bytes_max: int = SEGMENT_BYTES_MAX
    """Size at which a segment is closed."""
    queue_bytes_max: int = APPEND_QUEUE_BYTES_MAX
    """Bytes that may wait for their commit."""
    disk_reserve_bytes: int = DISK_RESERVE_BYTES
    """Free space, or a twentieth of the disk if that is less, below which nothing is taken."""
    group_records_max: int = 4096
    """Records in one commit."""
    group_bytes_max: int = 4 * 1_048_576
    """Size at which a commit takes no further record."""
    checkpoint_bytes: int = 4 * 1_048_576
    """Write-ahead log at which it is moved to the segment; the time that takes grows with it."""


@dataclass(frozen=True, kw_only=True)
class WriterCounts:
    """What a writer has done since it was opened."""

    commits: int = 0
    records: int = 0
    record_bytes: int = 0
    """Payloads and their frames."""
    commit_seconds: float = 0.0


class SqliteLogWriter:
    """The only writer of one partition; it serves one event loop."""

    def __init__(
        self,
        files: Partition,
        partition: PartitionId,
        *,
        options: WriterOptions,
        reserve: DiskReserve,
        clock: Clock,
        on_failure: Callable[[BaseException], None] | None,
    ) -> None:
        self._files = files
        self._partition = partition
        self._log_id = files.log_id
        self._options = options
        self._reserve = reserve
        self._clock = clock
        self._on_failure = on_failure
        self._gathered: list[_Waiting] = []
        """The next group, until the thread is given it."""
        self._is_gathering = False
        self._handed = 0
        """Records that the thread was given and has not answered."""
        self._queue: deque[_Waiting] = deque()
        self._drops: deque[_Drop] = deque()
        self._bell = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.counts = WriterCounts()
        """Replaced by the thread after each commit."""
        self._held_bytes = 0
        self._is_disk_low = reserve.is_reached()
        self._is_closing = False
        self._failure: BaseException | None = None
        self._attempt: list[_Waiting] = []
        self._attempt_began_s: float | None = None
        self._thread = threading.Thread(target=self._run, name=f"log-{partition:04d}", daemon=True)

    @classmethod
    def open(
        cls,
        root: Path,
        partition: PartitionId,
        *,
        options: WriterOptions | None = None,
        on_failure: Callable[[BaseException], None] | None = None,
        space: DiskSpace = shutil.disk_usage,
        clock: Clock | None = None,
    ) -> Self:
        """
        Open a partition below `root` for writing, and make it if it does not exist.

        Blocks while it recovers what a crash left. When this returns, the disk has synced once
        and everything the partition ever acknowledged is there.

        Args:
            root: Directory of all partitions.
            partition: The one to write.
            options: Sizes; the defaults are the platform's limits.
            on_failure: Told once, in the writer's thread, after the first error: the role has
                to end. Appends are answered by then.
            space: Tells the space of the disk.
            clock: Tells the time.

        Raises:
            LogInUse: Another writer has it.
            LogDamaged: Acknowledged records are missing; the message names them.
            SqliteUnsuitable: SQLite cannot keep the promise here.
        """
        options = options or WriterOptions()
        clock = clock or SystemClock()
        files = Partition.open(
            root,
            partition,
            segment_bytes_max=options.segment_bytes_max,
            checkpoint_bytes=options.checkpoint_bytes,
        )
        path = partition_path(root, partition)
        reserve = DiskReserve(path, options.disk_reserve_bytes, space=space, clock=clock)
        writer = cls(
            files, partition, options=options, reserve=reserve, clock=clock, on_failure=on_failure
        )
        writer._thread.start()
        return writer

    @property
    def partition(self) -> PartitionId:
        """The partition it writes."""
        return self._partition

    @property
    def log_id(self) -> str:
        """Identity of this partition's history."""
        return self._log_id

    async def append(self, payload: Sequence[bytes]) -> Offset:
        """Make one record durable and return its offset; see `LogWriter.append`."""
        return await wait_for(self.submit, payload)

    def submit(self, payload: Sequence[bytes], done: Done) -> None:
        """Begin to make one record durable; see `LogWriter.submit`."""
        if self._is_closing or self._is_disk_low or self._failure is not None:
            refusal = self._find_refusal()
            if refusal is not None:
                raise refusal
        size = FRAME_BYTES
        for part in payload:
            size += len(part)
        if self._held_bytes + size > self._options.queue_bytes_max:
            raise LogFull(
                f"{self._held_bytes} bytes wait to be committed to partition {self._partition}, "
                f"{size} more would exceed {self._options.queue_bytes_max}"
            )
        self._held_bytes += size
        self._gathered.append((payload, size, done))
        if not self._is_gathering and not self._handed:
            self._gather()

    def probe(self) -> str | None:
        """Return why nothing can be made durable right now; None if appends can succeed."""
        refusal = self._find_refusal()
        if refusal is not None:
            return refusal.message
        if self._reserve.is_reached():
            return f"the disk of partition {self._partition} is down to its reserve"
        if not self._thread.is_alive():
            return f"the writer of partition {self._partition} has ended"
        began_s = self._attempt_began_s
        if began_s is not None and self._clock.monotonic_s() - began_s > _STALL_S:
            return f"the disk has not answered a commit for more than {_STALL_S:.0f} s"
        if self._held_bytes >= self._options.queue_bytes_max:
            return f"{self._held_bytes} bytes wait to be committed"
        return None

    async def drop_below(self, offset: Offset, *, older_than_ms: int) -> Offset:
        """Remove whole closed segments; see `LogWriter.drop_below`."""
        refusal = self._find_closure()
        if refusal is not None:
            raise refusal
        self._loop = asyncio.get_running_loop()
        future: asyncio.Future[Offset] = self._loop.create_future()
        self._drops.append((offset, older_than_ms, future))
        self._bell.set()
        return await future

    async def close(self) -> None:
        """Commit what was accepted, then release the partition."""
        self._hand_over()
        self._is_closing = True
        self._bell.set()
        await asyncio.to_thread(self._thread.join)

    def _find_refusal(self) -> PlatformError | None:
        closure = self._find_closure()
        if closure is None and self._is_disk_low:
            return LogFull(f"the disk of partition {self._partition} is down to its reserve")
        return closure

    def _find_closure(self) -> LogClosed | None:
        if self._failure is not None:
            return LogClosed(f"the writer of partition {self._partition} failed: {self._failure}")
        if self._is_closing:
            return LogClosed(f"the writer of partition {self._partition} is closing")
        return None

    # In the event loop, called by the thread.

    def _gather(self) -> None:
        self._is_gathering = True
        self._loop = loop = asyncio.get_running_loop()
        loop.call_soon(self._look, loop, 0, self._clock.monotonic_s() + _GATHER_S_MAX)

    def _look(self, loop: asyncio.AbstractEventLoop, seen: int, end_s: float) -> None:
        """
        Give the thread its group, unless this turn of the loop has added to it.

        While requests come in, the loop is busy anyway, and a thread that works beside it only
        takes turns with it: one large group costs both less than two small ones.
        """
        gathered = len(self._gathered)
        if gathered > seen and self._clock.monotonic_s() < end_s:
            loop.call_soon(self._look, loop, gathered, end_s)
        else:
            self._hand_over()

    def _hand_over(self) -> None:
        self._is_gathering = False
        self._handed += len(self._gathered)
        self._queue.extend(self._gathered)
        self._gathered.clear()
        # The thread clears the bell before it looks into the queue. A bell that still rings
        # here was therefore not answered yet, and the answer will see these records.
        if self._queue and not self._bell.is_set():
            self._bell.set()

    def _settle(self, group: list[_Waiting], first: Offset) -> None:
        self._answer(zip(group, map(Offset, count(first)), strict=False))

    def _refuse(self, group: list[_Waiting], error: PlatformError) -> None:
        self._answer((waiting, type(error)(error.message)) for waiting in group)

    def _answer(self, outcomes: Iterable[tuple[_Waiting, Offset | PlatformError]]) -> None:
        remaining = iter(outcomes)
        try:
            for (_, size, done), outcome in remaining:
                self._handed -= 1
                self._held_bytes -= size
                done(outcome)
        except BaseException:
            # A defect in one answer must not keep the others from being given.
            if self._loop is not None:
                self._loop.call_soon(self._answer, remaining)
            raise
        if self._gathered and not self._is_gathering and not self._handed:
            self._gather()

    def _refuse_rest(self) -> None:
        closure = self._find_closure()
        if closure is not None:
            self._hand_over()
            rest = list(self._queue)
            self._queue.clear()
            self._refuse(rest, closure)
            for _, _, future in self._drops:
                if not future.done():
                    future.set_exception(LogClosed(closure.message))
            self._drops.clear()

    def _settle_drop(self, future: asyncio.Future[Offset], first: Offset) -> None:
        if not future.done():
            future.set_result(first)

    # In the thread.

    def _tell(self, callback: Callable[..., None], *arguments: object) -> None:
        if self._loop is not None:
            # A loop that is closed has nobody left who waits.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(callback, *arguments)

    def _run(self) -> None:
        try:
            self._work()
            self._files.close()
        except BaseException as error:  # noqa: BLE001  whatever ends the thread, callers are told
            self._fail(error)

    def _work(self) -> None:
        while not (self._is_closing and not self._queue and not self._drops):
            self._bell.wait(_LOW_LOOK_EVERY_S if self._is_disk_low else None)
            self._bell.clear()
            self._is_disk_low = self._reserve.is_reached()
            # A busy queue may never be empty: drops get their turn between two groups.
            while self._queue or self._drops:
                self._serve()
                while self._drops:
                    self._drop(*self._drops[0])
                    self._drops.popleft()

    def _take_group(self) -> list[_Waiting]:
        # Whatever goes wrong from here on, `_fail` finds who was taken from the queue.
        group = self._attempt = []
        size = 0
        records_max = self._options.group_records_max
        bytes_max = self._options.group_bytes_max
        while self._queue and len(group) < records_max and size < bytes_max:
            waiting = self._queue.popleft()
            group.append(waiting)
            size += waiting[1]
        return group

    def _serve(self) -> None:
        self._is_disk_low = self._reserve.is_reached()
        refusal = self._find_refusal() if self._is_disk_low else None
        group = self._take_group()
        if refusal is not None:
            self._tell(self._refuse, group, refusal)
        elif group:
            self._commit(group)
        self._attempt = []

    def _commit(self, group: list[_Waiting]) -> None:
        self._attempt_began_s = began_s = self._clock.monotonic_s()
        first = self._files.commit([payload for payload, _, _ in group])
        self._tell(self._settle, group, first)
        self._attempt = []
        self._count(group, self._clock.monotonic_s() - began_s)
        self._files.tidy()
        self._attempt_began_s = None

    def _count(self, group: list[_Waiting], seconds: float) -> None:
        counts = self.counts
        self.counts = WriterCounts(
            commits=counts.commits + 1,
            records=counts.records + len(group),
            record_bytes=counts.record_bytes + sum(size for _, size, _ in group),
            commit_seconds=counts.commit_seconds + seconds,
        )

    def _drop(self, offset: Offset, older_than_ms: int, future: asyncio.Future[Offset]) -> None:
        written_by_ms = self._clock.now_ms() - older_than_ms
        first = self._files.drop_below(offset, written_by_ms=written_by_ms)
        self._tell(self._settle_drop, future, first)

    def _fail(self, error: BaseException) -> None:
        self._failure = error
        if self._attempt:
            unknown = AppendOutcomeUnknown(
                f"a commit to partition {self._partition} failed: {error}; "
                "whether its records are stored will be known after the restart"
            )
            self._tell(self._refuse, self._attempt, unknown)
        # In the loop, not here: an append that has looked at `_failure` before it was set is
        # in the queue by the time the loop gets to this.
        self._tell(self._refuse_rest)
        self._files.abandon()
        if self._on_failure is not None:
            self._on_failure(error)
