"""Organizations and signing keys, made from outside a running server as well as inside it."""

from forebay.app.credentials import Credentials, save
from forebay.app.data_directory import DataDirectory
from forebay.control.access.model import NewCredentials
from forebay.control.access.service import AccessService
from forebay.control.store.engine import ControlStore
from forebay.kernel.clock import SystemClock


def create_organization(data: DataDirectory, name: str) -> Credentials:
    """
    Make an organization and keep its credentials; return them.

    Raises:
        PlatformError: The name is taken, or cannot be used.
    """
    store = ControlStore.at(data.control)
    try:
        created = AccessService(store, SystemClock()).create_organization(name)
        # Made before any server was started, it is the one that commands speak for.
        is_first = not any(data.credentials.glob("*.json"))
        return keep(data, created, is_default=is_first)
    finally:
        store.close()


def rotate_keys(data: DataDirectory) -> str:
    """Sign new access tokens with a new key; return its id."""
    store = ControlStore.at(data.control)
    try:
        return AccessService(store, SystemClock()).rotate_keys()
    finally:
        store.close()


def keep(data: DataDirectory, created: NewCredentials, *, is_default: bool = False) -> Credentials:
    """Write the credentials of a new organization to their file; return them."""
    credentials = Credentials(
        org_id=created.org_id,
        name=created.org_name,
        tenant_id=created.tenant_id,
        client_id=created.client_id,
        client_secret=created.client_secret,
        technical_account_id=created.technical_account_id,
        scopes=created.scopes,
        sandbox=created.sandbox,
        jwt_private_key=created.jwt_private_key,
        is_default=is_default,
    )
    save(data.credentials, credentials)
    return credentials
