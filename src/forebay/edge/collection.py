"""
Taking messages: look up → authenticate → read → check the envelope → append → answer.

The order is that of flow-and-collection 15.10. Up to the append everything is a definite no;
the append alone decides whether the answer is a receipt.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

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
from forebay.edge.exchange import too_large
from forebay.edge.messages import Checked, MessageRules, is_uuid
from forebay.edge.metrics import EdgeMetrics
from forebay.edge.ports import Authenticator, Inlet, InletDirectory, RecordValidator
from forebay.edge.throttle import ValidationQuota
from forebay.kernel import json, smile
from forebay.kernel.clock import Clock
from forebay.kernel.ids import DatasetId, Offset, TransactionId
from forebay.kernel.limits import BODY_SECONDS_MAX, REQUEST_BYTES_MAX
from forebay.log.entry import Head, HeadTemplate, pack
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
    """A collection request of which all but the body is known and found good."""

    inlet: Inlet
    is_batch: bool
    is_authenticated: bool
    is_smile: bool
    encoding: str
    flow_id: str | None
    dataset_id: DatasetId | None
    sync_name: str
    """Name of the parameter that asked for validation, for the answer."""
    is_validated: bool


class Entry(NamedTuple):
    """What a request puts into the log, and what its answer is made of."""

    payload: Sequence[bytes]
    request: Request
    received_ms: int
    messages: int
    refused: Mapping[int, Refusal]
    flow_id: str | None
    body_bytes: int


_TEMPLATES_MAX = 1_024
_NONE_REFUSED: Mapping[int, Refusal] = {}


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
        self._templates: dict[tuple[object, ...], tuple[Inlet, HeadTemplate]] = {}

    def unready_reason(self) -> str | None:
        """Say why messages are not taken now; None if they are."""
        return "the edge is stopping" if self.is_draining else self._ports.unready_reason()

    def admit(
        self, headers: Mapping[str, str], query: Mapping[str, str], inlet_id: str, *, is_batch: bool
    ) -> Request:
        """
        Decide from a request's head whether its body is wanted.

        Raises:
            PlatformError: It is not, and nothing is stored.
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
        is_authenticated = self._authenticate(inlet, headers.get("authorization"))
        length = headers.get("content-length")
        if length is not None and int(length) > REQUEST_BYTES_MAX:
            raise too_large(int(length))
        is_smile = _is_smile(headers.get("content-type", ""))
        encoding = headers.get("content-encoding", "")
        if encoding:
            encoding = encoding.strip(_JUNK).lower()
            require_known(encoding)
        if is_batch:
            sync_name = ""
            is_validated = headers.get("x-forebay-sync-validation", "").lower() == "true"
        else:
            sync_name, is_validated = _sync_validation(query)
        return Request(
            inlet,
            is_batch,
            is_authenticated,
            is_smile,
            encoding,
            _either_way(headers, query, "x-adobe-flow-id"),
            cast("DatasetId | None", _either_way(headers, query, "x-adobe-dataset-id")),
            sync_name,
            is_validated,
        )

    def take(self, request: Request, sent: bytes) -> Entry:
        """
        Decide what of a body is accepted; the entry must be appended at once.

        Raises:
            PlatformError: Nothing is, and nothing is stored.
        """
        body = _read(request, sent)
        inlet, flow_id = request.inlet, request.flow_id
        try:
            if flow_id is not None and not is_uuid(flow_id):
                raise _refused(inlet, Refusal(f"x-adobe-flow-id [{flow_id[:80]}] is not a UUID"))
            if inlet.data_type == "raw":
                raise _no_flow(request, body)
            if request.is_batch:
                return self._take_batch(request, body)
            return self._take_single(request, body)
        except json.NotJson as error:
            raise MessageRefused(f"{_prefix(inlet)}Message is not valid JSON: {error}") from None

    def answer(self, entry: Entry, offset: Offset) -> Answer:
        """Answer a request whose entry is durable."""
        request = entry.request
        receipt = TransactionId(entry.received_ms, self._ports.writer.partition, offset)
        metrics = self.metrics
        metrics.accepted += entry.messages - len(entry.refused)
        metrics.refused += len(entry.refused)
        metrics.body_bytes += entry.body_bytes
        inlet_id = request.inlet.inlet_id
        if request.is_batch:
            return answers.multi_status(
                inlet_id, receipt, entry.messages, entry.refused, flow_id=entry.flow_id
            )
        return answers.accepted(
            inlet_id,
            receipt,
            flow_id=entry.flow_id,
            sync_name=request.sync_name,
            is_validated=request.is_validated,
        )

    def _take_single(self, request: Request, body: bytes) -> Entry:
        inlet = request.inlet
        checked, entity = self._check_single(request, body)
        if request.is_validated:
            self._quota.take(inlet.inlet_id)
            tree = self._ports.validator.validate(inlet, checked.schema_id, entity)
            if tree is not None:
                raise _refused(inlet, Refusal("Message is invalid", cause=tree))
        return self._enter(request, body, 1, _NONE_REFUSED, checked.flow_id or request.flow_id)

    def _check_single(self, request: Request, body: bytes) -> tuple[Checked, bytes]:
        inlet, dataset_id = request.inlet, request.dataset_id
        remembered = self._rules.remembered(inlet, dataset_id)
        if remembered.opening is not None and remembered.checked is not None:
            entity = envelope.find_entity(body, remembered.opening)
            if entity is not None:
                return remembered.checked, entity
        parts = envelope.read_message(body)
        if isinstance(parts, Refusal):
            raise _refused(inlet, parts)
        checked = self._rules.check(inlet, parts, dataset_id=dataset_id)
        if isinstance(checked, Refusal):
            raise _refused(inlet, checked)
        self._rules.remember_opening(inlet, parts, body, dataset_id=dataset_id)
        return checked, parts.entity

    def _take_batch(self, request: Request, body: bytes) -> Entry:
        inlet, dataset_id = request.inlet, request.dataset_id
        remembered = self._rules.remembered(inlet, dataset_id)
        if remembered.opening is not None and not request.is_validated:
            count = envelope.count_messages(body, remembered.opening)
            if count is not None:
                return self._enter(request, body, count, _NONE_REFUSED, request.flow_id)
        messages = envelope.read_batch(body)
        if not messages:
            raise _refused(
                inlet,
                Refusal('A batch is {"messages": [...]} with one message or more'),
            )
        refused = self._find_refused(request, messages)
        first = messages[0]
        if 0 not in refused and not isinstance(first, Refusal):
            self._rules.remember_opening(inlet, first, body, dataset_id=dataset_id)
        return self._enter(request, body, len(messages), refused, request.flow_id)

    def _find_refused(
        self, request: Request, messages: list[Parts | Refusal]
    ) -> dict[int, Refusal]:
        is_validated = request.is_validated
        if is_validated:
            self._quota.take(request.inlet.inlet_id)
        refused: dict[int, Refusal] = {}
        good = self._rules.remembered(request.inlet, request.dataset_id).headers
        for index, parts in enumerate(messages):
            if not is_validated and parts[:2] in good and parts[2]:
                continue  # a message with a header like others before, and an entity
            refusal = self._refusal(request, parts)
            if refusal is not None:
                message = _prefix(request.inlet) + refusal.message
                refused[index] = refusal._replace(message=message)
        return refused

    def _refusal(self, request: Request, parts: Parts | Refusal) -> Refusal | None:
        if isinstance(parts, Refusal):
            return parts
        checked = self._rules.check(request.inlet, parts, dataset_id=request.dataset_id)
        if isinstance(checked, Refusal):
            return checked
        if request.is_validated:
            validator = self._ports.validator
            tree = validator.validate(request.inlet, checked.schema_id, parts.entity)
            if tree is not None:
                return Refusal("Message is invalid", cause=tree)
        return None

    def _enter(
        self,
        request: Request,
        body: bytes,
        count: int,
        refused: Mapping[int, Refusal],
        flow_id: str | None,
    ) -> Entry:
        # Receipts go up with the offsets, whatever the clock does.
        received_ms = self._received_ms = max(self._received_ms, self._ports.clock.now_ms())
        # A batch of which nothing is accepted still gets an address that can be looked up.
        kept = b"" if len(refused) == count else body
        if refused:
            payload = pack(_head(request, count, refused, received_ms), kept)
        else:
            payload = self._template(request, count).pack(received_ms, kept)
        return Entry(payload, request, received_ms, count, refused, flow_id, len(kept))

    def _template(self, request: Request, count: int) -> HeadTemplate:
        inlet = request.inlet
        key = (
            inlet.inlet_id,
            request.is_batch,
            request.is_authenticated,
            request.dataset_id,
            request.flow_id,
            count,
        )
        known = self._templates.get(key)
        if known is not None and known[0] is inlet:
            return known[1]
        if len(self._templates) >= _TEMPLATES_MAX:
            self._templates.clear()
        template = HeadTemplate(_head(request, count, _NONE_REFUSED, 0))
        self._templates[key] = (inlet, template)
        return template

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


def _head(request: Request, count: int, refused: Mapping[int, Refusal], received_ms: int) -> Head:
    inlet = request.inlet
    return Head(
        received_ms=received_ms,
        org_id=inlet.org_id,
        sandbox_id=inlet.sandbox_id,
        sandbox_name=inlet.sandbox_name,
        inlet_id=inlet.inlet_id,
        connection_id=inlet.connection_id,
        source_name=inlet.source_name,
        data_type=inlet.data_type,
        is_batch=request.is_batch,
        is_authenticated=request.is_authenticated,
        dataset_id=request.dataset_id,
        flow_id=request.flow_id,
        refused={index: _in_words(refusal) for index, refusal in refused.items()},
        count=count,
    )


def _read(request: Request, sent: bytes) -> bytes:
    body = decompress(sent, request.encoding) if request.encoding else sent
    if not request.is_smile:
        return body
    try:
        return smile.to_json(body, bytes_max=REQUEST_BYTES_MAX)
    except smile.NotSmile as error:
        prefix = _prefix(request.inlet)
        raise MessageRefused(f"{prefix}Message is not valid Smile: {error}") from None


def _either_way(headers: Mapping[str, str], query: Mapping[str, str], name: str) -> str | None:
    # Without the junk that senders append.
    value = headers.get(name)
    if value is None and query:
        value = query.get(name)
    return (value.strip(_JUNK) or None) if value else None


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


def _no_flow(request: Request, body: bytes) -> MessageRefused:
    document: Any = json.decode(body)
    if not isinstance(document, dict):
        return _refused(request.inlet, Refusal("A raw message is a JSON object"))
    header = document.get("header")
    flow_id = header.get("flowId") if isinstance(header, dict) else None
    named = flow_id if isinstance(flow_id, str) else request.flow_id
    if named is None:
        return _refused(
            request.inlet,
            Refusal("A raw message needs a flow: x-adobe-flow-id as header or query parameter"),
        )
    return _refused(request.inlet, Refusal(f"There is no flow [{named[:80]}] on this inlet"))
