import base64
import hmac

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.control.access.keys import KeyPair, new_key_pair
from forebay.kernel.tokens import (
    LIFETIME_MS,
    TokenSigner,
    TokenVerifier,
    VerifiedToken,
    VerifyingKey,
    web_key,
)
from support.tokens import CLIENT_ID, ORG_ID, claims, signed

NOW_MS = 1_795_000_000_000


@pytest.fixture(scope="module")
def pair() -> KeyPair:
    return new_key_pair()


@pytest.fixture
def verifier(pair: KeyPair) -> TokenVerifier:
    return TokenVerifier({"k1": VerifyingKey(pair.public_pem)}, {CLIENT_ID: ORG_ID})


def test_token_of_a_known_key_and_client_says_who_calls(
    pair: KeyPair, verifier: TokenVerifier
) -> None:
    token = signed(pair, NOW_MS)

    verified = verifier.verify(token, NOW_MS)

    assert verified == VerifiedToken(
        client_id=CLIENT_ID,
        org_id=ORG_ID,
        user_id="B" * 24 + "@techacct.adobe.com",
        scopes=("openid", "AdobeID"),
        expires_ms=NOW_MS + LIFETIME_MS,
    )
    assert verifier.verify(token, NOW_MS + 1) is verified


def test_token_expires_also_after_it_was_verified_once(
    pair: KeyPair, verifier: TokenVerifier
) -> None:
    token = signed(pair, NOW_MS)

    before = verifier.verify(token, NOW_MS + LIFETIME_MS - 1)
    after = verifier.verify(token, NOW_MS + LIFETIME_MS)

    assert before is not None
    assert after is None


@pytest.mark.parametrize(
    "changed",
    [
        {"type": "refresh_token"},
        {"issuer": "ims-eu1"},
        {"client_id": "d" * 32},
        {"org": "C" * 24 + "@AdobeOrg"},
        {"created_at": "yesterday"},
        {"created_at": "-1"},
        {"expires_in": "9" * 40},
    ],
)
def test_token_with_a_wrong_claim_says_nothing(
    pair: KeyPair, verifier: TokenVerifier, changed: dict[str, str]
) -> None:
    token = signed(pair, NOW_MS, **changed)

    assert verifier.verify(token, NOW_MS) is None


def test_token_under_an_unknown_key_id_says_nothing(pair: KeyPair, verifier: TokenVerifier) -> None:
    token = signed(pair, NOW_MS, key_id="k2")

    assert verifier.verify(token, NOW_MS) is None


def test_token_signed_by_a_foreign_key_says_nothing(verifier: TokenVerifier) -> None:
    token = signed(new_key_pair(), NOW_MS)

    assert verifier.verify(token, NOW_MS) is None


def test_token_without_a_signature_says_nothing(verifier: TokenVerifier) -> None:
    token = f"{_part({'alg': 'none', 'kid': 'k1'})}.{_part(claims(NOW_MS))}."

    assert verifier.verify(token, NOW_MS) is None


def test_token_signed_with_the_public_key_as_a_shared_secret_says_nothing(
    pair: KeyPair, verifier: TokenVerifier
) -> None:
    signed_part = f"{_part({'alg': 'HS256', 'kid': 'k1'})}.{_part(claims(NOW_MS))}"
    signature = hmac.digest(pair.public_pem.encode(), signed_part.encode(), "sha256")

    assert verifier.verify(f"{signed_part}.{_encode(signature)}", NOW_MS) is None


def test_retired_key_proves_nothing_any_more(pair: KeyPair) -> None:
    key = VerifyingKey(pair.public_pem, retired_ms=NOW_MS + 10)
    verifier = TokenVerifier({"k1": key}, {CLIENT_ID: ORG_ID})
    token = signed(pair, NOW_MS)

    before = verifier.verify(token, NOW_MS + 9)
    after = verifier.verify(token, NOW_MS + 10)

    assert before is not None
    assert after is None


def test_token_of_another_day_is_told_apart_from_one_that_only_looks_like_it(
    pair: KeyPair, verifier: TokenVerifier
) -> None:
    token = signed(pair, NOW_MS)
    header, payload, signature = token.split(".")
    changed = f"{header}.{_part(claims(NOW_MS, scope='everything'))}.{signature}"

    assert verifier.verify(token, NOW_MS) is not None
    assert verifier.verify(changed, NOW_MS) is None
    assert verifier.verify(f"{header}.{payload}.{signature[:-4]}", NOW_MS) is None


@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda data: data.decode("latin-1")))
def test_arbitrary_text_is_no_token(text: str) -> None:
    verifier = TokenVerifier({}, {})

    assert verifier.verify(text, NOW_MS) is None


def test_memory_of_verified_tokens_is_bounded(
    pair: KeyPair, verifier: TokenVerifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("forebay.kernel.tokens._VERIFIED_MAX", 2)
    tokens = [signed(pair, NOW_MS + number) for number in range(4)]

    verified = [verifier.verify(token, NOW_MS + 5) for token in tokens * 2]

    assert all(verified)
    assert len(verifier._verified) == 2


def test_key_that_is_not_public_rsa_is_refused(pair: KeyPair) -> None:
    with pytest.raises(ValueError, match="public RSA"):
        TokenVerifier({"k1": VerifyingKey(pair.private_pem)}, {})


def test_key_that_is_not_private_rsa_cannot_sign(pair: KeyPair) -> None:
    with pytest.raises(ValueError, match="private RSA"):
        TokenSigner("k1", pair.public_pem)


def test_web_key_holds_the_public_numbers_only(pair: KeyPair) -> None:
    key = web_key("k1", pair.public_pem)

    assert key.keys() == {"alg", "kty", "use", "kid", "e", "n"}
    assert (key["kid"], key["alg"], key["e"]) == ("k1", "RS256", "AQAB")


def _part(value: object) -> str:
    return _encode(msgspec.json.encode(value))


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
