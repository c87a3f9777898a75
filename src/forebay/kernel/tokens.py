"""
Access tokens: what is in them, and how one is verified.

A token is a signed statement of ours (flow-and-collection, 3.5): RS256, no ``exp`` claim, valid
from ``created_at`` for ``expires_in`` milliseconds. Verification is pure: it takes keys and
clients as plain values, so that the platform API and the edge use the same code.
"""

import threading
from collections.abc import Mapping

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from jwt.algorithms import RSAAlgorithm

ALGORITHM = "RS256"
ISSUER = "ims-na1"
"""The `as` claim: which authorization server speaks."""
LIFETIME_MS = 86_400_000
ACCESS_TOKEN = "access_token"  # noqa: S105  the name of a token type, not a token

_TOKEN_BYTES_MAX = 8192
_VERIFIED_MAX = 4096


class VerifyingKey(msgspec.Struct, frozen=True):
    """A public key, and the moment from which it proves nothing any more."""

    public_pem: str
    retired_ms: int | None = None


class VerifiedToken(msgspec.Struct, frozen=True, kw_only=True):
    """What a valid token says."""

    client_id: str
    org_id: str
    user_id: str
    scopes: tuple[str, ...]
    expires_ms: int


class TokenClaims(msgspec.Struct, frozen=True, kw_only=True):
    """The claims of an access token, as IMS names them."""

    id: str
    type: str
    client_id: str
    user_id: str
    scope: str
    created_at: str
    expires_in: str
    org: str
    issuer: str = msgspec.field(name="as", default=ISSUER)
    state: str = ""
    aa_id: str = ""
    ctp: str = ""
    fg: str = ""
    moi: str = ""


class TokenVerifier:
    """
    Verifies access tokens against the keys and clients of one moment.

    What was verified is remembered, up to a bound: the second look at a token costs a
    dictionary lookup. A change of keys or clients needs a new verifier.
    """

    def __init__(self, keys: Mapping[str, VerifyingKey], clients: Mapping[str, str]) -> None:
        """
        Take the keys by their id, and the organization of each client by the client's id.

        Raises:
            ValueError: A key is not a public RSA key in PEM.
        """
        self._keys = {
            kid: (_public_key(key.public_pem), key.retired_ms) for kid, key in keys.items()
        }
        self._clients = dict(clients)
        self._verified: dict[str, tuple[VerifiedToken, int]] = {}
        self._lock = threading.Lock()

    def verify(self, token: str, now_ms: int) -> VerifiedToken | None:
        """
        Return what a token says; None if anything about it is wrong.

        The algorithm is RS256 whatever the header asks for, and the key must be one of ours:
        a token cannot choose how it is verified.
        """
        known = self._verified.get(token)
        if known is None:
            known = self._verify_signed(token)
            if known is None:
                return None
            self._remember(token, known)
        verified, expires_ms = known
        return verified if now_ms < expires_ms else None

    def _verify_signed(self, token: str) -> tuple[VerifiedToken, int] | None:
        if len(token) > _TOKEN_BYTES_MAX or not token.isascii():
            return None
        try:
            header = jwt.get_unverified_header(token)
            key = self._keys.get(str(header.get("kid")))
            if key is None:
                return None
            payload = jwt.api_jws.decode(token, key[0], algorithms=[ALGORITHM])
            claims = msgspec.json.decode(payload, type=TokenClaims)
        except (jwt.PyJWTError, msgspec.MsgspecError, ValueError, RecursionError):
            return None
        verified = self._accept(claims)
        if verified is None:
            return None
        retired_ms = key[1]
        usable_until_ms = verified.expires_ms
        return verified, usable_until_ms if retired_ms is None else min(usable_until_ms, retired_ms)

    def _accept(self, claims: TokenClaims) -> VerifiedToken | None:
        created, lifetime = claims.created_at, claims.expires_in
        is_ours = (
            claims.type == ACCESS_TOKEN
            and claims.issuer == ISSUER
            and self._clients.get(claims.client_id) == claims.org
            and _is_number(created)
            and _is_number(lifetime)
        )
        if not is_ours:
            return None
        return VerifiedToken(
            client_id=claims.client_id,
            org_id=claims.org,
            user_id=claims.user_id,
            scopes=tuple(claims.scope.split(",")),
            expires_ms=int(created) + int(lifetime),
        )

    def _remember(self, token: str, verified: tuple[VerifiedToken, int]) -> None:
        with self._lock:
            if len(self._verified) >= _VERIFIED_MAX:
                # The oldest entry goes; whoever still uses that token is verified once more.
                self._verified.pop(next(iter(self._verified)))
            self._verified[token] = verified


class TokenSigner:
    """Signs access tokens with one key, which is read once: that costs more than a signature."""

    def __init__(self, key_id: str, private_pem: str) -> None:
        """
        Take a private RSA key in PEM.

        Raises:
            ValueError: It is not one.
        """
        key = RSAAlgorithm(RSAAlgorithm.SHA256).prepare_key(private_pem)
        if not isinstance(key, RSAPrivateKey):
            message = "a signing key must be a private RSA key in PEM"
            raise ValueError(message)  # noqa: TRY004  the type of the argument is right, its text is not
        self.key_id = key_id
        self._key = key

    def sign(self, claims: TokenClaims) -> str:
        """Return the signed token of these claims."""
        headers = {"kid": self.key_id, "typ": "JWT"}
        payload = msgspec.json.encode(claims)
        return jwt.api_jws.encode(payload, self._key, algorithm=ALGORITHM, headers=headers)


def web_key(key_id: str, public_pem: str) -> dict[str, str]:
    """Return a public key as a JSON Web Key."""
    key = RSAAlgorithm.to_jwk(_public_key(public_pem), as_dict=True)
    return {
        "alg": ALGORITHM,
        "kty": "RSA",
        "use": "sig",
        "kid": key_id,
        "e": key["e"],
        "n": key["n"],
    }


def _public_key(pem: str) -> RSAPublicKey:
    key = RSAAlgorithm(RSAAlgorithm.SHA256).prepare_key(pem)
    if not isinstance(key, RSAPublicKey):
        message = "a verifying key must be a public RSA key in PEM"
        raise ValueError(message)  # noqa: TRY004  the type of the argument is right, its text is not
    return key


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 15  # noqa: PLR2004  ms fit easily
