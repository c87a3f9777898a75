"""What a sandbox is, and what can go wrong when one is asked for."""

import msgspec

from forebay.kernel.errors import Disposition, PlatformError
from forebay.kernel.ids import OrgId, SandboxId

PRODUCTION = "production"
DEVELOPMENT = "development"
TYPES = (PRODUCTION, DEVELOPMENT)
ACTIVE = "active"
"""The only state in which a sandbox can be used."""
REGION = "VA7"
"""The region where synchronous validation works (flow-and-collection, 4)."""


class Sandbox(msgspec.Struct, frozen=True, kw_only=True):
    """An isolated partition of everything an organization has."""

    sandbox_id: SandboxId
    org_id: OrgId
    name: str
    title: str
    type: str
    state: str
    is_default: bool
    etag: int
    created_ms: int
    updated_ms: int


class SandboxNotFound(PlatformError):
    """No sandbox of the organization has this name."""

    code = "FLOW-2100"
    status = 404
    title = "Sandbox not found"
    disposition = Disposition.REJECT


class SandboxMismatch(PlatformError):
    """The sandbox id and the sandbox name of a request do not belong together."""

    code = "FLOW-2103"
    status = 404
    title = "Sandbox not found"
    disposition = Disposition.REJECT


class DefaultSandboxNotFound(PlatformError):
    """The organization has no default sandbox, and the request names none."""

    code = "FLOW-2106"
    status = 404
    title = "Get default sandbox error"
    disposition = Disposition.REJECT
