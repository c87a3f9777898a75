"""
Entries of the index: who bears an id, in 40 bytes.

Many entries are one array of five rows and as many columns as there are entries, all unsigned
64-bit numbers, so that everything is done to a whole flush at once. The first two rows are the
key, 128 bits of dataset and id; the third the content; the last two say which message it is.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from forebay.kernel.ids import Offset, PartitionId, TransactionId
from forebay.lake.ports import Origin

Entries = NDArray[np.uint64]
Indexes = NDArray[np.intp]

KEY_HIGH, KEY_LOW, CONTENT, WHEN, PLACE = range(5)
FIELDS = 5
"""Numbers of one entry."""

KEY_BYTES = 16
CONTENT_BYTES = 8
DIGEST_BYTES = KEY_BYTES + CONTENT_BYTES

_PARTITION_BITS = 16
_INDEX_BITS = 20
_INDEX_MAX = (1 << _INDEX_BITS) - 1
_RELEASED = np.uint64(1)


def empty() -> Entries:
    """Return no entries."""
    return np.empty((FIELDS, 0), np.uint64)


def entries_of(
    digests: bytes, origins: Sequence[Origin | TransactionId], indexes: Sequence[int]
) -> Entries:
    """
    Return the entries of messages, given their digests one after the other.

    Raises:
        OverflowError: An index or an offset is out of the range that an entry has room for.
    """
    if max(indexes, default=0) > _INDEX_MAX:
        raise OverflowError(f"index {max(indexes)} of a message is above {_INDEX_MAX}")
    entries = np.empty((FIELDS, len(origins)), np.uint64)
    numbers = np.frombuffer(digests, ">u8").reshape(-1, DIGEST_BYTES // 8)
    entries[: DIGEST_BYTES // 8] = numbers.T
    entries[WHEN] = [o.received_ms << _PARTITION_BITS | o.partition for o in origins]
    entries[PLACE] = [
        (o.offset << _INDEX_BITS | index) << 1 for o, index in zip(origins, indexes, strict=True)
    ]
    return entries


def message_of(when: int, place: int) -> tuple[TransactionId, int]:
    """Return the receipt of the request, and the index in it, that an entry stands for."""
    partition = PartitionId(when & (1 << _PARTITION_BITS) - 1)
    offset = Offset(place >> _INDEX_BITS + 1)
    transaction = TransactionId(when >> _PARTITION_BITS, partition, offset)
    return transaction, place >> 1 & _INDEX_MAX


def received_ms(when: Entries) -> NDArray[np.int64]:
    """Return when the messages were received."""
    return (when >> np.uint64(_PARTITION_BITS)).astype(np.int64)


def released(entries: Entries) -> Entries:
    """Return the entries that take back these."""
    taken_back = entries.copy()
    taken_back[PLACE] |= _RELEASED
    return taken_back


def is_released(entries: Entries) -> NDArray[np.bool_]:
    """Say which entries take back the one before them."""
    found: NDArray[np.bool_] = entries[PLACE] & _RELEASED == _RELEASED
    return found


def own_place(place: Entries) -> Entries:
    """Return the places without what says whether they are taken back."""
    return place & ~_RELEASED


def by_key(entries: Entries) -> Entries:
    """Return entries in the order of the first half of their keys, equal ones as they were."""
    return np.ascontiguousarray(entries[:, np.argsort(entries[KEY_HIGH], kind="stable")])
