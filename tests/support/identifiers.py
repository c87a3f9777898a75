"""Claims as tests write them, and what they read off verdicts."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

from forebay.kernel.ids import Offset, PartitionId
from forebay.lake.ports import Origin
from forebay.processing.identifiers.entries import Entries, entries_of
from forebay.processing.identifiers.ports import HOUR_MS, Verdict, Verdicts

START_MS = 500_000 * HOUR_MS
WINDOW_MS = 24 * HOUR_MS


class Claim(NamedTuple):
    """One claim."""

    identifier: str
    content: str = "c"
    received_ms: int = START_MS
    partition: int = 1
    offset: int = 0
    index: int = 0

    def digest(self) -> bytes:
        key = blake2b(self.identifier.encode(), digest_size=16).digest()
        return key + blake2b(self.content.encode(), digest_size=8).digest()

    def origin(self) -> Origin:
        return Origin(
            received_ms=self.received_ms,
            partition=PartitionId(self.partition),
            offset=Offset(self.offset),
            is_batch=True,
            inlet_id="i",
            source_name="s",
            flow_id=None,
            is_authenticated=False,
            schema_version="1.0",
        )


def claims_of(claims: Sequence[Claim]) -> Entries:
    digests = b"".join(claim.digest() for claim in claims)
    return entries_of(digests, [c.origin() for c in claims], [c.index for c in claims])


def kinds(verdicts: Verdicts) -> list[Verdict]:
    return [Verdict(kind) for kind in verdicts.kinds.tolist()]


def firsts(verdicts: Verdicts) -> list[tuple[int, int, int, int]]:
    """Return the address of each claim's first: received, partition, offset, index."""
    found = [verdicts.first(number) for number in range(len(verdicts.kinds))]
    return [(*transaction, index) for transaction, index in found]
