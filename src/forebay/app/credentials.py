"""
Credentials of an organization: kept once, in a file of its owner, and printed for every client.

The control store has hashes only; this file is the one place where a secret can be read.
"""

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from forebay.app.settings import Settings
from forebay.kernel import json
from forebay.kernel.errors import Disposition, PlatformError
from forebay.kernel.files import replace_durably


class CredentialsMissing(PlatformError):
    """No credentials are kept for this organization."""

    code = "APP-1405"
    status = 404
    title = "Credentials missing"
    disposition = Disposition.STOP


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """What a client needs to speak for an organization."""

    org_id: str
    name: str
    tenant_id: str
    client_id: str
    client_secret: str
    technical_account_id: str
    scopes: str
    sandbox: str
    jwt_private_key: str
    """PEM key for the older JWT exchange."""
    is_default: bool = False


def path_of(directory: Path, credentials: Credentials) -> Path:
    """Return the file in which credentials are kept."""
    return directory / f"{_stem(credentials)}.json"


def save(directory: Path, credentials: Credentials) -> Path:
    """Keep credentials, readable by the owner only; return the file."""
    path = path_of(directory, credentials)
    replace_durably(_jwt_key_path(directory, credentials), _as_der(credentials.jwt_private_key))
    replace_durably(path, msgspec.json.format(msgspec.json.encode(credentials)))
    return path


def get(directory: Path, org_id: str | None = None) -> Credentials:
    """
    Return the credentials of an organization, by default of the first one made.

    Raises:
        CredentialsMissing: There are none; the message names those there are.
    """
    kept = [
        msgspec.json.decode(file.read_bytes(), type=Credentials)
        for file in sorted(directory.glob("*.json"))
    ]
    for credentials in kept:
        if (credentials.org_id == org_id) if org_id else credentials.is_default:
            return credentials
    raise CredentialsMissing(
        f"No credentials are kept for {org_id or 'a first organization'}. "
        f"There are some for: {', '.join(c.org_id for c in kept) or 'none'}."
    )


def shape(credentials: Credentials, settings: Settings) -> dict[str, Any]:
    """Return the ten members that every format prints."""
    return {
        "platform_url": settings.platform_base,
        "collection_url": settings.collection_base,
        "ims_url": settings.platform_base,
        "org_id": credentials.org_id,
        "client_id": credentials.client_id,
        "client_secret": credentials.client_secret,
        "technical_account_id": credentials.technical_account_id,
        "scopes": credentials.scopes,
        "sandbox": credentials.sandbox,
        "tenant_id": credentials.tenant_id,
    }


def as_json(members: dict[str, Any]) -> str:
    """Return one line of JSON."""
    return json.encode(members).decode()


def as_env(members: dict[str, Any]) -> str:
    """Return shell assignments: ``eval "$(forebay credentials --format env)"``."""
    return "\n".join(
        f"export FOREBAY_{name.upper()}={shlex.quote(str(value))}"
        for name, value in members.items()
    )


def as_aepp(members: dict[str, Any]) -> str:
    """
    Return the configuration file of the aepp client (OAuth server-to-server).

    aepp itself reads no addresses from its file: ``examples/aepp_walkthrough.py`` shows the
    three lines that set them from ``global``, ``imsEndpoint`` and ``collection``.
    """
    return _pretty(
        {
            "org_id": members["org_id"],
            "client_id": members["client_id"],
            "secret": members["client_secret"],
            "tech_id": members["technical_account_id"],
            "scopes": members["scopes"],
            "sandbox-name": members["sandbox"],
            "environment": "prod",
            "global": members["platform_url"],
            "imsEndpoint": members["ims_url"],
            "collection": members["collection_url"],
        }
    )


def as_postman(members: dict[str, Any]) -> str:
    """Return a Postman environment with the variable names of Adobe's collections."""
    values = {
        "IMS": members["ims_url"],
        "PLATFORM_GATEWAY": members["platform_url"],
        "PLATFORM_BASE_PATH": members["platform_url"],
        "API_KEY": members["client_id"],
        "CLIENT_SECRET": members["client_secret"],
        "SCOPES": members["scopes"],
        "IMS_ORG": members["org_id"],
        "TECHNICAL_ACCOUNT_ID": members["technical_account_id"],
        "SANDBOX_NAME": members["sandbox"],
        "TENANT_ID": members["tenant_id"],
        "STREAMING_INGESTION_URL": members["collection_url"],
    }
    return _pretty(
        {
            "name": "Forebay",
            "values": [
                {"key": key, "value": value, "enabled": True} for key, value in values.items()
            ],
            "_postman_variable_scope": "environment",
        }
    )


def as_connect(members: dict[str, Any]) -> str:
    """
    Return the settings of Adobe's Kafka Connect sink, without the inlet's address.

    The sink's documented way with an address of its own for IMS is the JWT exchange; its
    private key lies beside the credentials file.
    """
    return "# aep.endpoint=<the inletUrl of a connection>\n" + "\n".join(
        f"{key}={value}"
        for key, value in {
            "connector.class": "com.adobe.platform.streaming.sink.impl.AEPSinkConnector",
            "aep.connection.auth.enabled": "true",
            "aep.connection.auth.token.type": "jwt_token",
            "aep.connection.auth.endpoint": members["ims_url"],
            "aep.connection.auth.imsOrg": members["org_id"],
            "aep.connection.auth.accountKey": members["technical_account_id"],
            "aep.connection.auth.client.id": members["client_id"],
            "aep.connection.auth.client.secret": members["client_secret"],
            "aep.connection.auth.filePath": members["jwt_key_path"],
        }.items()
    )


FORMATS: dict[str, Callable[[dict[str, Any]], str]] = {
    "json": as_json,
    "env": as_env,
    "aepp": as_aepp,
    "postman": as_postman,
    "connect": as_connect,
}


def render(credentials: Credentials, settings: Settings, *, directory: Path, form: str) -> str:
    """Return the credentials in one of `FORMATS`."""
    members = shape(credentials, settings)
    if form == "connect":
        members["jwt_key_path"] = str(_jwt_key_path(directory, credentials))
    return FORMATS[form](members)


def _stem(credentials: Credentials) -> str:
    return credentials.org_id.partition("@")[0]


def _jwt_key_path(directory: Path, credentials: Credentials) -> Path:
    return directory / f"{_stem(credentials)}.pkcs8.der"


def _as_der(pem: str) -> bytes:
    # Imported here: the supervisor reads credentials and never makes any.
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415

    key = serialization.load_pem_private_key(pem.encode(), password=None)
    return key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _pretty(document: dict[str, Any]) -> str:
    return msgspec.json.format(json.encode(document)).decode()
