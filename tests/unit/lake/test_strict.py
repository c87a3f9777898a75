import pytest

from forebay.lake.strict import DoesNotFit, read_entity
from support.lake import PERSON


@pytest.mark.parametrize(
    ("entity", "said"),
    [
        (b'{"age": 2147483648}', "#/age: 2147483648 is not an integer from -2147483648"),
        (b'{"age": true}', "#/age: True is not an integer"),
        (b'{"age": 1.5}', "#/age: 1.5 is not an integer"),
        (b'{"score": "1"}', "#/score: '1' is not a number"),
        (b'{"score": 1e999}', "#/score: inf cannot be held exactly"),
        (b'{"isMember": 1}', "#/isMember: 1 is not true or false"),
        (b'{"_id": 1}', "#/_id: 1 is not a string"),
        (b'{"born": "1-1-1"}', "#/born: '1-1-1' is not a date"),
        (b'{"seen": "2024-01-01T00:00:00"}', "#/seen: '2024-01-01T00:00:00' is not a date-time"),
        (b'{"seen": "2024-01-01T25:00:00Z"}', "#/seen: hour must be in 0..23"),
        (b'{"emails": {}}', "#/emails: expected list, found dict"),
        (b'{"emails": [{"address": 1}]}', "#/emails/0/address: 1 is not a string"),
        (b'{"identityMap": {"E": [7]}}', "#/identityMap/E/0: expected dict, found int"),
        (b'{"unknown": 1}', "#: there is no column for key [unknown]"),
        (b'{"home": {"x": 1, "x": 2}}', "key [x] appears more than once"),
        (b"[]", "#: expected dict, found list"),
        (b"{", "the record cannot be read"),
        (b"\xff", "the record cannot be read"),
        (b'{"extra": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "the record cannot be read"),
        (b'{"age": ' + b"9" * 5_000 + b"}", "the record cannot be read"),
    ],
)
def test_what_does_not_fit_is_named_with_its_path(entity: bytes, said: str) -> None:
    with pytest.raises(DoesNotFit) as caught:
        read_entity(PERSON, entity)

    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("entity", "name", "value"),
    [
        (b'{"age": 1.0}', "age", 1),
        (b'{"score": 9007199254740994}', "score", 9007199254740994.0),
        (b'{"score": -0.0}', "score", 0.0),
        (b'{"extra": {"b": 1.0, "a": [null]}}', "extra", '{"b":1.0,"a":[null]}'),
        (b'{"extra": "text"}', "extra", '"text"'),
        (b'{"_id": null}', "_id", None),
    ],
)
def test_what_fits_is_kept(entity: bytes, name: str, value: object) -> None:
    assert read_entity(PERSON, entity)[name] == value
