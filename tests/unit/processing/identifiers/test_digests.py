import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.kernel import json
from forebay.processing.identifiers.digests import Digester, says_the_same
from forebay.processing.identifiers.entries import DIGEST_BYTES, KEY_BYTES

scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text()
values = st.recursive(
    scalars | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def key(entity: bytes, sandbox: str = "s", dataset: str = "d") -> bytes:
    digest = Digester(sandbox, dataset).digest(entity)
    assert digest is not None
    assert len(digest) == DIGEST_BYTES
    return digest[:KEY_BYTES]


def test_id_is_what_it_is_after_decoding() -> None:
    assert key(b'{"_id":"a"}') == key(b'{ "x": [1], "_id" : "\\u0061" }')


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a", "A"),
        ("a", "a "),
        ("a", " a"),
        ("a", "a\0"),
        ("\u00e9", "e\u0301"),
        ("1", "01"),
        ("a" * 10_000, "a" * 9_999),
    ],
)
def test_ids_that_look_alike_are_different(one: str, other: str) -> None:
    assert key(json.encode({"_id": one})) != key(json.encode({"_id": other}))


def test_the_same_id_is_another_in_another_dataset_or_sandbox() -> None:
    entity = b'{"_id":"a"}'

    assert len({key(entity), key(entity, "t"), key(entity, "s", "e"), key(entity, 's","d')}) == 4


def test_text_of_sandbox_dataset_and_id_cannot_run_together() -> None:
    assert key(b'{"_id":"ca"}', "a", "b") != key(b'{"_id":"a"}', "a", "bc")


@pytest.mark.parametrize(
    "entity", [b"{}", b'{"_id":""}', b'{"_id":null}', b'{"_id":7}', b"[]", b"no json", b"\xff"]
)
def test_record_without_an_id_has_no_digest(entity: bytes) -> None:
    assert Digester("s", "d").digest(entity) is None


def test_other_bytes_are_other_content() -> None:
    digester = Digester("s", "d")

    digests = {digester.digest(entity) for entity in (b'{"_id":"a"}', b'{"_id": "a"}')}

    assert len(digests) == 2


@given(values)
def test_value_says_the_same_in_another_notation(value: object) -> None:
    text = json.encode({"a": value, "b": 1})
    again = b' { "b" : 1.0 ,"a": ' + json.encode(value) + b"}"

    assert says_the_same(text, again)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b'{"a":1}', b'{"a":true}'),
        (b'{"a":0}', b'{"a":false}'),
        (b'{"a":1}', b'{"a":"1"}'),
        (b'{"a":1}', b'{"a":1,"b":null}'),
        (b'{"a":[1,2]}', b'{"a":[2,1]}'),
        (b'{"a":[1]}', b'{"a":[1,1]}'),
        (b'{"a":{}}', b'{"a":[]}'),
        (b'{"a":9007199254740993}', b'{"a":9007199254740992.0}'),
        (b'{"a":1}', b"no json"),
    ],
)
def test_other_values_do_not_say_the_same(one: bytes, other: bytes) -> None:
    assert not says_the_same(one, other)
    assert not says_the_same(other, one)


def test_notations_of_a_number_say_the_same() -> None:
    assert says_the_same(b'{"a":1.0,"b":1e2}', b'{"b":100,"a":1}')
