from typing import Any

import jwt
import pytest

from forebay.control.access.assertions import check_assertion
from forebay.control.access.keys import KeyPair, new_key_pair
from forebay.control.access.model import SCOPES, Client
from forebay.kernel.ids import OrgId

NOW_MS = 1_795_000_000_000
ORG_ID = OrgId("A" * 24 + "@AdobeOrg")
ACCOUNT = "B" * 24 + "@techacct.adobe.com"
CLIENT_ID = "c" * 32
UNMATCHED = "Could not match JWT signature to any of the bindings"


@pytest.fixture(scope="module")
def pair() -> KeyPair:
    return new_key_pair()


def test_assertion_of_the_client_itself_is_believed(pair: KeyPair) -> None:
    assert check_assertion(_client(pair), _assertion(pair), now_ms=NOW_MS) is None


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"exp": NOW_MS // 1000}, "invalid_token"),
        ({"exp": "soon"}, "invalid_token"),
        ({"exp": True}, "invalid_token"),
        ({"aud": "https://ims-na1.adobelogin.com/c/other"}, "invalid_token"),
        ({"aud": ["x"]}, "invalid_token"),
        ({"iss": "D" * 24 + "@AdobeOrg"}, "invalid_token"),
        ({"sub": "someone"}, "invalid_token"),
        ({"https://ims-na1.adobelogin.com/s/ent_dataservices_sdk": False}, "invalid_scope"),
        ({"https://ims-na1.adobelogin.com/s/ent_everything": True}, "invalid_scope"),
    ],
)
def test_assertion_with_a_wrong_claim_is_refused(
    pair: KeyPair, changed: dict[str, Any], error: str
) -> None:
    refused = check_assertion(_client(pair), _assertion(pair, **changed), now_ms=NOW_MS)

    assert refused is not None
    assert refused.error == error


def test_assertion_that_somebody_else_signed_is_refused_in_the_words_clients_look_for(
    pair: KeyPair,
) -> None:
    refused = check_assertion(_client(pair), _assertion(new_key_pair()), now_ms=NOW_MS)

    assert refused is not None
    assert (refused.error, refused.error_description) == ("invalid_token", UNMATCHED)


@pytest.mark.parametrize("assertion", ["", "a.b.c", "ü" * 10, "x" * 20_000, "." * 3])
def test_text_that_is_no_assertion_is_refused(pair: KeyPair, assertion: str) -> None:
    refused = check_assertion(_client(pair), assertion, now_ms=NOW_MS)

    assert refused is not None
    assert refused.error_description == UNMATCHED


def _client(pair: KeyPair) -> Client:
    return Client(
        client_id=CLIENT_ID,
        org_id=ORG_ID,
        technical_account_id=ACCOUNT,
        secret_hash="",
        scopes=SCOPES,
        jwt_public_key=pair.public_pem,
    )


def _assertion(pair: KeyPair, **changed: Any) -> str:
    claims = {
        "iss": ORG_ID,
        "sub": ACCOUNT,
        "aud": f"https://ims-na1.adobelogin.com/c/{CLIENT_ID}",
        "exp": NOW_MS // 1000 + 60,
        "https://ims-na1.adobelogin.com/s/ent_dataservices_sdk": True,
    }
    return jwt.encode(claims | changed, pair.private_pem, algorithm="RS256")
