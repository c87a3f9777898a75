"""Whose resource something is, and who acts on it."""

import msgspec

from forebay.kernel.ids import OrgId, SandboxId


class Scope(msgspec.Struct, frozen=True):
    """One sandbox of one organization: every resource belongs to exactly one scope."""

    org_id: OrgId
    sandbox_id: SandboxId
    sandbox_name: str
    sandbox_type: str = "production"
    """``production`` or ``development``."""
    tenant_id: str = ""
    """The organization's tenant id, without the leading underscore."""


class Actor(msgspec.Struct, frozen=True):
    """The caller of a platform API request, for the audit fields."""

    client_id: str
    user_id: str
    """Equals `client_id` for a service token (decisions, 8)."""
    request_id: str = ""
    """The request in which the caller acts; empty for the platform itself."""
