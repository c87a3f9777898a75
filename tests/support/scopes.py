"""Organizations without clients: what a test needs that only asks for a scope."""

from forebay.control.access import store as access_store
from forebay.control.sandboxes.service import SandboxService, create_first_sandboxes
from forebay.control.scope import Scope
from forebay.control.store.engine import ControlStore
from forebay.kernel.ids import new_org_id


def a_scope(store: ControlStore, name: str = "luma") -> Scope:
    """Keep an organization with its sandboxes; return the default one."""
    org_id = new_org_id()
    with store.write() as connection:
        access_store.insert_organization(
            connection, org_id=org_id, name=name, tenant_id=name, now_ms=0
        )
        create_first_sandboxes(connection, org_id, 0)
    return SandboxService(store).resolve(org_id)
