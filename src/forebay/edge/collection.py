"""
Taking messages: look up → authenticate → read → check the envelope → append → answer.

The order is that of flow-and-collection 15.10. Up to the append everything is a definite no;
the append alone decides whether the answer is a receipt.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from forebay.edge import answers, envelope
from forebay.edge.answers import Answer, Refusal
from forebay.edge.body import decompress, require_known
from forebay.edge.envelope import Parts
from forebay.edge.errors import (
    ContentRefused,
    InletForbidden,
    MessageRefused,
    NotHere,
    NotReady,
    TokenRefused,
)
from forebay.edge.exchange import HttpExchange, too_large
from forebay.edge.messages import MessageRules, is_uuid
from forebay.edge.metrics import EdgeMetrics
from forebay.edge.ports import Authenticator, Inlet, InletDirectory, RecordValidator
from forebay.edge.throttle import ValidationQuota
from forebay.kernel import json, smile
from forebay.kernel.clock import Clock
from forebay.kernel.ids import DatasetId, TransactionId
from forebay.kernel.limits import BODY_SECONDS_MAX, REQUEST_BYTES_MAX
from forebay.log.entry import Head, pack
from forebay.log.ports import LogWriter

_JSON = "application/json"
_SMILE = "application/x-jackson-smile"
_SYNC_NAMES = ("syncValidation", "synchronousValidation")
_JUNK = " \t;"
"""What senders leave at the end of header values: one of Adobe's labs prints semicolons there."""


@dataclass(frozen=True, kw_only=True)
class EdgePorts:
    """What the edge works with."""

    directory: InletDirectory
    authenticator: Authenticator
    validator: RecordValidator
    writer: LogWriter
    clock: Clock
    metrics_text: Callable[[], bytes]
    """Returns the body of ``/metrics``."""
    unready_reason: Callable[[], str | None]
    """Says why messages could not be stored now; None if they can. Asked on every request."""


@dataclass(frozen=True, kw_only=True)
class EdgeLimits:
    """The limits that an operator may set."""

    validations_per_minute: int
    """Synchronous validations per inlet; 0 means no limit."""
    body_seconds_max: float = BODY_SECONDS_MAX
    """Time a client has to send a body."""


class Request(NamedTuple):
    """A collection request whose body is yet to be read."""

    headers: Mapping[str, str]
    query: Mapping[str, str]
    exchange: HttpExchange

    def header_or_query(self, name: str) -> str | None:
        """Return a value that may come either way, without the junk that senders append."""
        value = self.headers.get(name)
        if value is None and self.query:
            value = self.query.get(name)
        return (value.strip(_JUNK) or None) if value else None


class _Arrival(NamedTuple):
    # A request whose sender is known and whose body is JSON in memory.
    inlet: Inlet
    body: bytes
    is_authenticated: bool
    flow_id: str | None
    dataset_id: DatasetId | None


class Collection:
    """Takes single messages and batches for inlets, and answers when they are durable."""

    def __init__(self, ports: EdgePorts, limits: EdgeLimits, *, received_ms_min: int = 0) -> None:
        self._ports = ports
        self.limits = limits
        self._rules = MessageRules(ports.directory)
        self._quota = ValidationQuota(ports.clock, per_minute=limits.validations_per_minute)
        self.metrics = EdgeMetrics()
        self.is_draining = False
        """While set, every message is refused with 503."""
        self._received_ms = received_ms_min

    def unready_reason(self) -> str | None:
        """Say why messages are not taken now; None if they are."""
        return "the edge is stopping" if self.is_draining else self._ports.unready_reason()

    async def receive(self, request: Request, inlet_id: str, *, is_batch: bool) -> Answer:
        """
        Take a request's messages.

        When this returns, every message that the answer calls accepted is durable.

        Raises:
            PlatformError: Nothing was stored, unless it is `AppendOutcomeUnknown`.
        """
        # Before the inlet is looked up: an edge that does not know its inlets yet must not say
        # that there is none, because senders drop what they are told can never succeed.
        reason = self.unready_reason()
        if reason is not None:
            raise NotReady(
                f"Nothing was stored: {reason}. Send again later.", is_closing=self.is_draining
            )
        inlet = self._ports.directory.find_inlet(inlet_id)
        if inlet is None:
            raise NotHere(
                f"There is no inlet [{inlet_id[:80]}]; the inletUrl of a connection is one."
            )
        is_authenticated = self._authenticate(inlet, request.headers.get("authorization"))
        body = await self._read(inlet, request)
        flow_id = request.header_or_query("x-adobe-flow-id")
        dataset_id = request.header_or_query("x-adobe-dataset-id")
        arrival = _Arrival(
            inlet,
            body,
            is_authenticated,
            flow_id,
            DatasetId(dataset_id) if dataset_id else None,
        )
        try:
            if flow_id is not None and not is_uuid(flow_id):
                raise _refused(inlet, Refusal(f"x-adobe-flow-id [{flow_id[:80]}] is not a UUID"))
            if inlet.data_type == "raw":
                raise _no_flow(arrival)
            if is_batch:
                return await self._receive_batch(request, arrival)
            return await self._receive_single(request, arrival)
        except json.NotJson as error:
            raise MessageRefused(f"{_prefix(inlet)}Message is not valid JSON: {error}") from None

    async def _receive_single(self, request: Request, arrival: _Arrival) -> Answer:
        inlet = arrival.inlet
        sync_name, is_validated = _sync_validation(request.query)
        parts = envelope.read_message(arrival.body)
        checked = (
            parts
            if isinstance(parts, Refusal)
            else self._rules.check(inlet, parts, dataset_id=arrival.dataset_id)
        )
        if isinstance(checked, Refusal):
            raise _refused(inlet, checked)
        if is_validated and not isinstance(parts, Refusal):
            self._quota.take(inlet.inlet_id)
            tree = self._ports.validator.validate(inlet, checked.schema_id, parts.entity)
            if tree is not None:
                raise _refused(inlet, Refusal("Message is invalid", cause=tree))
        receipt = await self._append(arrival)
        return answers.accepted(
            inlet.inlet_id,
            receipt,
            flow_id=checked.flow_id or arrival.flow_id,
            sync_name=sync_name,
            is_validated=is_validated,
        )

    async def _receive_batch(self, request: Request, arrival: _Arrival) -> Answer:
        inlet = arrival.inlet
        messages = envelope.read_batch(arrival.body)
        if not messages:
            raise _refused(
                inlet,
                Refusal('A batch is {"messages": [...]} with one message or more'),
            )
        is_validated = request.headers.get("x-forebay-sync-validation", "").lower() == "true"
        if is_validated:
            self._quota.take(inlet.inlet_id)
        refused: dict[int, Refusal] = {}
        remembered = self._rules.remembered(inlet, arrival.dataset_id)
        for index, parts in enumerate(messages):
            if not is_validated and parts[:2] in remembered and parts[2]:
                continue  # a message with a header like others before, and an entity
            refusal = self._refusal(arrival, parts, is_validated=is_validated)
            if refusal is not None:
                refused[index] = refusal._replace(message=_prefix(inlet) + refusal.message)
        receipt = await self._append(arrival, count=len(messages), refused=refused)
        return answers.multi_status(
            inlet.inlet_id, receipt, len(messages), refused, flow_id=arrival.flow_id
        )

    def _refusal(
        self, arrival: _Arrival, parts: Parts | Refusal, *, is_validated: bool
    ) -> Refusal | None:
        if isinstance(parts, Refusal):
            return parts
        checked = self._rules.check(arrival.inlet, parts, dataset_id=arrival.dataset_id)
        if isinstance(checked, Refusal):
            return checked
        if is_validated:
            validator = self._ports.validator
            tree = validator.validate(arrival.inlet, checked.schema_id, parts.entity)
            if tree is not None:
                return Refusal("Message is invalid", cause=tree)
        return None

    async def _append(
        self,
        arrival: _Arrival,
        *,
        count: int | None = None,
        refused: Mapping[int, Refusal] | None = None,
    ) -> TransactionId:
        # Nothing may wait between the time and the append: both grow in the same order.
        received_ms = self._received_ms = max(self._received_ms, self._ports.clock.now_ms())
        inlet = arrival.inlet
        refusals = (
            {index: _in_words(refusal) for index, refusal in refused.items()} if refused else {}
        )
        head = Head(
            received_ms=received_ms,
            org_id=inlet.org_id,
            sandbox_id=inlet.sandbox_id,
            sandbox_name=inlet.sandbox_name,
            inlet_id=inlet.inlet_id,
            connection_id=inlet.connection_id,
            source_name=inlet.source_name,
            data_type=inlet.data_type,
            is_batch=count is not None,
            is_authenticated=arrival.is_authenticated,
            dataset_id=arrival.dataset_id,
            flow_id=arrival.flow_id,
            refused=refusals,
            count=count or 1,
        )
        # A batch of which nothing is accepted still gets an address that can be looked up.
        body = b"" if len(refusals) == head.count else arrival.body
        writer = self._ports.writer
        offset = await writer.append(pack(head, body))
        self.metrics.accepted += head.count - len(refusals)
        self.metrics.refused += len(refusals)
        self.metrics.body_bytes += len(body)
        return TransactionId(received_ms, writer.partition, offset)

    def _authenticate(self, inlet: Inlet, authorization: str | None) -> bool:
        token = token_in(authorization)
        caller = self._ports.authenticator.authenticate(token) if token else None
        is_own = caller is not None and caller.org_id == inlet.org_id
        if inlet.is_authentication_required and not is_own:
            # The answers' texts are fixed (decision 1), so that they tell a stranger nothing.
            raise (
                TokenRefused("no valid access token")
                if caller is None
                else InletForbidden("a token of another organization")
            )
        return is_own

    async def _read(self, inlet: Inlet, request: Request) -> bytes:
        headers = request.headers
        length = headers.get("content-length")
        if length is not None and int(length) > REQUEST_BYTES_MAX:
            raise too_large(int(length))
        is_smile = _is_smile(headers.get("content-type", ""))
        encoding = headers.get("content-encoding", "")
        if encoding:
            encoding = encoding.strip(_JUNK).lower()
            require_known(encoding)
        sent = await request.exchange.read()
        body = decompress(sent, encoding) if encoding else sent
        if not is_smile:
            return body
        try:
            return smile.to_json(body, bytes_max=REQUEST_BYTES_MAX)
        except smile.NotSmile as error:
            raise MessageRefused(f"{_prefix(inlet)}Message is not valid Smile: {error}") from None


def token_in(authorization: str | None) -> str | None:
    """
    Return the token of an ``Authorization`` header; None if there is none.

    The scheme may be missing, and junk may trail (flow-and-collection, 15.2).
    """
    if authorization is None:
        return None
    words = authorization.strip(_JUNK).split()
    if len(words) == 2 and words[0].lower() == "bearer":  # noqa: PLR2004  scheme and token
        return words[1]
    if len(words) == 1 and words[0].lower() != "bearer":
        return words[0]
    return None


def _sync_validation(query: Mapping[str, str]) -> tuple[str, bool]:
    if not query:
        return _SYNC_NAMES[0], False
    # The answer uses the name that was asked with (decision 5); clients send Python's "True" too.
    asked = [name for name in _SYNC_NAMES if name in query]
    wanted = [name for name in asked if query[name].lower() == "true"]
    return (*wanted, *asked, _SYNC_NAMES[0])[0], bool(wanted)


def _is_smile(content_type: str) -> bool:
    if content_type == _JSON:
        return False
    media_type, *parameters = (part.strip() for part in content_type.lower().split(";"))
    charsets = {part for part in parameters if part.startswith("charset")}
    if media_type not in {_JSON, _SMILE} or charsets - {"charset=utf-8", 'charset="utf-8"'}:
        raise ContentRefused(
            f"Content-Type [{content_type[:80]}] is not read here; "
            f"send {_JSON} in UTF-8, or {_SMILE}."
        )
    return media_type == _SMILE


def _prefix(inlet: Inlet) -> str:
    return f"inletId: [{inlet.inlet_id}] imsOrgId: [{inlet.org_id}] "


def _refused(inlet: Inlet, refusal: Refusal) -> MessageRefused:
    return MessageRefused(_prefix(inlet) + refusal.message, **answers.extras(refusal))


def _in_words(refusal: Refusal) -> str:
    return f"{refusal.message}: {refusal.detail}" if refusal.detail else refusal.message


def _no_flow(arrival: _Arrival) -> MessageRefused:
    document: Any = json.decode(arrival.body)
    if not isinstance(document, dict):
        return _refused(arrival.inlet, Refusal("A raw message is a JSON object"))
    header = document.get("header")
    flow_id = header.get("flowId") if isinstance(header, dict) else None
    named = flow_id if isinstance(flow_id, str) else arrival.flow_id
    if named is None:
        return _refused(
            arrival.inlet,
            Refusal("A raw message needs a flow: x-adobe-flow-id as header or query parameter"),
        )
    return _refused(arrival.inlet, Refusal(f"There is no flow [{named[:80]}] on this inlet"))
