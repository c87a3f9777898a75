"""The signed assertion of a service account, which ``/ims/exchange/jwt`` turns into a token."""

from typing import Any

import jwt

from forebay.control.access.model import Client, TokenRefused
from forebay.kernel.tokens import ALGORITHM

METASCOPE = "ent_dataservices_sdk"
"""The one metascope that a client's binding has."""

_ASSERTION_BYTES_MAX = 16_384


def check_assertion(client: Client, assertion: str, *, now_ms: int) -> TokenRefused | None:
    """
    Return why a client's assertion gives no token; None if it does.

    The address in `aud` and in the metascopes is not compared: clients build it from the name
    by which *they* know the token service (flow-and-collection, 3.2).
    """
    claims = _verified_claims(client, assertion)
    if claims is None:
        return _invalid_token("Could not match JWT signature to any of the bindings")
    fault = _fault(client, claims, now_ms=now_ms)
    if fault is not None:
        return _invalid_token(fault)
    if _metascopes(claims) != {METASCOPE}:
        return TokenRefused(
            "invalid_scope",
            "The metascopes in the JWT are not a subset of the metascopes in the binding.",
        )
    return None


def _fault(client: Client, claims: dict[str, Any], *, now_ms: int) -> str | None:
    expires = claims.get("exp")
    if not isinstance(expires, int | float) or isinstance(expires, bool):
        return "JWT has no expiry: exp must be a number of seconds"
    if expires * 1000 <= now_ms:
        return "JWT has expired"
    if not _audience(claims).endswith(f"/c/{client.client_id}"):
        return f"JWT audience must end in /c/{client.client_id}"
    if claims.get("iss") != client.org_id or claims.get("sub") != client.technical_account_id:
        return "JWT issuer and subject are not those of the binding"
    return None


def _verified_claims(client: Client, assertion: str) -> dict[str, Any] | None:
    if client.jwt_public_key is None or len(assertion) > _ASSERTION_BYTES_MAX:
        return None
    # Signature only: the claims are checked one by one above, each with its own sentence.
    options: Any = {"verify_signature": True} | dict.fromkeys(
        ("verify_exp", "verify_nbf", "verify_iat", "verify_aud", "verify_iss", "verify_sub"),
        False,
    )
    try:
        claims = jwt.decode(
            assertion, client.jwt_public_key, algorithms=[ALGORITHM], options=options
        )
    except (jwt.PyJWTError, ValueError, RecursionError):
        return None
    return claims


def _audience(claims: dict[str, Any]) -> str:
    audience = claims.get("aud")
    return audience if isinstance(audience, str) else ""


def _metascopes(claims: dict[str, Any]) -> set[str]:
    return {
        key.rsplit("/s/", 1)[1] for key, value in claims.items() if "/s/" in key and value is True
    }


def _invalid_token(description: str) -> TokenRefused:
    return TokenRefused("invalid_token", description)
