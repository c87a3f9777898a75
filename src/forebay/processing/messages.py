"""
Messages as processing reads them: as little of the envelope as routing needs, the record raw.

The envelope's form is that of flow-and-collection 15.4. A batch is decoded in one go; only if
that fails is it taken apart, so that one bad message does not spoil its neighbours.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import msgspec

from forebay.kernel import json
from forebay.kernel.ids import Offset, PartitionId, TransactionId
from forebay.log.entry import Content, Head, unpack

ReadSmile = Callable[[bytes], bytes]
"""Turns a Smile document into the JSON document it stands for."""


class SchemaRef(msgspec.Struct, frozen=True, gc=False):
    """Names a schema."""

    id: str | None = None


class _Source(msgspec.Struct, frozen=True, gc=False):
    name: str | None = None


class Header(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """The members of a message's header that decide where it goes."""

    schema_ref: SchemaRef | None = None
    ims_org_id: str | None = None
    dataset_id: str | None = None
    flow_id: str | None = None
    source: _Source | None = None


class _Meta(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    schema_ref: SchemaRef | None = None


class _Body(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    xdm_meta: _Meta | None = None
    xdm_entity: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class Message(msgspec.Struct, frozen=True, gc=False):
    """One message."""

    header: Header
    body: _Body


class _Batch(msgspec.Struct, frozen=True, gc=False):
    messages: list[Message]


class _RawBatch(msgspec.Struct, frozen=True, gc=False):
    messages: list[msgspec.Raw]


class Undecodable(NamedTuple):
    """What stands where a message should, and why it is none."""

    reason: str


class Request(NamedTuple):
    """One log record: a request as it was received."""

    partition: PartitionId
    log_id: str
    offset: Offset
    head: Head
    body: bytes
    """JSON, whatever the sender's notation was."""
    unreadable: str | None = None
    """Why the body could not be turned into JSON."""

    @property
    def transaction(self) -> TransactionId:
        """The receipt the sender got."""
        return TransactionId(self.head.received_ms, self.partition, self.offset)

    def xaction_id(self, index: int) -> str:
        """Return the transaction id of a message."""
        return self.transaction.item(index) if self.head.is_batch else str(self.transaction)


_message = msgspec.json.Decoder(Message)
_batch = msgspec.json.Decoder(_Batch)
_raw_batch = msgspec.json.Decoder(_RawBatch)


def open_request(
    partition: PartitionId, log_id: str, offset: Offset, payload: bytes, read_smile: ReadSmile
) -> Request:
    """Return a log record's request, its body as JSON."""
    head, view = unpack(payload)
    body = bytes(view)
    if head.content is not Content.SMILE:
        return Request(partition, log_id, offset, head, body)
    try:
        return Request(partition, log_id, offset, head, read_smile(body))
    except ValueError as error:
        return Request(partition, log_id, offset, head, body, str(error))


def messages(request: Request) -> Iterator[tuple[int, Message | Undecodable]]:
    """Yield the messages of a request that were accepted, with their index."""
    if request.unreadable is not None:
        yield 0, Undecodable(request.unreadable)
        return
    if not request.head.is_batch:
        yield 0, _decode(request.body)
        return
    try:
        found: list[Message] | list[Message | Undecodable] = _batch.decode(request.body).messages
    except (msgspec.MsgspecError, RecursionError):
        found = [_decode(raw) for raw in raw_messages(request)]
    refused = request.head.refused
    if not refused:
        yield from enumerate(found)
        return
    yield from (pair for pair in enumerate(found) if pair[0] not in refused)


def raw_messages(request: Request) -> list[bytes]:
    """Return the messages of a request as they were received."""
    if not request.head.is_batch:
        return [request.body]
    try:
        return [bytes(raw) for raw in _raw_batch.decode(request.body).messages]
    except (msgspec.MsgspecError, RecursionError):
        return [request.body]


def parts(raw: bytes) -> tuple[dict[str, Any], Any]:
    """Return header and body of a raw message; a text in place of what is no JSON."""
    try:
        value = json.decode(raw)
    except json.NotJson:
        return {}, raw.decode(errors="replace")
    if not isinstance(value, dict) or not isinstance(value.get("header", {}), dict):
        return {}, value
    if "header" not in value and "body" not in value:
        return {}, value
    return value.get("header", {}), value.get("body")


def _decode(raw: bytes) -> Message | Undecodable:
    try:
        return _message.decode(raw)
    except (msgspec.MsgspecError, RecursionError) as error:
        return Undecodable(str(error))
