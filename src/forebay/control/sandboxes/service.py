"""Which sandboxes an organization has, and which one a request means."""

import sqlalchemy as sa

from forebay.control.sandboxes import store as sandbox_store
from forebay.control.sandboxes.model import (
    ACTIVE,
    DEVELOPMENT,
    PRODUCTION,
    DefaultSandboxNotFound,
    Sandbox,
    SandboxMismatch,
    SandboxNotFound,
)
from forebay.control.scope import Scope
from forebay.control.store.engine import ControlStore
from forebay.kernel import ids
from forebay.kernel.ids import OrgId, SandboxId


class SandboxService:
    """The sandboxes of all organizations."""

    def __init__(self, store: ControlStore) -> None:
        self._store = store

    def list_sandboxes(self, org_id: OrgId) -> list[Sandbox]:
        """Return the sandboxes of an organization, the default one first."""
        with self._store.read() as connection:
            return sandbox_store.list_sandboxes(connection, org_id)

    def get_sandbox(self, org_id: OrgId, name: str) -> Sandbox:
        """
        Return a sandbox of an organization.

        Raises:
            SandboxNotFound: The organization has none of this name.
        """
        for sandbox in self.list_sandboxes(org_id):
            if sandbox.name == name:
                return sandbox
        raise _not_found(name)

    def resolve(
        self, org_id: OrgId, *, name: str | None = None, sandbox_id: str | None = None
    ) -> Scope:
        """
        Return the scope that a request means: the sandbox it names, else the default one.

        Raises:
            SandboxNotFound: No usable sandbox has this name or id.
            SandboxMismatch: Name and id belong to two sandboxes.
            DefaultSandboxNotFound: Nothing was named and there is no default.
        """
        with self._store.read() as connection:
            tenant_id = sandbox_store.find_tenant_id(connection, org_id) or ""
            usable = [
                sandbox
                for sandbox in sandbox_store.list_sandboxes(connection, org_id)
                if sandbox.state == ACTIVE
            ]
        sandbox = _choose(usable, name=name or None, sandbox_id=sandbox_id or None)
        return Scope(org_id, sandbox.sandbox_id, sandbox.name, sandbox.type, tenant_id)


def create_first_sandboxes(connection: sa.Connection, org_id: OrgId, now_ms: int) -> str:
    """Give a new organization its sandboxes `prod` and `dev`; return the default one's name."""
    first = (("prod", "Prod", PRODUCTION), ("dev", "Dev", DEVELOPMENT))
    for name, title, kind in first:
        sandbox = Sandbox(
            sandbox_id=SandboxId(ids.new_uuid()),
            org_id=org_id,
            name=name,
            title=title,
            type=kind,
            state=ACTIVE,
            is_default=kind == PRODUCTION,
            etag=1,
            created_ms=now_ms,
            updated_ms=now_ms,
        )
        sandbox_store.insert_sandbox(connection, sandbox)
    return "prod"


def _choose(usable: list[Sandbox], *, name: str | None, sandbox_id: str | None) -> Sandbox:
    if name is None and sandbox_id is None:
        for sandbox in usable:
            if sandbox.is_default:
                return sandbox
        raise DefaultSandboxNotFound("The default sandbox information could not be found.")
    if name is None:
        for sandbox in usable:
            if sandbox.sandbox_id == sandbox_id:
                return sandbox
        raise _not_found(sandbox_id or "", by="ID")
    for sandbox in usable:
        if sandbox.name == name:
            if sandbox_id is not None and sandbox.sandbox_id != sandbox_id:
                raise _mismatch(name, sandbox_id)
            return sandbox
    raise _not_found(name)


def _not_found(value: str, *, by: str = "name") -> SandboxNotFound:
    return SandboxNotFound(
        f"The sandbox with the {by} '{value}' could not be found. "
        f"Please ensure that the sandbox {by} is correct and try again."
    )


def _mismatch(name: str, sandbox_id: str) -> SandboxMismatch:
    return SandboxMismatch(
        f"The sandbox with the name '{name}' and the ID '{sandbox_id}' could not be found. "
        "Please ensure that the sandbox name and ID belong together and try again."
    )
