"""
The audit log of registry resources: who changed what, and when (schema-catalog-profile, 1.13).

An entry is written in the transaction of the change, so there is never one without the other, and
it outlives the resource. The log is bounded: of one resource, and of a sandbox, the oldest entries
are dropped; a long value is described instead of kept.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from forebay.control.schemas import store
from forebay.control.schemas.errors import not_found
from forebay.control.schemas.model import READ_ONLY_MEMBERS, ResourceType
from forebay.control.scope import Actor, Scope
from forebay.control.store import tables
from forebay.kernel import json
from forebay.kernel.clock import utc
from forebay.xdm.values import identity_of

Document = dict[str, Any]

RESOURCE_ENTRIES_MAX = 200
"""Entries that are kept of one resource."""
SANDBOX_ENTRIES_MAX = 5_000
"""Entries that are kept of one sandbox, deleted resources included."""
UPDATES_MAX = 100
"""Updates that one entry lists; what is beyond is counted."""
VALUE_BYTES_MAX = 8_192
"""A longer value is described instead of kept."""
ENTRY_BYTES_MAX = 32_768
"""Values of one entry together; what is beyond is described, too."""

_changes = tables.schema_changes


def record(
    connection: sa.Connection,
    scope: Scope,
    actor: Actor,
    *,
    now_ms: int,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
) -> None:
    """
    Note what a change did to a resource, in the transaction that does it.

    Args:
        connection: The transaction.
        scope: The sandbox.
        actor: Who changed it.
        now_ms: When.
        before: The resource's raw form until now; None if it is new.
        after: Its raw form from now on; None if it is gone.
    """
    changed = after if after is not None else before or {}
    updates = _listed(changed, list(_updates(before, after)))
    connection.execute(
        sa.insert(_changes).values(
            org_id=scope.org_id,
            sandbox_id=scope.sandbox_id,
            resource_id=changed["$id"],
            alt_id=changed["meta:altId"],
            changed_ms=now_ms,
            user_id=actor.user_id,
            client_id=actor.client_id,
            request_id=actor.request_id,
            updates=updates,
        )
    )
    _drop_oldest(connection, scope, changed["$id"])


def list_changes(connection: sa.Connection, scope: Scope, resource_id: str) -> list[Document]:
    """
    Return the entries of a resource, newest first, by its ``$id`` or ``meta:altId``.

    Raises:
        ResourceNotFound: The sandbox has and had no such resource, as far as the log reaches.
    """
    rows = connection.execute(
        sa.select(_changes)
        .where(
            *_of(scope),
            sa.or_(_changes.c.resource_id == resource_id, _changes.c.alt_id == resource_id),
        )
        .order_by(_changes.c.sequence.desc())
    ).all()
    if not rows and store.find_resource(connection, scope, resource_id) is None:
        raise not_found(_type_in(resource_id), resource_id)
    return [_shown(scope, row) for row in rows]


def _shown(scope: Scope, row: sa.Row[Any]) -> Document:
    return {
        "id": row.resource_id,
        "updatedUser": row.user_id,
        "imsOrg": scope.org_id,
        "updatedTime": utc(row.changed_ms).strftime("%m-%d-%Y %H:%M:%S"),
        "requestId": row.request_id,
        "clientId": row.client_id,
        "sandBoxId": scope.sandbox_id,
        "updates": row.updates,
    }


def _listed(resource: Mapping[str, Any], found: list[tuple[str, str, object]]) -> list[Document]:
    """Return updates as the log shows them, within its bounds."""
    left = ENTRY_BYTES_MAX
    updates: list[Document] = []
    for action, path, value in found[:UPDATES_MAX]:
        size = len(json.encode(value))
        is_kept = size <= min(VALUE_BYTES_MAX, left)
        left -= size if is_kept else 0
        shown = value if is_kept else f"a value of {size} bytes"
        updates.append(_update(resource, action, path, shown))
    if len(found) > UPDATES_MAX:
        rest = f"{len(found) - UPDATES_MAX} more changes are not listed"
        updates.append(_update(resource, "replace", "/", rest))
    return updates


def _update(resource: Mapping[str, Any], action: str, path: str, value: object) -> Document:
    return {
        "id": resource["$id"],
        "xdmType": resource["meta:resourceType"],
        "action": action,
        "path": path,
        "value": value,
    }


def _updates(
    before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> Iterator[tuple[str, str, object]]:
    if after is None:
        yield "remove", "/", None
        return
    yield from _differences("", _content(before or {}), _content(after))


def _content(document: Mapping[str, Any]) -> Document:
    """Return what a client can write: the rest follows from it."""
    return {name: value for name, value in document.items() if name not in READ_ONLY_MEMBERS}


def _differences(
    path: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[tuple[str, str, object]]:
    for name, value in before.items():
        if name not in after:
            yield "remove", f"{path}/{_escaped(name)}", value
    for name, value in after.items():
        place = f"{path}/{_escaped(name)}"
        former = before.get(name)
        if name not in before:
            yield "add", place, value
        elif isinstance(former, Mapping) and isinstance(value, Mapping):
            yield from _differences(place, former, value)
        elif isinstance(former, list) and isinstance(value, list):
            yield from _list_differences(place, former, value)
        elif former != value:
            yield "replace", place, value


def _list_differences(
    path: str, before: list[Any], after: list[Any]
) -> Iterator[tuple[str, str, object]]:
    """Compare as sets, which is what the lists of a resource are: parts, tags, required names."""
    # By what their members are: one by one, two long enums would take minutes.
    old = {identity_of(item): item for item in before}
    new = {identity_of(item): item for item in after}
    yield from (("remove", path, item) for key, item in old.items() if key not in new)
    yield from (("add", path, item) for key, item in new.items() if key not in old)
    if before != after and old.keys() <= new.keys() and len(before) == len(after):
        yield "replace", path, after


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _drop_oldest(connection: sa.Connection, scope: Scope, resource_id: str) -> None:
    for condition, kept in (
        ((*_of(scope), _changes.c.resource_id == resource_id), RESOURCE_ENTRIES_MAX),
        (_of(scope), SANDBOX_ENTRIES_MAX),
    ):
        last = connection.scalar(
            sa.select(_changes.c.sequence)
            .where(*condition)
            .order_by(_changes.c.sequence.desc())
            .offset(kept)
            .limit(1)
        )
        if last is not None:
            connection.execute(sa.delete(_changes).where(*condition, _changes.c.sequence <= last))


def _of(scope: Scope) -> tuple[sa.ColumnElement[bool], ...]:
    return (_changes.c.org_id == scope.org_id, _changes.c.sandbox_id == scope.sandbox_id)


def _type_in(resource_id: str) -> ResourceType:
    """Return the type that an id names, for the message; a schema if it names none."""
    for kind in ResourceType:
        if f"/{kind.value}/" in resource_id or f".{kind.value}." in resource_id:
            return kind
    return ResourceType.SCHEMA
