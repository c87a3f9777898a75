import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.kernel import json
from forebay.xdm.duplicates import find, has_none


@pytest.mark.parametrize(
    ("entity", "expected"),
    [
        (b'{"a":1,"a":1}', ("#", "a")),
        (b'{"a":{"b":[0,{"c":1, "c" :2}]}}', ("#/a/b/1", "c")),
        (b'{"a":1,"\\u0061":2}', ("#", "a")),
        (b'{"x/y~":{"k":"}","k":"{"}}', ("#/x~1y~0", "k")),
        (b'{"a":"a\\"","b":"\\\\"}', None),
        (b'{"a":{"a":{"a":[{"a":1},{"a":1}]}}}', None),
        (b'"a"', None),
    ],
)
def test_first_duplicate_is_found_with_its_place(
    entity: bytes, expected: tuple[str, str] | None
) -> None:
    assert find(entity) == expected


_TEXTS = st.text('ab:"\\{}[], é\u003a', max_size=4)
_VALUES = st.recursive(
    _TEXTS | st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(value=_VALUES)
def test_encoded_value_has_no_duplicate(value: object) -> None:
    entity = json.encode(value)

    assert find(entity) is None
    assert has_none(entity, entity) or b"\\u003" in entity


@given(
    members=st.dictionaries(_TEXTS, _VALUES, min_size=1, max_size=4),
    extra=_VALUES,
    escapes=st.integers(0, 3),
    data=st.data(),
)
def test_hidden_member_is_never_overlooked(
    members: dict[str, object], extra: object, escapes: int, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(members)))
    twice = json.encode(name) + b": " + json.encode(extra) + b","
    bait = b'"bait":"' + b"\\u003a" * escapes + b'",'
    entity = b"{" + bait + twice + json.encode(members)[1:]

    assert find(entity) is not None
    assert not has_none(entity, json.encode(json.decode(entity)))
