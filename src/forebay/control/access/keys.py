"""Secrets and RSA keys: made, hashed, compared."""

import hashlib
import hmac
import secrets

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

_KEY_BITS = 2048
_PUBLIC_EXPONENT = 65537


class KeyPair(msgspec.Struct, frozen=True):
    """An RSA key in PEM."""

    private_pem: str
    public_pem: str


def new_key_pair() -> KeyPair:
    """Return a new RSA key."""
    key = rsa.generate_private_key(public_exponent=_PUBLIC_EXPONENT, key_size=_KEY_BITS)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return KeyPair(private.decode(), public.decode())


def new_secret() -> str:
    """Return a client secret of 256 random bits."""
    return f"p8e-{secrets.token_urlsafe(32)}"


def hash_secret(secret: str) -> str:
    """
    Return the salted hash of a secret.

    One round is enough: a secret has 256 random bits, so there is nothing to guess that a
    slow hash would make slower.
    """
    salt = secrets.token_hex(16)
    return f"sha256${salt}${_digest(salt, secret)}"


def is_secret(secret: str, secret_hash: str) -> bool:
    """Say whether a secret has this hash, in a time that does not depend on the answer."""
    _, salt, digest = secret_hash.split("$")
    return hmac.compare_digest(_digest(salt, secret), digest)


def _digest(salt: str, secret: str) -> str:
    return hashlib.sha256(f"{salt}{secret}".encode()).hexdigest()
