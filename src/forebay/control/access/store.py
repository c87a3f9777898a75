"""How access is kept: organizations, clients and signing keys in the control store."""

import sqlalchemy as sa

from forebay.control.access.keys import KeyPair
from forebay.control.access.model import Client
from forebay.control.store import tables
from forebay.kernel.ids import OrgId
from forebay.kernel.tokens import VerifyingKey

_clients = tables.clients
_organizations = tables.organizations
_keys = tables.signing_keys


def insert_organization(
    connection: sa.Connection, *, org_id: OrgId, name: str, tenant_id: str, now_ms: int
) -> None:
    """Keep a new organization."""
    row = {"org_id": org_id, "name": name, "tenant_id": tenant_id, "created_ms": now_ms}
    connection.execute(sa.insert(_organizations).values(row))


def count_organizations(connection: sa.Connection) -> int:
    """Return how many organizations there are."""
    return connection.scalar(sa.select(sa.func.count()).select_from(_organizations)) or 0


def has_organization_named(connection: sa.Connection, name: str) -> bool:
    """Say whether an organization has this name."""
    query = sa.select(_organizations.c.org_id).where(_organizations.c.name == name)
    return connection.scalar(query) is not None


def list_tenant_ids(connection: sa.Connection) -> set[str]:
    """Return the tenant ids of all organizations."""
    return set(connection.scalars(sa.select(_organizations.c.tenant_id)))


def insert_client(connection: sa.Connection, client: Client, now_ms: int) -> None:
    """Keep a new client."""
    row = {name: getattr(client, name) for name in client.__struct_fields__}
    connection.execute(sa.insert(_clients).values(row | {"created_ms": now_ms}))


def find_client(connection: sa.Connection, client_id: str) -> Client | None:
    """Return the client with this id."""
    columns = [_clients.c[name] for name in Client.__struct_fields__]
    query = sa.select(*columns).where(_clients.c.client_id == client_id)
    row = connection.execute(query).mappings().first()
    return None if row is None else Client(**row)


def list_client_orgs(connection: sa.Connection) -> dict[str, str]:
    """Return the organization of every client, by the client's id."""
    query = sa.select(_clients.c.client_id, _clients.c.org_id)
    return {row.client_id: row.org_id for row in connection.execute(query)}


def insert_key(connection: sa.Connection, key_id: str, pair: KeyPair, *, now_ms: int) -> None:
    """Keep a new signing key; from now on it signs."""
    row = {
        "key_id": key_id,
        "private_key": pair.private_pem,
        "public_key": pair.public_pem,
        "created_ms": now_ms,
    }
    connection.execute(sa.insert(_keys).values(row))


def find_signing_key(connection: sa.Connection) -> tuple[str, str] | None:
    """Return id and private PEM of the key that signs: the one that is not retired."""
    query = (
        sa.select(_keys.c.key_id, _keys.c.private_key)
        .where(_keys.c.retired_ms.is_(None))
        .order_by(_keys.c.created_ms.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    return None if row is None else (row.key_id, row.private_key)


def list_verifying_keys(connection: sa.Connection, now_ms: int) -> dict[str, VerifyingKey]:
    """Return the public keys that still verify, by their id, oldest first."""
    query = sa.select(_keys).order_by(_keys.c.created_ms)
    return {
        row.key_id: VerifyingKey(row.public_key, row.retired_ms)
        for row in connection.execute(query)
        if row.retired_ms is None or row.retired_ms > now_ms
    }


def retire_keys(connection: sa.Connection, *, now_ms: int, retired_ms: int) -> None:
    """Let every signing key verify until `retired_ms` only, and forget those long retired."""
    connection.execute(sa.delete(_keys).where(_keys.c.retired_ms <= now_ms))
    statement = sa.update(_keys).where(_keys.c.retired_ms.is_(None))
    connection.execute(statement.values(retired_ms=retired_ms))
