"""The platform API as the command line speaks to it, over a served registry."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx2

from forebay.cli.client import Platform
from support.registry import RegistryClient


@contextmanager
def platform_of(client: RegistryClient) -> Iterator[Platform]:
    """Speak for the organization and sandbox of a client until the end of the block."""
    of = client.credentials
    members = {
        "platform_url": client.platform.url,
        "ims_url": client.platform.url,
        "org_id": of.org_id,
        "client_id": of.client_id,
        "client_secret": of.client_secret,
        "scopes": of.scopes,
        "sandbox": of.sandbox,
        "tenant_id": of.tenant_id,
    }
    with httpx2.Client(timeout=60) as http:
        yield Platform(http, members)
