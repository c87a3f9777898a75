"""Which access token a client gets: the rules of IMS's token endpoint."""

import re

from forebay.control.access import keys
from forebay.control.access.model import Client, IssuedToken, TokenRefused
from forebay.kernel import ids
from forebay.kernel.tokens import ACCESS_TOKEN, LIFETIME_MS, TokenClaims, TokenSigner

UNKNOWN_CLIENT = TokenRefused("invalid_client", "invalid client_id parameter")
WRONG_SECRET = TokenRefused("invalid_client", "invalid client_secret parameter")


def check_secret(client: Client | None, secret: str) -> TokenRefused | None:
    """Return why a client is not believed; None if it is."""
    if client is None:
        return UNKNOWN_CLIENT
    return None if keys.is_secret(secret, client.secret_hash) else WRONG_SECRET


def check_scopes(client: Client, scopes: str) -> TokenRefused | None:
    """
    Return why a client does not get these scopes; None if it does.

    Commas separate scopes, and blanks do as well.
    """
    asked = split_scopes(scopes)
    if not asked:
        return TokenRefused("invalid_scope", f"scope is missing; allowed: {client.scopes}")
    allowed = split_scopes(client.scopes)
    foreign = [scope for scope in asked if scope not in allowed]
    if foreign:
        return TokenRefused(
            "invalid_scope", f"not allowed: {','.join(foreign)}; allowed: {client.scopes}"
        )
    return None


def split_scopes(scopes: str) -> list[str]:
    """Return the scopes in a list of them, in their order."""
    return [scope for scope in re.split(r"[,\s]+", scopes) if scope]


def issue_token(
    client: Client, scopes: list[str], *, signer: TokenSigner, now_ms: int
) -> IssuedToken:
    """Return a new access token with exactly the claims of IMS (flow-and-collection, 3.5)."""
    claims = TokenClaims(
        id=f"{now_ms}_{ids.new_uuid()}_ue1",
        type=ACCESS_TOKEN,
        client_id=client.client_id,
        user_id=client.technical_account_id,
        aa_id=client.technical_account_id,
        scope=",".join(scopes),
        created_at=str(now_ms),
        expires_in=str(LIFETIME_MS),
        org=client.org_id,
        moi=ids.new_hex(8),
    )
    return IssuedToken(access_token=signer.sign(claims), lifetime_ms=LIFETIME_MS)
