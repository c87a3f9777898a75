"""
What a schema would be after changes that nobody has made: rehearsed, not reckoned.

The changes go through the very service that would make them, in a transaction that is undone.
So whatever the registry would refuse is refused here in the same words. What it would refuse
only because a schema holds data is noted and then done all the same: the question is what would
become of that data.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from forebay.control.schemas import store
from forebay.control.schemas.errors import (
    BreakingChangeRefused,
    RegistryError,
    TooMuchAtOnce,
    not_found,
)
from forebay.control.schemas.model import ResourceType, StoredResource, is_union_tagged
from forebay.control.schemas.service import SchemaService
from forebay.control.schemas.validation import ValidationDocument
from forebay.control.scope import Actor, Scope
from forebay.control.store import tables
from forebay.control.store.engine import WRITE_SECONDS_MAX, ControlStore
from forebay.kernel.clock import Clock
from forebay.xdm.composition import CompositionError
from forebay.xdm.patterns import PatternRefused
from forebay.xdm.standard import StandardLibrary

Document = dict[str, Any]

_REFUSED = (RegistryError, CompositionError, PatternRefused)
_TAGS = "meta:immutableTags"


class ResourceChange(msgspec.Struct, frozen=True, kw_only=True):
    """A resource that is to be changed, or to be created."""

    resource_id: str
    """Its ``$id`` or ``meta:altId``; of a new one, what the other changes call it."""
    body: object | None = None
    """Its new description."""
    patch: object | None = None
    """Or a JSON Patch of its present one."""
    new_type: ResourceType | None = None
    """What it will be, if it is new."""


class DescriptorChange(msgspec.Struct, frozen=True, kw_only=True):
    """A descriptor that is to be created, or to be replaced."""

    body: object
    descriptor_id: str | None = None
    """The one that is to be replaced."""


Change = ResourceChange | DescriptorChange


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """A change that the registry would refuse."""

    number: int
    """Its place among the changes, from 0."""
    code: str
    title: str
    message: str
    is_tried: bool
    """Whether the report speaks of the schema with this change all the same."""


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """A schema as changes would make it."""

    rules: ValidationDocument | None
    """What records would have to obey; None if one of the changes could not be tried."""
    version: str
    refused: tuple[Refused, ...]


class Proposals:
    """Rehearses changes of the schemas of all sandboxes."""

    def __init__(self, control: ControlStore, clock: Clock, standard: StandardLibrary) -> None:
        self._control = control
        self._clock = clock
        self._standard = standard

    def propose(
        self, scope: Scope, actor: Actor, schema_id: str, changes: Sequence[Change]
    ) -> Proposal:
        """
        Return what changes would make of a schema; nothing is changed.

        Raises:
            SchemaNotFound: The sandbox has no such schema.
            TooMuchAtOnce: The changes would keep others from making theirs for too long.
            StoreBusy: Another process holds the control store.
        """
        with self._control.rehearse() as stage:
            began_s = self._clock.monotonic_s()
            rehearsal = _Rehearsal(stage, self._clock, self._standard, scope, actor)
            for number, change in enumerate(changes):
                if self._clock.monotonic_s() - began_s > WRITE_SECONDS_MAX:
                    raise TooMuchAtOnce(
                        f"After {WRITE_SECONDS_MAX} seconds {number} of {len(changes)} changes are "
                        "tried; ask about fewer at once"
                    )
                if not rehearsal.make(number, change):
                    return Proposal(rules=None, version="", refused=tuple(rehearsal.refused))
            return Proposal(
                rules=rehearsal.schemas.validation(scope, schema_id),
                version=rehearsal.version(schema_id),
                refused=tuple(rehearsal.refused),
            )


class _Rehearsal:
    def __init__(
        self,
        stage: ControlStore,
        clock: Clock,
        standard: StandardLibrary,
        scope: Scope,
        actor: Actor,
    ) -> None:
        self._stage = stage
        self._scope = scope
        self._actor = actor
        self._names: dict[str, str] = {}
        """Ids of resources that were created, by what the changes call them."""
        self.refused: list[Refused] = []
        self.schemas = SchemaService(stage, clock, standard=standard)

    def make(self, number: int, change: Change) -> bool:
        """Make a change; note why the registry would not; say whether it is made."""
        try:
            self._make(change)
        except BreakingChangeRefused as error:
            self.refused.append(_refused(number, error, is_tried=True))
        except _REFUSED as error:
            self.refused.append(_refused(number, error, is_tried=False))
            return False
        else:
            return True
        with self._stage.write() as connection:
            lifted = _lift_protection(connection, self._scope)
        try:
            self._make(change)
        except _REFUSED as error:
            # Not for the data's sake after all: an identity would lose its field, for example.
            self.refused[-1] = _refused(number, error, is_tried=False)
            return False
        with self._stage.write() as connection:
            _protect_again(connection, self._scope, lifted)
        return True

    def version(self, schema_id: str) -> str:
        """Return the version that the schema would have."""
        found = self.schemas.find_schema(self._scope, schema_id)
        return str(found.get("version", "")) if found else ""

    def _make(self, change: Change) -> None:
        scope, actor = self._scope, self._actor
        if isinstance(change, DescriptorChange):
            body = self._named(change.body)
            if change.descriptor_id is None:
                self.schemas.descriptors.create(scope, actor, body)
            else:
                self.schemas.descriptors.replace(scope, actor, change.descriptor_id, body)
            return
        resource_id = self._names.get(change.resource_id, change.resource_id)
        if change.new_type is not None and resource_id == change.resource_id:
            created = self.schemas.create(scope, actor, change.new_type, self._named(change.body))
            self._names[change.resource_id] = created["$id"]
            return
        stored = self._stored(resource_id)
        kind = stored.resource_type
        if change.patch is not None:
            self.schemas.patch(scope, actor, kind, stored.resource_id, self._named(change.patch))
        else:
            self.schemas.replace(scope, actor, kind, stored.resource_id, self._named(change.body))

    def _stored(self, resource_id: str) -> StoredResource:
        with self._stage.read() as connection:
            stored = store.find_resource(connection, self._scope, resource_id)
        if stored is None:
            raise not_found(ResourceType.SCHEMA, resource_id)
        return stored

    def _named(self, value: Any) -> Any:  # noqa: ANN401  any JSON value
        """Return a value with the ids of created resources in place of what they are called."""
        if not self._names:
            return value
        match value:
            case str():
                base, mark, pointer = value.partition("#")
                return self._names.get(base, base) + mark + pointer
            case list():
                return [self._named(item) for item in value]
            case dict():
                return {key: self._named(member) for key, member in value.items()}
            case _:
                return value


def _refused(
    number: int, error: RegistryError | CompositionError | PatternRefused, *, is_tried: bool
) -> Refused:
    return Refused(
        number=number,
        code=error.code,
        title=error.title,
        message=error.message,
        is_tried=is_tried,
    )


class _Lifted(NamedTuple):
    """Why schemas can only grow, taken away."""

    datasets: list[dict[str, Any]]
    tagged: list[str]
    """Schemas that took part in a union."""


def _lift_protection(connection: sa.Connection, scope: Scope) -> _Lifted:
    """Take away, within the rehearsal, why schemas can only grow: datasets and the union tag."""
    datasets = tables.datasets
    in_scope = (datasets.c.org_id == scope.org_id, datasets.c.sandbox_id == scope.sandbox_id)
    rows = [
        dict(row) for row in connection.execute(sa.select(datasets).where(*in_scope)).mappings()
    ]
    connection.execute(sa.delete(datasets).where(*in_scope))
    schemas = store.list_resources(connection, scope, ResourceType.SCHEMA)
    tagged = [schema for schema in schemas if is_union_tagged(schema.document)]
    for schema in tagged:
        bare = {name: value for name, value in schema.document.items() if name != _TAGS}
        store.rewrite_document(connection, scope, schema.resource_id, bare)
    return _Lifted(rows, [schema.resource_id for schema in tagged])


def _protect_again(connection: sa.Connection, scope: Scope, lifted: _Lifted) -> None:
    """Give back what was taken away: the next change is judged by itself."""
    if lifted.datasets:
        connection.execute(sa.insert(tables.datasets), lifted.datasets)
    for schema_id in lifted.tagged:
        schema = store.find_resource(connection, scope, schema_id)
        if schema is not None:
            tagged = schema.document | {_TAGS: ["union"]}
            store.rewrite_document(connection, scope, schema_id, tagged)
