"""What access is made of: organizations, clients, credentials, tokens, and what can go wrong."""

import msgspec

from forebay.kernel.errors import Disposition, PlatformError
from forebay.kernel.ids import OrgId

SCOPES = "openid,AdobeID,read_organizations,additional_info.projectedProductContext,session"
"""What every client may ask for (flow-and-collection, 3.1)."""


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """An API credential as it is kept; the secret is a hash."""

    client_id: str
    org_id: OrgId
    technical_account_id: str
    secret_hash: str
    scopes: str
    jwt_public_key: str | None


class NewCredentials(msgspec.Struct, frozen=True, kw_only=True):
    """
    What a new organization's first client is told, once.

    Neither the secret nor the private key can be read back: the store keeps a hash of the
    one and the public half of the other.
    """

    org_id: OrgId
    org_name: str
    tenant_id: str
    client_id: str
    client_secret: str
    technical_account_id: str
    scopes: str
    sandbox: str
    jwt_private_key: str

    def __repr__(self) -> str:
        """Name the client and nothing secret: values end up in logs."""
        return f"NewCredentials(org_id={self.org_id!r}, client_id={self.client_id!r})"


class IssuedToken(msgspec.Struct, frozen=True, kw_only=True):
    """An access token, and how long it is good for."""

    access_token: str
    lifetime_ms: int

    def __repr__(self) -> str:
        """Say how long and not what."""
        return f"IssuedToken(lifetime_ms={self.lifetime_ms})"


class TokenRefused(msgspec.Struct, frozen=True):
    """Why no token was issued, in OAuth's two words (flow-and-collection, 3.1 and 3.2)."""

    error: str
    error_description: str


class OrganizationExists(PlatformError):
    """An organization with this name is there already."""

    code = "ACCESS-1409"
    status = 409
    title = "Organization exists"
    disposition = Disposition.REJECT


class InvalidOrganizationName(PlatformError):
    """A name that no organization can have."""

    code = "ACCESS-1400"
    status = 400
    title = "Invalid organization name"
    disposition = Disposition.REJECT
