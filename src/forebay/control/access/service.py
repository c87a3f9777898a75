"""
Organizations, their API clients, and the tokens that speak for them.

Verification needs no database: a `TokenVerifier` is made from the keys and clients of one
moment, and made anew when the control store's revision moved, by whichever process.
"""

import threading

from forebay.control.access import keys, naming, tokens
from forebay.control.access import store as access_store
from forebay.control.access.assertions import check_assertion
from forebay.control.access.model import (
    SCOPES,
    Client,
    InvalidOrganizationName,
    IssuedToken,
    NewCredentials,
    OrganizationExists,
    TokenRefused,
)
from forebay.control.sandboxes.service import create_first_sandboxes
from forebay.control.store.engine import ControlStore
from forebay.kernel import ids
from forebay.kernel.clock import Clock
from forebay.kernel.tokens import (
    LIFETIME_MS,
    TokenSigner,
    TokenVerifier,
    VerifiedToken,
    VerifyingKey,
)

DEVELOPMENT_ORGANIZATION = "Development"

_NAME_LENGTH_MAX = 100
_LOOK_AGAIN_S = 1.0


class AccessService:
    """Makes organizations and clients, issues tokens and verifies them."""

    def __init__(self, store: ControlStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._signer: TokenSigner | None = None
        self._verifier = TokenVerifier({}, {})
        self._verifier_revision = -1
        self._looked_at_s = float("-inf")

    def ensure_development_organization(self) -> NewCredentials | None:
        """
        Make what a first start needs: a signing key, and an organization if there is none.

        Return the organization's credentials only if it was made now.
        """
        self._signing_key()
        with self._store.read() as connection:
            if access_store.count_organizations(connection):
                return None
        try:
            return self.create_organization(DEVELOPMENT_ORGANIZATION)
        except OrganizationExists:
            return None  # another process was first

    def create_organization(self, name: str) -> NewCredentials:
        """
        Make an organization with a first client and the sandboxes `prod` and `dev`.

        When this returns all of it is kept. The secret and the private key are in the answer
        and nowhere else.

        Raises:
            InvalidOrganizationName: The name is blank or too long.
            OrganizationExists: Another organization has the name.
        """
        name = _checked_name(name)
        self._signing_key()
        org_id, secret, jwt_keys = ids.new_org_id(), keys.new_secret(), keys.new_key_pair()
        client = Client(
            client_id=ids.new_hex(32),
            org_id=org_id,
            technical_account_id=f"{ids.new_hex(24).upper()}@techacct.adobe.com",
            secret_hash=keys.hash_secret(secret),
            scopes=SCOPES,
            jwt_public_key=jwt_keys.public_pem,
        )
        now_ms = self._clock.now_ms()
        with self._store.write() as connection:
            if access_store.has_organization_named(connection, name):
                raise OrganizationExists(f"An organization named {name!r} exists already.")
            tenant_id = naming.tenant_id_for(name, access_store.list_tenant_ids(connection))
            access_store.insert_organization(
                connection, org_id=org_id, name=name, tenant_id=tenant_id, now_ms=now_ms
            )
            access_store.insert_client(connection, client, now_ms)
            sandbox = create_first_sandboxes(connection, org_id, now_ms)
        return NewCredentials(
            org_id=org_id,
            org_name=name,
            tenant_id=tenant_id,
            client_id=client.client_id,
            client_secret=secret,
            technical_account_id=client.technical_account_id,
            scopes=client.scopes,
            sandbox=sandbox,
            jwt_private_key=jwt_keys.private_pem,
        )

    def issue_token(
        self, client_id: str, client_secret: str, *, scopes: str
    ) -> IssuedToken | TokenRefused:
        """Return an access token for a client's id and secret, or why there is none."""
        client = self._find_client(client_id)
        refused = tokens.check_secret(client, client_secret)
        if client is None or refused is not None:
            return refused or tokens.UNKNOWN_CLIENT
        refused = tokens.check_scopes(client, scopes)
        return refused or self._issue(client, tokens.split_scopes(scopes))

    def exchange_assertion(
        self, client_id: str, client_secret: str, *, assertion: str
    ) -> IssuedToken | TokenRefused:
        """Return an access token for an assertion that the client signed, or why there is none."""
        client = self._find_client(client_id)
        refused = tokens.check_secret(client, client_secret)
        if client is None or refused is not None:
            return refused or tokens.UNKNOWN_CLIENT
        refused = check_assertion(client, assertion, now_ms=self._clock.now_ms())
        return refused or self._issue(client, tokens.split_scopes(client.scopes))

    def authenticate(self, token: str) -> VerifiedToken | None:
        """
        Return what a token says; None if anything about it is wrong.

        What another process changed counts within a second, and at once for a token that
        would otherwise be refused.
        """
        now_ms = self._clock.now_ms()
        verified = self._current_verifier(is_urgent=False).verify(token, now_ms)
        if verified is None:
            return self._current_verifier(is_urgent=True).verify(token, now_ms)
        return verified

    def token_verifier(self) -> TokenVerifier:
        """Return a verifier with the keys and clients of this moment."""
        with self._store.read() as connection:
            return TokenVerifier(
                access_store.list_verifying_keys(connection, self._clock.now_ms()),
                access_store.list_client_orgs(connection),
            )

    def verifying_keys(self) -> dict[str, VerifyingKey]:
        """Return the public keys that verify tokens now, by their id."""
        with self._store.read() as connection:
            return access_store.list_verifying_keys(connection, self._clock.now_ms())

    def client_organizations(self) -> dict[str, str]:
        """Return the organization of every client, by the client's id."""
        with self._store.read() as connection:
            return access_store.list_client_orgs(connection)

    def rotate_keys(self) -> str:
        """
        Let a new key sign from now on; return its id.

        The older keys verify until the last token they signed has expired.
        """
        key_id, pair, now_ms = _new_key_id(), keys.new_key_pair(), self._clock.now_ms()
        with self._store.write() as connection:
            access_store.retire_keys(connection, now_ms=now_ms, retired_ms=now_ms + LIFETIME_MS)
            access_store.insert_key(connection, key_id, pair, now_ms=now_ms)
        return key_id

    def _find_client(self, client_id: str) -> Client | None:
        with self._store.read() as connection:
            return access_store.find_client(connection, client_id)

    def _issue(self, client: Client, scopes: list[str]) -> IssuedToken:
        key_id, private_pem = self._signing_key()
        with self._lock:
            if self._signer is None or self._signer.key_id != key_id:
                self._signer = TokenSigner(key_id, private_pem)
            signer = self._signer
        return tokens.issue_token(client, scopes, signer=signer, now_ms=self._clock.now_ms())

    def _signing_key(self) -> tuple[str, str]:
        with self._store.read() as connection:
            key = access_store.find_signing_key(connection)
        if key is not None:
            return key
        pair = keys.new_key_pair()
        with self._store.write() as connection:
            # Another process may have made the first key since the look above.
            key = access_store.find_signing_key(connection)
            if key is None:
                key = (_new_key_id(), pair.private_pem)
                access_store.insert_key(connection, key[0], pair, now_ms=self._clock.now_ms())
        return key

    def _current_verifier(self, *, is_urgent: bool) -> TokenVerifier:
        with self._lock:
            now_s = self._clock.monotonic_s()
            if is_urgent or now_s - self._looked_at_s >= _LOOK_AGAIN_S:
                # The revision is read first: a change between the two reads is then seen
                # as a newer revision next time, and not missed.
                revision = self._store.revision()
                if revision != self._verifier_revision:
                    self._verifier = self.token_verifier()
                    self._verifier_revision = revision
                self._looked_at_s = now_s
            return self._verifier


def _checked_name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > _NAME_LENGTH_MAX or not name.isprintable():
        raise InvalidOrganizationName(
            f"{name[:_NAME_LENGTH_MAX]!r} cannot name an organization: a name has 1 to "
            f"{_NAME_LENGTH_MAX} printable characters."
        )
    return name


def _new_key_id() -> str:
    return f"ims_na1-key-at-{ids.new_hex(8)}"
