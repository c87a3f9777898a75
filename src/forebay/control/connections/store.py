"""How connections are kept in the control store; every query names organization and sandbox."""

import msgspec
import sqlalchemy as sa

from forebay.control.connections.model import Connection, Definition, InletRow
from forebay.control.scope import Scope
from forebay.control.store import tables
from forebay.kernel.ids import ConnectionId

_connections = tables.connections
_COLUMNS = ("connection_id", "org_id", "sandbox_id", "inlet_id", "etag", "created_ms", "updated_ms")
_DOCUMENT = ("created_by", "created_client", "updated_by", "updated_client")


def insert_connection(connection: sa.Connection, kept: Connection) -> None:
    """Keep a new connection."""
    connection.execute(sa.insert(_connections).values(_row(kept)))


def replace_connection(connection: sa.Connection, kept: Connection) -> None:
    """Keep a changed connection."""
    statement = sa.update(_connections).where(
        _connections.c.org_id == kept.org_id,
        _connections.c.sandbox_id == kept.sandbox_id,
        _connections.c.connection_id == kept.connection_id,
    )
    connection.execute(statement.values(_row(kept)))


def delete_connection(connection: sa.Connection, scope: Scope, connection_id: ConnectionId) -> bool:
    """Forget a connection; return whether there was one."""
    statement = sa.delete(_connections).where(
        *_in_scope(scope), _connections.c.connection_id == connection_id
    )
    return connection.execute(statement).rowcount > 0


def find_connection(
    connection: sa.Connection, scope: Scope, connection_id: ConnectionId
) -> Connection | None:
    """Return a connection of a scope."""
    query = sa.select(_connections).where(
        *_in_scope(scope), _connections.c.connection_id == connection_id
    )
    row = connection.execute(query).mappings().first()
    return None if row is None else _connection(row)


def list_connections(connection: sa.Connection, scope: Scope) -> list[Connection]:
    """Return all connections of a scope."""
    query = sa.select(_connections).where(*_in_scope(scope))
    return [_connection(row) for row in connection.execute(query).mappings()]


def list_inlets(connection: sa.Connection) -> list[InletRow]:
    """Return the inlets of all organizations."""
    sandboxes = tables.sandboxes
    query = sa.select(_connections, sandboxes.c.name.label("sandbox_name")).join(
        sandboxes, sandboxes.c.sandbox_id == _connections.c.sandbox_id
    )
    return [_inlet(row) for row in connection.execute(query).mappings()]


def _in_scope(scope: Scope) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return _connections.c.org_id == scope.org_id, _connections.c.sandbox_id == scope.sandbox_id


def _row(kept: Connection) -> dict[str, object]:
    document = {name: getattr(kept, name) for name in _DOCUMENT}
    document["definition"] = msgspec.to_builtins(kept.definition)
    return {name: getattr(kept, name) for name in _COLUMNS} | {"document": document}


def _connection(row: sa.RowMapping) -> Connection:
    document = row["document"]
    return Connection(
        **{name: row[name] for name in _COLUMNS},
        **{name: document[name] for name in _DOCUMENT},
        definition=msgspec.convert(document["definition"], Definition),
    )


def _inlet(row: sa.RowMapping) -> InletRow:
    kept = _connection(row)
    return InletRow(
        inlet_id=kept.inlet_id,
        connection_id=kept.connection_id,
        org_id=kept.org_id,
        sandbox_id=kept.sandbox_id,
        sandbox_name=row["sandbox_name"],
        source_name=kept.source_name,
        data_type=kept.definition.data_type,
        is_authentication_required=kept.definition.is_authentication_required,
        is_enabled=kept.definition.state == "enabled",
    )
