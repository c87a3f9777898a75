"""
The inlet directory: what edge and processing know of the control plane, as one file.

The platform process writes the file whenever the control store changes, before it answers for
the change; every other process holds it in memory, looks at the file's identity a few times a
second, and also whenever a look-up would find nothing. So a change is visible at once to
whoever asks for something new, within a second to everyone, and the edge goes on serving
when the platform process is away.

Validation schemas lie beside it under their digest: they never change, only appear.
"""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import structlog

from forebay.edge.ports import Caller, DatasetRef, Inlet
from forebay.kernel import json
from forebay.kernel.clock import Clock
from forebay.kernel.files import replace
from forebay.kernel.ids import DatasetId, OrgId, SandboxId, SchemaId
from forebay.kernel.limits import VIOLATIONS_MAX
from forebay.kernel.tokens import TokenVerifier, VerifyingKey
from forebay.xdm.validator import Validator
from forebay.xdm.violations import Violation

Found = TypeVar("Found")

_log = structlog.get_logger()


class SchemaEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A schema as records are validated with it."""

    org_id: OrgId
    sandbox_id: SandboxId
    schema_id: SchemaId
    version: str
    digest: str
    """SHA-256 of its validation document, which lies in the file of that name."""


class DatasetEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A dataset as messages are routed to it."""

    org_id: OrgId
    sandbox_id: SandboxId
    dataset_id: DatasetId
    schema_id: SchemaId
    has_unique_ids: bool = False
    """The rule on duplicates holds for it."""


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """One state of the control plane."""

    revision: int
    inlets: list[Inlet]
    datasets: list[DatasetEntry]
    schemas: list[SchemaEntry]
    verifying_keys: dict[str, VerifyingKey]
    """Public keys of access tokens by key id."""
    clients: dict[str, OrgId]
    """Organization of each API client."""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Snapshot)


class DirectoryWriter:
    """Writes the file; used by the platform process only."""

    def __init__(
        self,
        path: Path,
        schemas: Path,
        *,
        take: Callable[[Callable[[dict[str, Any]], str]], Snapshot],
        current_revision: Callable[[], int],
    ) -> None:
        """
        Write what `take` returns to `path`.

        Args:
            path: The file.
            schemas: Directory of the validation documents.
            take: Returns the present snapshot; it is handed a function that keeps a
                validation document and returns its digest.
            current_revision: The control store's revision.
        """
        self._path = path
        self._schemas = schemas
        self._take = take
        self._current_revision = current_revision
        self._published = -1
        self._lock = threading.Lock()

    def publish(self) -> None:
        """Write the present state, unless it is written already."""
        with self._lock:
            if self._current_revision() == self._published:
                return
            snapshot = self._take(self._keep)
            replace(self._path, _encoder.encode(snapshot))
            self._published = snapshot.revision

    def _keep(self, document: dict[str, Any]) -> str:
        # The digest is the file's name, so an existing file is the same document.
        from forebay.xdm.strict import digest  # noqa: PLC0415  the platform process only

        name = digest(document)
        path = self._schemas / f"{name}.json"
        if not path.exists():
            replace(path, json.encode(document))
        return name


class DirectoryReader:
    """Holds the newest snapshot in memory; one per process, safe for threads."""

    def __init__(self, path: Path, schemas: Path, clock: Clock) -> None:
        self._path = path
        self._schemas = schemas
        self._clock = clock
        self._identity: tuple[int, int] | None = None
        self._lock = threading.Lock()
        self._validators: dict[str, Validator] = {}
        self._index = _Index(_EMPTY)
        self._verifier = TokenVerifier({}, {})

    @property
    def revision(self) -> int:
        """Grows with every snapshot that was read."""
        return self._index.snapshot.revision

    @property
    def snapshot(self) -> Snapshot:
        """The newest snapshot that was read."""
        return self._index.snapshot

    def refresh(self) -> bool:
        """Read the file again if it was replaced; say whether it was."""
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return False
        identity = (status.st_ino, status.st_mtime_ns)
        if identity == self._identity:
            return False
        with self._lock:
            snapshot = _decoder.decode(self._path.read_bytes())
            self._index = _Index(snapshot)
            self._verifier = TokenVerifier(snapshot.verifying_keys, snapshot.clients)
            self._identity = identity
            digests = {schema.digest for schema in snapshot.schemas}
            self._validators = {
                digest: validator
                for digest, validator in self._validators.items()
                if digest in digests
            }
        return True

    def find_inlet(self, inlet_id: str) -> Inlet | None:
        """Return the open inlet with this id."""
        return self._find(lambda index: index.inlets.get(inlet_id))

    def find_dataset(self, inlet: Inlet, dataset_id: str) -> DatasetRef | None:
        """Return a dataset of the inlet's organization and sandbox."""
        entry = self.find_dataset_entry(inlet.org_id, inlet.sandbox_id, dataset_id)
        if entry is None:
            return None
        return DatasetRef(dataset_id=entry.dataset_id, schema_id=entry.schema_id)

    def find_dataset_entry(
        self, org_id: str, sandbox_id: str, dataset_id: str
    ) -> DatasetEntry | None:
        """Return a dataset of an organization and sandbox."""
        return self._find(lambda index: index.datasets.get((org_id, sandbox_id, dataset_id)))

    def has_schema(self, inlet: Inlet, schema_id: str) -> bool:
        """Say whether the schema exists for the inlet's organization and sandbox."""
        return self.find_schema(inlet.org_id, inlet.sandbox_id, schema_id) is not None

    def find_schema(self, org_id: str, sandbox_id: str, schema_id: str) -> SchemaEntry | None:
        """Return a schema of an organization and sandbox."""
        return self._find(lambda index: index.schemas.get((org_id, sandbox_id, schema_id)))

    def validator(self, schema: SchemaEntry) -> Validator:
        """Return the compiled validator of a schema; compiled once per process and version."""
        validator = self._validators.get(schema.digest)
        if validator is None:
            document = json.decode((self._schemas / f"{schema.digest}.json").read_bytes())
            validator = self._validators[schema.digest] = Validator(document)
        return validator

    def authenticate(self, token: str) -> Caller | None:
        """Return who an access token speaks for."""
        verified = self._verifier.verify(token, self._clock.now_ms())
        if verified is None and self.refresh():
            verified = self._verifier.verify(token, self._clock.now_ms())
        if verified is None:
            return None
        return Caller(org_id=OrgId(verified.org_id), client_id=verified.client_id)

    def validate(self, inlet: Inlet, schema_id: str, entity: bytes) -> dict[str, Any] | None:
        """Return the violation tree of an entity, None if it is valid."""
        schema = self.find_schema(inlet.org_id, inlet.sandbox_id, schema_id)
        if schema is None:
            return _unknown(schema_id).tree()
        violation = self.validator(schema).validate(entity, violations_max=VIOLATIONS_MAX)
        return violation.tree() if violation else None

    def _find(self, look_up: Callable[["_Index"], Found | None]) -> Found | None:
        found = look_up(self._index)
        if found is None and self.refresh():
            found = look_up(self._index)
        return found


class _Index:
    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.inlets: dict[str, Inlet] = {inlet.inlet_id: inlet for inlet in snapshot.inlets}
        self.datasets: dict[tuple[str, str, str], DatasetEntry] = {
            (d.org_id, d.sandbox_id, d.dataset_id): d for d in snapshot.datasets
        }
        self.schemas: dict[tuple[str, str, str], SchemaEntry] = {
            (s.org_id, s.sandbox_id, s.schema_id): s for s in snapshot.schemas
        }


_EMPTY = Snapshot(revision=-1, inlets=[], datasets=[], schemas=[], verifying_keys={}, clients={})


def _unknown(schema_id: str) -> Violation:
    return Violation(
        schema_location="#",
        pointer="#",
        keyword=None,
        message=f"schema {schema_id} does not exist in this sandbox",
    )
