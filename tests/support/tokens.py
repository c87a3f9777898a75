"""Access tokens, right and forged."""

from forebay.control.access.keys import KeyPair
from forebay.kernel.tokens import ACCESS_TOKEN, LIFETIME_MS, TokenClaims, TokenSigner

CLIENT_ID = "c" * 32
ORG_ID = "A" * 24 + "@AdobeOrg"


def claims(created_ms: int, **changed: str) -> TokenClaims:
    """Return the claims of a token of `CLIENT_ID`."""
    right = {
        "id": "1",
        "type": ACCESS_TOKEN,
        "client_id": CLIENT_ID,
        "user_id": "B" * 24 + "@techacct.adobe.com",
        "scope": "openid,AdobeID",
        "created_at": str(created_ms),
        "expires_in": str(LIFETIME_MS),
        "org": ORG_ID,
    }
    return TokenClaims(**(right | changed))


def signed(pair: KeyPair, created_ms: int, *, key_id: str = "k1", **changed: str) -> str:
    """Return a token that a key signed."""
    return TokenSigner(key_id, pair.private_pem).sign(claims(created_ms, **changed))
