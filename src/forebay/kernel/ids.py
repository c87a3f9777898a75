"""
The identifiers of the field, and how new ones are made.

Formats are Adobe's (flow-and-collection, 1.3 and appendix B); one exception is ours by design:
the third part of a transaction id is a log offset, so that a receipt is an address.
"""

import secrets
import uuid
from typing import NamedTuple, NewType, Self

OrgId = NewType("OrgId", str)
"""IMS organization: 24 upper-case hex digits and ``@AdobeOrg``."""
SandboxId = NewType("SandboxId", str)
ConnectionId = NewType("ConnectionId", str)
InletId = NewType("InletId", str)
"""64 lower-case hex digits: the last segment of an inlet's URL."""
DatasetId = NewType("DatasetId", str)
"""24 lower-case hex digits."""
SchemaId = NewType("SchemaId", str)
"""``$id`` of a schema: a URI."""
PartitionId = NewType("PartitionId", int)
"""Number of an ordered part of the log, from 1."""
Offset = NewType("Offset", int)
"""Position of a record in its partition, from 0, without gaps."""


STREAMING_SPEC_ID = "bc7b00d6-623a-4dfc-9fdb-f1240aeadaeb"
"""Connection specification of streaming connections (flow-and-collection, 7)."""

_ULID_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ULID_RANDOM_BITS = 80


class TransactionId(NamedTuple):
    """The receipt of one request (``xactionId``, ``batchId``): where it lies in the log."""

    received_ms: int
    partition: PartitionId
    offset: Offset

    def __str__(self) -> str:
        return f"{self.received_ms}:{self.partition:04d}:{self.offset}"

    def item(self, index: int) -> str:
        """Return the transaction id of one message of a batch."""
        return f"{self.received_ms}:{self.partition:04d}:{self.offset}:{index}"

    @classmethod
    def parse(cls, text: str) -> tuple[Self, int | None]:
        """
        Read a transaction id, and the index in its batch if it has one.

        Raises:
            ValueError: The text is not three or four numbers joined by colons.
        """
        numbers = text.split(":")
        if len(numbers) not in {3, 4} or not all(n.isascii() and n.isdigit() for n in numbers):
            message = (
                f"{text!r} is not a transaction id: expected <ms>:<partition>:<offset>[:<index>]"
            )
            raise ValueError(message)
        received_ms, partition, offset, *index = (int(n) for n in numbers)
        address = cls(received_ms, PartitionId(partition), Offset(offset))
        return address, index[0] if index else None


def new_uuid() -> str:
    """Return a random UUID: connections, sandboxes, flows."""
    return str(uuid.uuid4())  # noqa: TID251  the one place


def new_hex(digits: int) -> str:
    """Return `digits` random lower-case hex digits; `digits` is even."""
    return secrets.token_hex(digits // 2)


def new_org_id() -> OrgId:
    """Return a random IMS organization id."""
    return OrgId(f"{new_hex(24).upper()}@AdobeOrg")


def new_inlet_id() -> InletId:
    """Return a random inlet id: 256 bits, so that an inlet cannot be guessed."""
    return InletId(new_hex(64))


def new_dataset_id() -> DatasetId:
    """Return a random dataset id."""
    return DatasetId(new_hex(24))


def new_batch_id(now_ms: int) -> str:
    """Return a new ULID: 26 characters that sort by time (schema-catalog-profile, 3.4)."""
    number = now_ms << _ULID_RANDOM_BITS | secrets.randbits(_ULID_RANDOM_BITS)
    return "".join(_ULID_DIGITS[number >> shift & 31] for shift in range(125, -1, -5))


def new_etag(updated_ms: int) -> str:
    """
    Return an entity tag, quotes included, as Flow Service writes it.

    The last group holds the modification time in seconds (flow-and-collection, 1.3).
    """
    return f'"{new_hex(8)}-0000-0200-0000-{updated_ms // 1000:08x}0000"'


def new_request_id() -> str:
    """Return a random request id: 32 alphanumeric characters."""
    return new_hex(32)
