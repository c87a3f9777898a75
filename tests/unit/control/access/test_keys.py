from forebay.control.access.keys import hash_secret, is_secret, new_secret


def test_secret_is_recognized_by_its_hash_and_nothing_else_is() -> None:
    secret = new_secret()
    kept = hash_secret(secret)

    assert is_secret(secret, kept)
    assert not is_secret(secret + "x", kept)
    assert not is_secret("", kept)


def test_hash_gives_away_neither_the_secret_nor_that_two_are_equal() -> None:
    secret = new_secret()

    first, second = hash_secret(secret), hash_secret(secret)

    assert secret not in first
    assert first != second


def test_secrets_differ_and_are_recognizable_as_such() -> None:
    first, second = new_secret(), new_secret()

    assert first != second
    assert first.startswith("p8e-")
    assert len(first) > 40
