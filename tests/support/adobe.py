"""aepp, the public Python client of Adobe's platform, pointed at a platform of a test."""

import aepp
from aepp.config import config_object
from aepp.schema import Schema

from support.registry import RegistryClient


def adobe_schema_client(client: RegistryClient) -> Schema:
    """Return aepp's client of the Schema Registry with the credentials of another client."""
    of = client.credentials
    aepp.configure(
        org_id=of.org_id,
        tech_id=of.technical_account_id,
        client_id=of.client_id,
        secret=of.client_secret,
        scopes=of.scopes,
        sandbox=of.sandbox,
        environment="support",
        endpoint=client.platform.url,
    )
    ims = {
        "imsEndpoint": client.platform.url,
        "oauthTokenEndpointV2": f"{client.platform.url}/ims/token/v3",
    }
    config_object.update(ims)
    return Schema(config=config_object)
