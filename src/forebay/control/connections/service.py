"""Creates, reads, changes and deletes streaming connections, each with its inlet."""

from typing import Any

import msgspec

from forebay.control.connections import errors
from forebay.control.connections import store as connection_store
from forebay.control.connections.model import (
    LISTED,
    Connection,
    Definition,
    InletRow,
    connection_item,
    definition_body,
    read_definition,
)
from forebay.control.connections.patch import apply_patch
from forebay.control.listing import Page, Query, list_page
from forebay.control.scope import Actor, Scope
from forebay.control.store.engine import ControlStore
from forebay.kernel import ids, json
from forebay.kernel.clock import Clock
from forebay.kernel.ids import ConnectionId

COLLECTION = "connections"

_ANY_VERSION = "*"


class Receipt(msgspec.Struct, frozen=True):
    """What creating and changing answer."""

    id: str
    etag: str


class ConnectionService:
    """The connections of all organizations."""

    def __init__(self, store: ControlStore, clock: Clock, *, collection_url: str) -> None:
        """Take the base URL under which clients reach the collection API."""
        self._store = store
        self._clock = clock
        self._collection_url = collection_url.rstrip("/")

    def create_connection(self, scope: Scope, actor: Actor, *, body: object) -> Receipt:
        """
        Create a connection and open its inlet.

        When this returns both are kept, and whoever subscribed to the store knows of them.

        Raises:
            FlowServiceError: The body breaks a rule (flow-and-collection, 6.2).
        """
        members = {name: value for name, value in _object(body).items() if name != "state"}
        definition = read_definition(members)
        now_ms = self._clock.now_ms()
        kept = Connection(
            connection_id=ConnectionId(ids.new_uuid()),
            org_id=scope.org_id,
            sandbox_id=scope.sandbox_id,
            inlet_id=ids.new_inlet_id(),
            etag=ids.new_etag(now_ms),
            created_ms=now_ms,
            updated_ms=now_ms,
            created_by=actor.user_id,
            created_client=actor.client_id,
            updated_by=actor.user_id,
            updated_client=actor.client_id,
            definition=definition,
        )
        with self._store.write() as connection:
            connection_store.insert_connection(connection, kept)
        return Receipt(kept.connection_id, kept.etag)

    def get_connection(self, scope: Scope, connection_id: str) -> dict[str, Any]:
        """
        Return a connection as Flow Service shows it.

        Raises:
            EntityNotFound: The scope has no such connection.
        """
        return self._item(scope, self._get(scope, connection_id))

    def list_connections(self, scope: Scope, query: Query) -> Page:
        """
        Return a page of the scope's connections.

        Raises:
            ListingError: The query breaks a rule (flow-and-collection, 5.5 and 5.6).
        """
        with self._store.read() as connection:
            kept = connection_store.list_connections(connection, scope)
        return list_page([self._item(scope, each) for each in kept], query, LISTED)

    def patch_connection(
        self,
        scope: Scope,
        actor: Actor,
        connection_id: str,
        *,
        instructions: object,
        if_match: str | None,
    ) -> Receipt:
        """
        Change a connection, if it is the version that the caller knows; return the new version.

        Raises:
            IfMatchMissing: The caller does not say which version it means.
            EntityNotFound: The scope has no such connection.
            VersionNotMatching: The connection has changed since.
            FlowServiceError: The patch or its result breaks a rule.
        """
        if not if_match:
            raise errors.IfMatchMissing(
                "The header 'If-Match' is missing in the request. "
                "Please provide the header and try again."
            )
        now_ms = self._clock.now_ms()
        with self._store.write() as connection:
            kept = connection_store.find_connection(connection, scope, ConnectionId(connection_id))
            if kept is None:
                raise errors.not_found(COLLECTION, connection_id)
            _check_version(if_match, kept.etag)
            changed = msgspec.structs.replace(
                kept,
                definition=_patched(kept.definition, instructions),
                etag=ids.new_etag(now_ms),
                updated_ms=max(now_ms, kept.updated_ms),
                updated_by=actor.user_id,
                updated_client=actor.client_id,
            )
            connection_store.replace_connection(connection, changed)
        return Receipt(changed.connection_id, changed.etag)

    def delete_connection(self, scope: Scope, connection_id: str) -> None:
        """
        Delete a connection and close its inlet.

        Raises:
            EntityNotFound: The scope has no such connection.
        """
        with self._store.write() as connection:
            if not connection_store.delete_connection(
                connection, scope, ConnectionId(connection_id)
            ):
                raise errors.not_found(COLLECTION, connection_id)

    def run_action(
        self, scope: Scope, connection_id: str, *, operation: str, sub_operation: str | None
    ) -> Receipt:
        """
        Refuse an action on a connection, for the reason that applies.

        A streaming connection is complete when it is created: finalizing is its provider's
        business, and publishing is for drafts.

        Raises:
            FlowServiceError: Always.
        """
        kept = self._get(scope, connection_id)
        action = operation.upper()
        if sub_operation is not None and sub_operation.upper() not in _SUB_OPERATIONS:
            raise errors.UnsupportedSubOperation(
                f"Unsupported sub operation '{sub_operation[:100]}' received. "
                f"Supported are [{', '.join(_SUB_OPERATIONS)}]."
            )
        if action in {"FINALIZE", "FINALIZE_UPDATE"}:
            raise errors.FinalizeNotAllowed(
                "The action 'finalize' is supported for provider requests only."
            )
        if action == "PUBLISH":
            raise errors.ActionNotApplicable(
                f"The action {operation} cannot be applied on the current state "
                f"{kept.definition.state}. Please update the action and try again."
            )
        raise errors.UnsupportedOperation(
            f"Unsupported operation '{operation[:100]}' received. "
            "Please use one of the supported operation types and try again."
        )

    def list_inlets(self) -> list[InletRow]:
        """Return the inlets of all organizations: what the edge's directory is made of."""
        with self._store.read() as connection:
            return connection_store.list_inlets(connection)

    def _get(self, scope: Scope, connection_id: str) -> Connection:
        with self._store.read() as connection:
            kept = connection_store.find_connection(connection, scope, ConnectionId(connection_id))
        if kept is None:
            raise errors.not_found(COLLECTION, connection_id)
        return kept

    def _item(self, scope: Scope, kept: Connection) -> dict[str, Any]:
        return connection_item(
            kept, sandbox_name=scope.sandbox_name, collection_url=self._collection_url
        )


_SUB_OPERATIONS = ("APPLY", "ROLLBACK", "PROGRESS")


def _object(body: object) -> dict[str, Any]:
    if not body:
        raise errors.BodyMissing(
            "The request body cannot be null or empty. Please provide a request body and try again."
        )
    if not isinstance(body, dict):
        raise errors.InvalidConnection(f"The body is {json.shown(body)}; it must be an object.")
    return body


def _patched(definition: Definition, instructions: object) -> Definition:
    return read_definition(apply_patch(definition_body(definition), instructions))


def _check_version(supplied: str, current: str) -> None:
    # Clients send the tag with its quotes, without them, or marked as weak.
    if supplied.strip() == _ANY_VERSION:
        return
    if _bare(supplied) != _bare(current):
        raise errors.VersionNotMatching(
            f"The supplied version '{supplied}' does not match the current version on entity "
            f"'{current}'. Please ensure that the supplied version matches the current version "
            "on entity and try again."
        )


def _bare(tag: str) -> str:
    tag = tag.strip().removeprefix("W/")
    return tag[1:-1] if len(tag) > 1 and tag[0] == tag[-1] == '"' else tag
