"""
Records judged without being sent: by the validator that would judge them, and by the edge's rules.

A message is read as an inlet reads it, and its header is checked by the same code. Nothing is
stored, and nothing but the validators that were compiled is kept.
"""

import threading
from collections import OrderedDict

import msgspec

from forebay.api.validate import Judgement
from forebay.control.datasets.service import DatasetService
from forebay.control.schemas.errors import not_found
from forebay.control.schemas.model import ResourceType
from forebay.control.schemas.service import SchemaService
from forebay.control.schemas.validation import ValidationDocument
from forebay.control.scope import Scope
from forebay.edge.answers import Refusal
from forebay.edge.envelope import Parts, read_message
from forebay.edge.messages import MessageRules
from forebay.edge.ports import DatasetRef, Inlet
from forebay.kernel import json
from forebay.kernel.ids import ConnectionId, DatasetId, InletId, SchemaId
from forebay.kernel.limits import REQUEST_BYTES_MAX
from forebay.xdm.explainer import wrap
from forebay.xdm.validator import Validator
from forebay.xdm.violations import Violation

_VALIDATORS_MAX = 64
_VIOLATIONS_MAX = 100_000
"""Of one record: enough for everybody who means it, and a bound for who does not."""


class Validators:
    """Compiled validators by the digest of their rules; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, _Compiled] = OrderedDict()

    def get(self, rules: ValidationDocument) -> Validator:
        """Return the validator of these rules; compiled once while it is in use."""
        with self._lock:
            kept = self._kept.setdefault(rules.digest, _Compiled(rules))
            self._kept.move_to_end(rules.digest)
            while len(self._kept) > _VALIDATORS_MAX:
                self._kept.popitem(last=False)
        return kept.validator()


class _Compiled:
    """A validator that is compiled when it is first asked for; others need not wait for it."""

    def __init__(self, rules: ValidationDocument) -> None:
        self._rules = rules
        self._lock = threading.Lock()
        self._validator: Validator | None = None

    def validator(self) -> Validator:
        with self._lock:
            if self._validator is None:
                self._validator = Validator(self._rules.document)
            return self._validator


class DryRun:
    """What records may be tried against (`api.validate.Targets`)."""

    def __init__(
        self, schemas: SchemaService, datasets: DatasetService, validators: Validators
    ) -> None:
        self._schemas = schemas
        self._datasets = datasets
        self._validators = validators

    def of_schema(self, scope: Scope, schema_id: str) -> "Target":
        """
        Return a schema of the sandbox, by ``$id`` or ``meta:altId``, to try records against.

        Raises:
            SchemaNotFound: The sandbox has no such schema.
        """
        schema = self._schemas.find_schema(scope, schema_id)
        if schema is None:
            raise not_found(ResourceType.SCHEMA, schema_id)
        return self._target(scope, schema["$id"], str(schema.get("version", "")))

    def of_dataset(self, scope: Scope, dataset_id: str) -> "Target":
        """
        Return a dataset of the sandbox to try records against.

        Raises:
            DatasetNotFound: The sandbox has no such dataset.
        """
        dataset = self._datasets.get(scope, dataset_id)
        schema = self._schemas.find_schema(scope, dataset.schema_id)
        version = str(schema.get("version", "")) if schema else ""
        return self._target(scope, dataset.schema_id, version, dataset.dataset_id)

    def _target(
        self, scope: Scope, schema_id: str, version: str, dataset_id: str | None = None
    ) -> "Target":
        validator = self._validators.get(self._schemas.validation(scope, schema_id))
        return Target(validator, scope, schema_id=schema_id, version=version, dataset_id=dataset_id)


class _Body(msgspec.Struct, frozen=True, gc=False):
    entity: json.Raw = msgspec.field(name="xdmEntity")


class _Message(msgspec.Struct, frozen=True, gc=False):
    body: _Body


_decode_message = msgspec.json.Decoder(_Message).decode


class Target:
    """The rules that records are tried against."""

    def __init__(
        self,
        validator: Validator,
        scope: Scope,
        *,
        schema_id: str,
        version: str,
        dataset_id: str | None,
    ) -> None:
        self.document = validator.document
        self.schema_id = schema_id
        self.version = version
        self.dataset_id = dataset_id
        self._validator = validator
        self._inlet = _an_inlet(scope)
        self._rules = MessageRules(_Directory(schema_id))

    def judge(self, data: bytes) -> Judgement:
        """Return what is wrong with a record, or with a whole message."""
        # No record has a member of this name, so nearly all of them are told apart by one search.
        if b'"xdmEntity"' in data and _is_message(data):
            return self._judge_message(data)
        return Judgement(data, self._validate(data), is_message=False)

    def _validate(self, entity: bytes) -> Violation | None:
        if len(entity) > REQUEST_BYTES_MAX:
            return _whole(
                f"the record has {len(entity)} bytes; the body of a request to an inlet has at"
                f" most {REQUEST_BYTES_MAX}"
            )
        return self._validator.validate(entity, violations_max=_VIOLATIONS_MAX)

    def _judge_message(self, data: bytes) -> Judgement:
        if len(data) > REQUEST_BYTES_MAX:
            return Judgement(data, self._validate(data), is_message=True)
        try:
            parts = read_message(data)
        except json.NotJson as error:
            refusal = Refusal("Message is invalid", str(error))
            return Judgement(data, _refused(refusal), is_message=True)
        if isinstance(parts, Refusal):
            return Judgement(data, _refused(parts), is_message=True)
        envelope = self._check_envelope(parts)
        record = self._validator.validate(parts.entity, violations_max=_VIOLATIONS_MAX)
        found = [violation for violation in (envelope, record) if violation is not None]
        return Judgement(parts.entity, wrap(found, "#", "#"), is_message=True)

    def _check_envelope(self, parts: Parts) -> Violation | None:
        outcome = self._rules.check(self._inlet, parts, dataset_id=self.dataset_id or _ANY_DATASET)
        if isinstance(outcome, Refusal):
            return _refused(outcome)
        if self.dataset_id is not None and outcome.dataset_id != self.dataset_id:
            return _whole(
                f"header.datasetId is {outcome.dataset_id}; this is tried against {self.dataset_id}"
            )
        return None


_ANY_DATASET = "any"


class _Directory:
    """The inlet directory of a dry run: every dataset that a message may name has the schema."""

    revision = 0

    def __init__(self, schema_id: str) -> None:
        self._schema_id = SchemaId(schema_id)

    def find_inlet(self, inlet_id: str) -> Inlet | None:  # noqa: ARG002  the port's signature
        """Return None: a dry run has no inlets."""
        return None

    def find_dataset(self, inlet: Inlet, dataset_id: str) -> DatasetRef | None:  # noqa: ARG002
        """Return the dataset."""
        return DatasetRef(dataset_id=DatasetId(dataset_id), schema_id=self._schema_id)

    def has_schema(self, inlet: Inlet, schema_id: str) -> bool:  # noqa: ARG002
        """Say whether it is the schema that is tried against."""
        return schema_id == self._schema_id


def _is_message(data: bytes) -> bool:
    """Say whether something has the member ``xdmEntity`` in its member ``body``."""
    try:
        _decode_message(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _an_inlet(scope: Scope) -> Inlet:
    return Inlet(
        inlet_id=InletId("dry-run"),
        connection_id=ConnectionId("dry-run"),
        org_id=scope.org_id,
        sandbox_id=scope.sandbox_id,
        sandbox_name=scope.sandbox_name,
        source_name="",
        data_type="xdm",
        is_authentication_required=False,
    )


def _refused(refusal: Refusal) -> Violation:
    detail = f": {refusal.detail}" if refusal.detail else ""
    return _whole(f"{refusal.message}{detail}")


def _whole(message: str) -> Violation:
    return Violation(schema_location="#", pointer="#", keyword=None, message=message)
