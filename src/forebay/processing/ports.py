"""What processing asks of the rest of the house: which dataset a message belongs to."""

from typing import Protocol

import msgspec

from forebay.kernel.ids import DatasetId, OrgId, SandboxId, SchemaId
from forebay.xdm.fields import Object
from forebay.xdm.violations import Violation


class RecordValidator(Protocol):
    """The rules of one schema, compiled."""

    @property
    def fields(self) -> Object:
        """The members a valid record can have."""

    def accepts(self, entity: bytes | memoryview) -> bool:
        """Say whether a record is surely valid; False means that it takes a closer look."""

    def explain(
        self, entity: bytes | memoryview, *, violations_max: int | None
    ) -> Violation | None:
        """Return the tree of broken rules, None if the record is valid."""


class Dataset(msgspec.Struct, frozen=True, kw_only=True):
    """Where a message's record goes, and what it has to obey."""

    dataset_id: DatasetId
    schema_id: SchemaId
    schema_version: str
    validator: RecordValidator
    has_unique_ids: bool = False
    """The rule on duplicates holds: an id is its first bearer's."""


class DatasetDirectory(Protocol):
    """The datasets of all organizations, as of less than a second ago."""

    def find(self, org_id: OrgId, sandbox_id: SandboxId, dataset_id: str) -> Dataset | None:
        """Return a dataset of a sandbox."""
