"""
What records are validated with: the strict form of a schema, made once for each of its states.

A state is the times of everything that the schema is made of, and of its descriptors. While
nothing at all has changed in the control store, asking costs one read of a number; after a
change, one look at the sandbox's times for all its schemas together, and only what is made of
the changed resource is composed again.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

import msgspec
import sqlalchemy as sa

from forebay.control.schemas import store
from forebay.control.schemas.errors import not_found
from forebay.control.schemas.library import TenantLibrary, type_of
from forebay.control.schemas.model import ResourceType
from forebay.control.scope import Scope
from forebay.control.store.engine import ControlStore
from forebay.xdm.composition import compose
from forebay.xdm.standard import StandardLibrary
from forebay.xdm.strict import digest, validation_document

_CACHED_MAX = 10_000

Times = tuple[tuple[str, int], ...]


class ValidationDocument(msgspec.Struct, frozen=True):
    """The rules for records of one schema."""

    document: dict[str, Any]
    digest: str


class _Cached(msgspec.Struct, frozen=True):
    state: tuple[Times, Times]
    value: ValidationDocument


class _Resource(msgspec.Struct, frozen=True):
    updated_ms: int
    refs: tuple[str, ...]


class _Sandbox(msgspec.Struct, frozen=True):
    """The times of one sandbox, as of a revision of the store or later."""

    revision: int = -1
    resources: dict[str, _Resource] = {}
    ids: dict[str, str] = {}
    """``$id`` by ``meta:altId``."""
    descriptors: dict[str, Times] = {}

    def state_of(self, schema_id: str) -> tuple[Times, Times]:
        """Return the times that a schema's validation document depends on."""
        return tuple(self._parts(schema_id)), self.descriptors.get(schema_id, ())

    def _parts(self, schema_id: str) -> Iterator[tuple[str, int]]:
        waiting, seen = [schema_id], {schema_id}
        while waiting:
            resource_id = waiting.pop()
            resource = self.resources.get(resource_id)
            if resource is None:
                continue  # of the standard library, which never changes while we run
            yield resource_id, resource.updated_ms
            fresh = [ref for ref in resource.refs if ref not in seen]
            seen.update(fresh)
            waiting.extend(fresh)


class ValidationDocuments:
    """The validation documents of all sandboxes; safe to share between threads."""

    def __init__(self, control: ControlStore, standard: StandardLibrary) -> None:
        self._control = control
        self._standard = standard
        self._lock = threading.Lock()
        self._sandboxes: dict[tuple[str, str], _Sandbox] = {}
        self._cached: OrderedDict[tuple[str, str, str], _Cached] = OrderedDict()

    def get(self, scope: Scope, schema_id: str) -> ValidationDocument:
        """
        Return the validation document of a schema as it is now.

        Raises:
            SchemaNotFound: The sandbox has no such schema.
        """
        # The revision is read first: what is looked at afterwards is at least as new.
        sandbox = self._sandbox(scope, self._control.revision())
        schema_id = sandbox.ids.get(schema_id, schema_id)
        state = sandbox.state_of(schema_id)
        key = (scope.org_id, scope.sandbox_id, schema_id)
        with self._lock:
            cached = self._cached.get(key)
            if cached is not None and cached.state == state:
                self._cached.move_to_end(key)
                return cached.value
        value = self._make(scope, schema_id)
        with self._lock:
            self._cached[key] = _Cached(state, value)
            self._cached.move_to_end(key)
            if len(self._cached) > _CACHED_MAX:
                self._cached.popitem(last=False)
        return value

    def _sandbox(self, scope: Scope, revision: int) -> _Sandbox:
        key = (scope.org_id, scope.sandbox_id)
        with self._lock:
            known = self._sandboxes.get(key, _Sandbox())
        if known.revision >= revision:
            return known
        with self._control.read() as connection:
            times = store.resource_times(connection, scope)
            fresh = _Sandbox(
                revision=revision,
                resources=_read_changed(connection, scope, known, times),
                ids={alt_id: resource_id for resource_id, (alt_id, _) in times.items()},
                descriptors=store.descriptor_times(connection, scope),
            )
        with self._lock:
            self._sandboxes[key] = fresh
        return fresh

    def _make(self, scope: Scope, schema_id: str) -> ValidationDocument:
        with self._control.read() as connection:
            library = TenantLibrary(connection, scope, self._standard)
            schema = library.find(schema_id)
            if schema is None or type_of(schema) is not ResourceType.SCHEMA:
                raise not_found(ResourceType.SCHEMA, schema_id)
            descriptors = store.list_descriptors(connection, scope, schema["$id"])
            composed = compose(schema, library)
        document = validation_document(composed, [item.document for item in descriptors])
        return ValidationDocument(document, digest(document))


def _read_changed(
    connection: sa.Connection, scope: Scope, known: _Sandbox, times: dict[str, tuple[str, int]]
) -> dict[str, _Resource]:
    """Return the resources with their references; only those that changed are read."""
    resources: dict[str, _Resource] = {}
    for resource_id, (_, updated_ms) in times.items():
        former = known.resources.get(resource_id)
        if former is not None and former.updated_ms == updated_ms:
            resources[resource_id] = former
            continue
        stored = store.find_resource(connection, scope, resource_id)
        if stored is not None:
            refs = tuple(stored.document["refs"])
            resources[resource_id] = _Resource(stored.updated_ms, refs)
    return resources
