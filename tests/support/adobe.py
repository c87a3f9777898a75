"""aepp, the public Python client of Adobe's platform, pointed at a platform of a test."""

from typing import Any

import aepp
from aepp.config import config_object
from aepp.schema import Schema

from forebay.control.access.model import NewCredentials
from support.registry import RegistryClient


def adobe_configuration(of: NewCredentials, url: str, *, sandbox: str | None = None) -> Any:
    """Return aepp's configuration for a platform; aepp has one at a time."""
    aepp.configure(
        org_id=of.org_id,
        tech_id=of.technical_account_id,
        client_id=of.client_id,
        secret=of.client_secret,
        scopes=of.scopes,
        sandbox=sandbox or of.sandbox,
        environment="support",
        endpoint=url,
    )
    config_object.update({"imsEndpoint": url, "oauthTokenEndpointV2": f"{url}/ims/token/v3"})
    return config_object


def adobe_schema_client(client: RegistryClient, *, sandbox: str | None = None) -> Schema:
    """Return aepp's client of the Schema Registry with the credentials of another client."""
    return Schema(
        config=adobe_configuration(client.credentials, client.platform.url, sandbox=sandbox)
    )
