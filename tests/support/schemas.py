"""The registry's service over a real control store, without HTTP."""

from pathlib import Path

from forebay.control.schemas.service import SchemaService
from forebay.control.scope import Actor, Scope
from forebay.control.store.engine import ControlStore
from forebay.kernel.clock import SystemClock
from forebay.kernel.ids import OrgId, SandboxId

ACME = Scope(OrgId("A" * 24 + "@AdobeOrg"), SandboxId("one"), "prod", "production", "acme")
ACME_DEV = Scope(ACME.org_id, SandboxId("two"), "dev", "development", "acme")
RIVAL = Scope(OrgId("B" * 24 + "@AdobeOrg"), SandboxId("three"), "prod", "production", "rival")
ACTOR = Actor("client", "user")


class StandingClock:
    """A clock that stands still: what must differ may not rely on time passing."""

    def now_ms(self) -> int:
        """Return always the same time."""
        return 1_700_000_000_000

    def monotonic_s(self) -> float:
        """Return always the same time."""
        return 1.0


def a_registry(
    directory: Path, clock: SystemClock | StandingClock | None = None
) -> tuple[SchemaService, ControlStore]:
    """Open a control store and the registry over it; close the store."""
    store = ControlStore.at(directory)
    return SchemaService(store, clock or SystemClock()), store
