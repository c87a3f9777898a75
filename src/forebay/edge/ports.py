"""What the edge needs from the rest of the house; nothing here waits for I/O on the hot path."""

from typing import Any, Protocol

import msgspec

from forebay.kernel.ids import ConnectionId, DatasetId, InletId, OrgId, SandboxId, SchemaId


class Inlet(msgspec.Struct, frozen=True, kw_only=True):
    """An open HTTP address of a streaming connection."""

    inlet_id: InletId
    connection_id: ConnectionId
    org_id: OrgId
    sandbox_id: SandboxId
    sandbox_name: str
    source_name: str
    data_type: str
    """``xdm`` or ``raw``."""
    is_authentication_required: bool


class DatasetRef(msgspec.Struct, frozen=True, kw_only=True):
    """What a message's routing needs to know of a dataset."""

    dataset_id: DatasetId
    schema_id: SchemaId


class InletDirectory(Protocol):
    """
    The edge's view of the control plane: a snapshot in memory.

    A change made through the platform API is visible within a second, and at once to a
    lookup that would otherwise find nothing.
    """

    @property
    def revision(self) -> int:
        """Grows with every change of the snapshot; what was cached under another one is stale."""

    def find_inlet(self, inlet_id: str) -> Inlet | None:
        """Return the open inlet with this id."""

    def find_dataset(self, inlet: Inlet, dataset_id: str) -> DatasetRef | None:
        """Return a dataset of the inlet's organization and sandbox."""

    def has_schema(self, inlet: Inlet, schema_id: str) -> bool:
        """Say whether the schema exists for the inlet's organization and sandbox."""


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who a valid access token speaks for."""

    org_id: OrgId
    client_id: str


class Authenticator(Protocol):
    """Verifies access tokens."""

    def authenticate(self, token: str) -> Caller | None:
        """Return who the token speaks for; None if it is malformed, forged, expired or revoked."""


class RecordValidator(Protocol):
    """Validates one entity before it is accepted (``syncValidation``)."""

    def validate(self, inlet: Inlet, schema_id: str, entity: bytes) -> dict[str, Any] | None:
        """Return the violation tree of an entity (at most five violations), None if it is valid."""
