"""
The one duplicate rule, over a whole flush: who has an id, who comes too late, and what of it.

An id is its first bearer's (`identifiers.ports`). A later record that says the same is dropped;
one that says something else is a failed record, so that nobody's data vanishes. What was decided
is durable before anything of the flush is committed, so that a crash changes no verdict.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

import msgspec
import numpy as np

from forebay.kernel.ids import Offset, PartitionId, TransactionId
from forebay.lake.ports import Origin, Rows, TableId
from forebay.log.ports import LogDamaged, LogReader, NotInLog
from forebay.processing.identifiers.digests import Digester, says_the_same
from forebay.processing.identifiers.entries import Entries, entries_of
from forebay.processing.identifiers.ports import (
    IdentifierIndex,
    IdentifiersUnavailable,
    Verdict,
    Verdicts,
)
from forebay.processing.messages import Message, Request, Undecodable, messages, open_request

ID_CONFLICT = "ID_CONFLICT"
"""Begins the message of a failed record whose id belongs to another one."""


class Claims:
    """Messages of several tables with their digests, to be told to the index one by one."""

    def __init__(self) -> None:
        self.tables: set[TableId] = set()
        self._digesters: dict[TableId, Digester] = {}
        self._digests: list[bytes] = []
        self._receipts: list[TransactionId] = []
        self._indexes: list[int] = []

    def add(self, table: TableId, entity: bytes, receipt: TransactionId, index: int) -> None:
        """Add a message that was meant for a table, unless its record has no id."""
        digester = self._digesters.get(table)
        if digester is None:
            digester = self._digesters[table] = Digester(*table)
        digest = digester.digest(entity)
        if digest is not None:
            self.tables.add(table)
            self._digests.append(digest)
            self._receipts.append(receipt)
            self._indexes.append(index)

    def entries(self) -> Entries:
        """Return what the index is told."""
        return entries_of(b"".join(self._digests), self._receipts, self._indexes)


class Late(NamedTuple):
    """The rows of a table whose ids belong to others, by their places in the `Rows`."""

    same: list[int]
    """They say what the first one said."""
    conflicts: dict[int, str]
    """They say something else: why each of them becomes a failed record."""


class DuplicateRule:
    """Judges the rows of a flush by the index, which it changes."""

    def __init__(self, index: IdentifierIndex, reader: LogReader) -> None:
        self._index = index
        self._reader = reader
        self._read: tuple[Request, dict[int, Message | Undecodable]] | None = None
        """The request read last: duplicates of a batch tend to meet it message by message."""

    def judge(
        self, tables: Mapping[TableId, tuple[Rows, Collection[int]]], stored: Claims, failed: Claims
    ) -> dict[TableId, Late]:
        """
        Give ids to the rows that come first, durably, and return those that come too late.

        Args:
            tables: The rows meant for each table, and the places of those it refused.
            stored: Messages that are rows already.
            failed: Messages that became failed records: their ids are free.

        Raises:
            IdentifiersUnavailable: Nothing was decided.
        """
        try:
            if failed.tables:
                self._index.release(failed.entries())
            if stored.tables:
                self._index.claim(stored.entries())
            late = {table: self._claim(table, *rows) for table, rows in tables.items()}
            self._index.commit()
        except IdentifiersUnavailable:
            self._index.discard()
            raise
        finally:
            self._read = None
        return late

    def expire(self, horizon_ms: int) -> None:
        """Forget ids that nothing received after a time can meet; what cannot be now, is later."""
        self._index.expire(horizon_ms)

    def tidy(self) -> bool:
        """Do a small piece of the index's upkeep; say whether there is more to do."""
        return self._index.tidy()

    def _claim(self, table: TableId, rows: Rows, refused: Collection[int]) -> Late:
        digest = Digester(*table).digest
        digests = [digest(entity) for entity in rows.entities]
        for row in refused:
            digests[row] = None
        claiming = [row for row, found in enumerate(digests) if found is not None]
        late = Late([], {})
        if not claiming:
            return late
        origins: Iterable[Origin] = rows.origins
        indexes: Iterable[int] = rows.indexes
        if len(claiming) < len(digests):
            origins = (rows.origins[row] for row in claiming)
            indexes = (rows.indexes[row] for row in claiming)
        entries = entries_of(b"".join(filter(None, digests)), list(origins), list(indexes))
        verdicts = self._index.claim(entries)
        for number in np.flatnonzero(verdicts.kinds).tolist():
            self._decide(rows, claiming[number], verdicts, number, late)
        return late

    def _decide(self, rows: Rows, row: int, verdicts: Verdicts, number: int, late: Late) -> None:
        if verdicts.kinds[number] == Verdict.SAME:
            late.same.append(row)
            return
        receipt, index = verdicts.first(number)
        entity = bytes(rows.entities[row])
        first = self._first(receipt, index)
        if first is None:
            # It may have said the same in other words; who sent this one can tell, nobody else.
            late.conflicts[row] = _conflict(
                entity, f"{receipt} (index {index}), in other bytes, and is no longer in the log"
            )
            return
        xaction_id, before = first
        if says_the_same(before, entity):
            late.same.append(row)
        else:
            late.conflicts[row] = _conflict(entity, f"{xaction_id}, with other content")

    def _first(self, receipt: TransactionId, index: int) -> tuple[str, bytes] | None:
        """Return transaction id and record of the message that has an id, if the log has it."""
        if self._read is None or self._read[0].transaction_id != receipt:
            found = self._request(receipt)
            if found is None:
                return None
            self._read = found, dict(messages(found))
        request, by_index = self._read
        message = by_index.get(index)
        if message is None or isinstance(message, Undecodable):
            return None
        entity = message.body.xdm_entity
        if entity is msgspec.UNSET:
            return None
        return request.xaction_id(index), bytes(entity)

    def _request(self, receipt: TransactionId) -> Request | None:
        partition, offset = PartitionId(receipt.partition), Offset(receipt.offset)
        try:
            record = self._reader.read(partition, offset, bytes_max=1)[0]
            log_id = self._reader.log_id(partition)
        except (NotInLog, LogDamaged, IndexError):
            return None
        request = open_request(partition, log_id, record.offset, record.payload)
        # Another log may stand in the place of a lost one.
        return request if request.transaction_id == receipt else None


def _conflict(entity: bytes, first: str) -> str:
    identifier = msgspec.json.decode(entity)["_id"]
    return f"{ID_CONFLICT}: _id {identifier!r} was received before as {first}"
