"""How sandboxes are kept in the control store."""

import sqlalchemy as sa

from forebay.control.sandboxes.model import Sandbox
from forebay.control.store import tables
from forebay.kernel.ids import OrgId

_sandboxes = tables.sandboxes


def insert_sandbox(connection: sa.Connection, sandbox: Sandbox) -> None:
    """Keep a new sandbox."""
    row = {name: getattr(sandbox, name) for name in sandbox.__struct_fields__}
    connection.execute(sa.insert(_sandboxes).values(row))


def list_sandboxes(connection: sa.Connection, org_id: OrgId) -> list[Sandbox]:
    """Return the sandboxes of an organization, the default one first, then by name."""
    columns = [_sandboxes.c[name] for name in Sandbox.__struct_fields__]
    query = (
        sa.select(*columns)
        .where(_sandboxes.c.org_id == org_id)
        .order_by(_sandboxes.c.is_default.desc(), _sandboxes.c.name)
    )
    return [Sandbox(**row) for row in connection.execute(query).mappings()]


def find_tenant_id(connection: sa.Connection, org_id: OrgId) -> str | None:
    """Return the tenant id of an organization."""
    organizations = tables.organizations
    query = sa.select(organizations.c.tenant_id).where(organizations.c.org_id == org_id)
    return connection.scalar(query)
