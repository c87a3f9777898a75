"""
Messages as processing reads them: as little of the envelope as routing needs, the record raw.

The envelope's form is that of flow-and-collection 15.4. A batch is decoded in one go; only if
that fails is it taken apart, so that one bad message does not spoil its neighbours.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import msgspec

from forebay.kernel import json
from forebay.kernel.ids import Offset, PartitionId, TransactionId
from forebay.lake.failed_records import Stage
from forebay.log.entry import Head, unpack


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
    """What stands where a message should, and why it cannot be read as one."""

    reason: str
    stage: Stage = Stage.ENVELOPE


@dataclass(frozen=True)
class Request:
    """One log record: a request as it was received."""

    partition: PartitionId
    log_id: str
    offset: Offset
    head: Head
    body: bytes
    """JSON, whatever the sender's notation was."""

    @property
    def transaction_id(self) -> TransactionId:
        """The receipt of the request."""
        return TransactionId(self.head.received_ms, self.partition, self.offset)

    def xaction_id(self, index: int) -> str:
        """Return the transaction id of a message."""
        transaction = self.transaction_id
        return transaction.item(index) if self.head.is_batch else str(transaction)

    @cached_property
    def raw_messages(self) -> list[bytes]:
        """The messages as they were received."""
        if not self.head.is_batch:
            return [self.body]
        try:
            return [bytes(raw) for raw in _raw_batch.decode(self.body).messages]
        except (msgspec.MsgspecError, RecursionError):
            return [self.body]


_message = msgspec.json.Decoder(Message)
_batch = msgspec.json.Decoder(_Batch)
_raw_batch = msgspec.json.Decoder(_RawBatch)


def open_request(partition: PartitionId, log_id: str, offset: Offset, payload: bytes) -> Request:
    """Return a log record's request."""
    head, view = unpack(payload)
    return Request(partition, log_id, offset, head, bytes(view))


def messages(request: Request) -> Iterator[tuple[int, Message | Undecodable]]:
    """Yield the messages of a request that were accepted, with their index."""
    found = _messages(request)
    refused = request.head.refused
    if not refused:
        return enumerate(found)
    return ((index, message) for index, message in enumerate(found) if index not in refused)


def _messages(request: Request) -> Sequence[Message | Undecodable]:
    if request.head.data_type != "xdm":
        return [_raw_data(request)] * len(request.raw_messages)
    if not request.head.is_batch:
        return [_decode(request.body)]
    try:
        return _batch.decode(request.body).messages
    except (msgspec.MsgspecError, RecursionError):
        return [_decode(raw) for raw in request.raw_messages]


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
        return Undecodable(f"Message is no XDM message: {error}")


def _raw_data(request: Request) -> Undecodable:
    head = request.head
    reason = (
        f"inlet {head.inlet_id} takes {head.data_type} data, which needs a flow with a mapping "
        "to become records"
    )
    return Undecodable(reason, Stage.ROUTING)
