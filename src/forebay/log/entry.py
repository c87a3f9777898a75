"""
What one log record holds: a request, as it was received, with what the edge knew of it.

Layout: length of the head (4 bytes, little endian) · head (MessagePack) · body. The body is
the request's own, byte for byte, after its transport encoding (gzip) was removed; of a Smile
body it is the JSON, of a batch without a single accepted message nothing.
"""

import struct
from collections.abc import Sequence

import msgspec

from forebay.kernel.ids import ConnectionId, DatasetId, InletId, OrgId, SandboxId

_LENGTH = struct.Struct("<I")


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


_TEMPLATE_MS = 1 << 63
"""A time that MessagePack writes as a 64-bit number, as it does with those of this century."""

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Head)


def pack(head: Head, body: bytes) -> Sequence[bytes]:
    """Return the parts of a log record."""
    encoded = _encoder.encode(head)
    return (_LENGTH.pack(len(encoded)), encoded, body)


class HeadTemplate:
    """Heads that differ in nothing but their time, encoded once."""

    def __init__(self, head: Head) -> None:
        encoded = _encoder.encode(msgspec.structs.replace(head, received_ms=_TEMPLATE_MS))
        before, time, self._after = encoded.partition(_encoded_time(_TEMPLATE_MS))
        if not time:
            raise ValueError("the time is not where a head has it")
        self._before = _LENGTH.pack(len(encoded)) + before

    def pack(self, received_ms: int, body: bytes) -> Sequence[bytes]:
        """Return the parts of a log record, as `pack` would for a head with this time."""
        return (self._before + _encoded_time(received_ms) + self._after, body)


def _encoded_time(received_ms: int) -> bytes:
    # As a 64-bit number, whatever its size: a name of 11 characters, and its value.
    return b"\xabreceived_ms\xcf" + received_ms.to_bytes(8)


def unpack(payload: bytes) -> tuple[Head, memoryview]:
    """Return head and body of a log record that `pack` made."""
    (length,) = _LENGTH.unpack_from(payload)
    start = _LENGTH.size
    view = memoryview(payload)
    return _decoder.decode(view[start : start + length]), view[start + length :]
