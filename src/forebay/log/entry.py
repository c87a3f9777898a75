"""
What one log record holds: a request, as it was received, with what the edge knew of it.

Layout: length of the head (4 bytes, little endian) · head (MessagePack) · body. The body is
the request's own, byte for byte, after its transport encoding (gzip) was removed.
"""

import struct
from collections.abc import Sequence
from enum import StrEnum

import msgspec

from forebay.kernel.ids import ConnectionId, DatasetId, InletId, OrgId, SandboxId

_LENGTH = struct.Struct("<I")


class Content(StrEnum):
    """How a body is written."""

    JSON = "json"
    SMILE = "smile"


class Head(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the edge knew of a request when it answered."""

    received_ms: int
    """Time of receipt as answered (``receivedTimeMs``); it never decreases in a partition."""
    org_id: OrgId
    sandbox_id: SandboxId
    sandbox_name: str
    inlet_id: InletId
    connection_id: ConnectionId
    source_name: str
    """The inlet's ``sourceId``: name of the source where a message's header has none."""
    data_type: str = "xdm"
    content: Content = Content.JSON
    is_batch: bool = False
    is_authenticated: bool = False
    """A valid token of the inlet's organization came with the request."""
    dataset_id: DatasetId | None = None
    """Default dataset: header ``x-adobe-dataset-id``."""
    flow_id: str | None = None
    """Flow named in the header or query ``x-adobe-flow-id``."""
    refused: dict[int, str] = {}
    """Messages of a batch that were refused in the answer, by index: they are not processed."""
    count: int = 1
    """Messages in the request."""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Head)


def pack(head: Head, body: bytes) -> Sequence[bytes]:
    """Return the parts of a log record."""
    encoded = _encoder.encode(head)
    return (_LENGTH.pack(len(encoded)), encoded, body)


def unpack(payload: bytes) -> tuple[Head, memoryview]:
    """Return head and body of a log record that `pack` made."""
    (length,) = _LENGTH.unpack_from(payload)
    start = _LENGTH.size
    view = memoryview(payload)
    return _decoder.decode(view[start : start + length]), view[start + length :]
