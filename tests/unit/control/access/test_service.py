import re
from collections.abc import Iterator
from pathlib import Path

import jwt
import pytest
import sqlalchemy as sa

from forebay.control.access.model import (
    InvalidOrganizationName,
    IssuedToken,
    NewCredentials,
    OrganizationExists,
    TokenRefused,
)
from forebay.control.access.service import AccessService
from forebay.control.sandboxes.service import SandboxService
from forebay.control.store import tables
from forebay.control.store.engine import ControlStore
from forebay.kernel.tokens import LIFETIME_MS
from support.clocks import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ControlStore]:
    store = ControlStore.at(tmp_path)
    yield store
    store.close()


@pytest.fixture
def access(store: ControlStore, clock: ManualClock) -> AccessService:
    return AccessService(store, clock)


def test_first_start_makes_one_organization_and_the_second_none(access: AccessService) -> None:
    first = access.ensure_development_organization()
    second = access.ensure_development_organization()

    assert first is not None
    assert second is None


def test_new_organization_has_ids_in_adobes_forms(access: AccessService) -> None:
    created = access.create_organization("Luma")

    assert re.fullmatch(r"[0-9A-F]{24}@AdobeOrg", created.org_id)
    assert re.fullmatch(r"[0-9a-f]{32}", created.client_id)
    assert re.fullmatch(r"[0-9A-F]{24}@techacct\.adobe\.com", created.technical_account_id)
    assert (created.tenant_id, created.sandbox) == ("luma", "prod")


def test_new_organization_has_a_production_and_a_development_sandbox(
    access: AccessService, store: ControlStore
) -> None:
    created = access.create_organization("Luma")

    sandboxes = SandboxService(store).list_sandboxes(created.org_id)

    assert [(each.name, each.type, each.is_default) for each in sandboxes] == [
        ("prod", "production", True),
        ("dev", "development", False),
    ]


def test_organizations_of_similar_names_have_different_tenant_ids(access: AccessService) -> None:
    first = access.create_organization("Luma")
    second = access.create_organization("LUMA!")

    assert (first.tenant_id, second.tenant_id) == ("luma", "luma2")


def test_name_of_an_organization_is_taken_once(access: AccessService) -> None:
    access.create_organization("Luma")

    with pytest.raises(OrganizationExists, match="'Luma'"):
        access.create_organization(" Luma ")


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\nb"])
def test_name_that_is_none_is_refused(access: AccessService, name: str) -> None:
    with pytest.raises(InvalidOrganizationName):
        access.create_organization(name)


def test_store_holds_no_secret_in_readable_form(
    access: AccessService, store: ControlStore, tmp_path: Path
) -> None:
    created = access.create_organization("Luma")

    with store.read() as connection:
        kept = connection.execute(sa.select(tables.clients)).one()

    assert created.client_secret not in str(kept)
    assert created.client_secret.encode() not in (tmp_path / "control.db").read_bytes()
    assert created.jwt_private_key.encode() not in (tmp_path / "control.db").read_bytes()
    assert created.client_secret not in repr(created)


def test_token_speaks_for_its_client_until_it_expires(
    access: AccessService, clock: ManualClock
) -> None:
    created = access.create_organization("Luma")
    token = _token(access, created)

    verified = access.authenticate(token)
    clock.advance(LIFETIME_MS)

    assert verified is not None
    assert (verified.client_id, verified.org_id) == (created.client_id, created.org_id)
    assert access.authenticate(token) is None


def test_token_has_the_claims_of_ims(access: AccessService, clock: ManualClock) -> None:
    created = access.create_organization("Luma")
    token = _token(access, created)

    claims = jwt.decode(token, options={"verify_signature": False})

    assert claims["type"] == "access_token"
    assert claims["as"] == "ims-na1"
    assert claims["client_id"] == created.client_id
    assert claims["user_id"] == created.technical_account_id
    assert claims["created_at"] == str(clock.now_ms())
    assert claims["expires_in"] == "86400000"
    assert claims["org"] == created.org_id
    assert {"id", "state", "aa_id", "ctp", "fg", "moi", "scope"} <= claims.keys()
    assert "exp" not in claims
    assert jwt.get_unverified_header(token)["alg"] == "RS256"


@pytest.mark.parametrize("separator", [",", " ", ", "])
def test_scopes_are_separated_by_commas_or_blanks(access: AccessService, separator: str) -> None:
    created = access.create_organization("Luma")
    scopes = separator.join(["AdobeID", "openid"])

    issued = access.issue_token(created.client_id, created.client_secret, scopes=scopes)

    assert isinstance(issued, IssuedToken)
    verified = access.authenticate(issued.access_token)
    assert verified is not None
    assert verified.scopes == ("AdobeID", "openid")


@pytest.mark.parametrize(
    ("client_id", "client_secret", "scopes", "expected"),
    [
        ("nobody", None, None, ("invalid_client", "invalid client_id parameter")),
        (None, "wrong", None, ("invalid_client", "invalid client_secret parameter")),
        (None, "", None, ("invalid_client", "invalid client_secret parameter")),
    ],
)
def test_token_is_refused_to_whoever_cannot_prove_who_it_is(
    access: AccessService,
    client_id: str | None,
    client_secret: str | None,
    scopes: str | None,
    expected: tuple[str, str],
) -> None:
    created = access.create_organization("Luma")

    refused = access.issue_token(
        created.client_id if client_id is None else client_id,
        created.client_secret if client_secret is None else client_secret,
        scopes=created.scopes if scopes is None else scopes,
    )

    assert isinstance(refused, TokenRefused)
    assert (refused.error, refused.error_description) == expected


@pytest.mark.parametrize("scopes", ["", " , ", "openid,admin"])
def test_scope_that_is_not_the_clients_is_refused(access: AccessService, scopes: str) -> None:
    created = access.create_organization("Luma")

    refused = access.issue_token(created.client_id, created.client_secret, scopes=scopes)

    assert isinstance(refused, TokenRefused)
    assert refused.error == "invalid_scope"


def test_assertion_signed_with_the_clients_key_gives_a_token(
    access: AccessService, clock: ManualClock
) -> None:
    created = access.create_organization("Luma")

    issued = access.exchange_assertion(
        created.client_id, created.client_secret, assertion=_assertion(created, clock)
    )

    assert isinstance(issued, IssuedToken)
    assert access.authenticate(issued.access_token) is not None


def test_assertion_of_another_organizations_client_is_refused(
    access: AccessService, clock: ManualClock
) -> None:
    created, other = access.create_organization("Luma"), access.create_organization("Citi Signal")

    refused = access.exchange_assertion(
        created.client_id, created.client_secret, assertion=_assertion(other, clock)
    )

    assert isinstance(refused, TokenRefused)
    assert refused.error == "invalid_token"


def test_rotation_lets_a_new_key_sign_and_the_old_one_verify_what_it_signed(
    access: AccessService, clock: ManualClock
) -> None:
    created = access.create_organization("Luma")
    before = _token(access, created)

    key_id = access.rotate_keys()

    after = _token(access, created)
    assert jwt.get_unverified_header(after)["kid"] == key_id
    assert jwt.get_unverified_header(before)["kid"] != key_id
    assert access.authenticate(before) is not None
    assert access.authenticate(after) is not None
    assert len(access.verifying_keys()) == 2

    clock.advance(LIFETIME_MS)
    access.rotate_keys()

    assert access.authenticate(before) is None
    assert len(access.verifying_keys()) == 2


def test_keys_of_a_store_are_made_once(store: ControlStore, clock: ManualClock) -> None:
    first, second = AccessService(store, clock), AccessService(store, clock)

    first.ensure_development_organization()
    second.ensure_development_organization()

    assert first.verifying_keys() == second.verifying_keys()
    assert len(first.verifying_keys()) == 1


def test_reading_the_keys_makes_none(access: AccessService) -> None:
    assert access.verifying_keys() == {}


def test_organization_of_every_client_is_known(access: AccessService) -> None:
    first, second = access.create_organization("Luma"), access.create_organization("Citi Signal")

    assert access.client_organizations() == {
        first.client_id: first.org_id,
        second.client_id: second.org_id,
    }


def test_what_another_process_creates_is_known_at_once(
    store: ControlStore, clock: ManualClock, tmp_path: Path
) -> None:
    here = AccessService(store, clock)
    here.authenticate("a token that is none")
    elsewhere_store = ControlStore.at(tmp_path)
    elsewhere = AccessService(elsewhere_store, clock)

    token = _token(elsewhere, elsewhere.create_organization("Luma"))
    elsewhere_store.close()

    assert here.authenticate(token) is not None


def test_token_of_a_deleted_client_says_nothing_after_a_second(
    access: AccessService, store: ControlStore, clock: ManualClock
) -> None:
    created = access.create_organization("Luma")
    token = _token(access, created)
    access.authenticate(token)

    with store.write() as connection:
        connection.execute(sa.delete(tables.clients))
    clock.advance(1000)

    assert access.authenticate(token) is None


def _token(access: AccessService, of: NewCredentials) -> str:
    issued = access.issue_token(of.client_id, of.client_secret, scopes=of.scopes)
    assert isinstance(issued, IssuedToken)
    return issued.access_token


def _assertion(of: NewCredentials, clock: ManualClock) -> str:
    claims = {
        "iss": of.org_id,
        "sub": of.technical_account_id,
        "aud": f"https://ims-na1.adobelogin.com/c/{of.client_id}",
        "exp": clock.now_ms() // 1000 + 60,
        "https://ims-na1.adobelogin.com/s/ent_dataservices_sdk": True,
    }
    return jwt.encode(claims, of.jwt_private_key, algorithm="RS256")
