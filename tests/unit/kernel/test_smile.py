from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.kernel import json, smile
from forebay.kernel.limits import JSON_DEPTH_MAX
from forebay.kernel.smile import NotSmile
from support import smile as writing

BYTES_MAX = 1_048_576
HEAD = b":)\n\x00"

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**200), 2**200)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.decimals(allow_nan=False, allow_infinity=False)
    | texts
    | st.binary(max_size=40)
)
values = st.recursive(
    scalars,
    lambda v: st.lists(v, max_size=5) | st.dictionaries(texts, v, max_size=5),
    max_leaves=30,
)


def decode(data: bytes) -> Any:
    return smile.decode(data, text_bytes_max=BYTES_MAX)


def same(left: Any, right: Any) -> bool:
    """Equal, and of the same type and sign all the way down."""
    return repr(left) == repr(right)


@given(values, st.booleans(), st.booleans(), st.booleans())
def test_what_was_written_is_read(
    value: Any, shared_names: bool, shared_strings: bool, raw_binary: bool
) -> None:
    data = writing.encode(
        value,
        has_shared_names=shared_names,
        has_shared_strings=shared_strings,
        has_raw_binary=raw_binary,
    )

    assert same(decode(data), value)


@given(values, st.data())
def test_a_mutated_document_is_read_or_refused_as_not_smile(
    value: Any, data: st.DataObject
) -> None:
    document = bytearray(writing.encode(value, has_shared_strings=True))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(document) - 1))
        document[place] = data.draw(st.integers(0, 255))

    try:
        read = smile.to_json(bytes(document), bytes_max=BYTES_MAX)
    except NotSmile:
        return

    assert read.decode()


@given(st.binary(max_size=200))
def test_arbitrary_bytes_behind_a_header_are_read_or_refused(data: bytes) -> None:
    try:
        smile.to_json(b":)\n\x07" + data, bytes_max=BYTES_MAX)
    except NotSmile:
        return


@given(values)
def test_every_truncation_is_refused(value: Any) -> None:
    document = writing.encode({"v": value})

    for end in range(len(document)):
        with pytest.raises(NotSmile):
            decode(document[:end])


@pytest.mark.parametrize(
    ("value", "document"),
    [
        (0, HEAD + b"\xc0"),
        (-1, HEAD + b"\xc1"),
        (1, HEAD + b"\xc2"),
        (-16, HEAD + b"\xdf"),
        (127, HEAD + b"\x24\x03\xbe"),
        ("", HEAD + b"\x20"),
        ("abc", HEAD + b"\x42abc"),
        ("é", HEAD + b"\x80\xc3\xa9"),
        ({"a": 1}, HEAD + b"\xfa\x80a\xc2\xfb"),
        ([None, True, False], HEAD + b"\xf8\x21\x23\x22\xf9"),
        (1.0, HEAD + b"\x29\x00\x3f\x78\x00\x00\x00\x00\x00\x00\x00"),
        (1.0, HEAD + b"\x28\x03\x7c\x00\x00\x00"),
        (b"\xff", HEAD + b"\xe8\x81\x7f\x01"),
        (Decimal("1.5"), HEAD + b"\x2a\x82\x81\x07\x01"),
    ],
)
def test_known_bytes_have_their_known_value(value: Any, document: bytes) -> None:
    assert same(decode(document), value)


def test_an_end_marker_may_follow() -> None:
    assert decode(HEAD + b"\xc0\xff") == 0


def test_names_and_strings_are_shared_over_a_full_table() -> None:
    value = [{f"name{i}": f"text{i}", "again": f"text{i // 2}"} for i in range(2_500)]

    document = writing.encode(value, has_shared_strings=True)

    assert decode(document) == value


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b":)\n",
        b":)\r\x00\xc0",
        b":)\n\x10\xc0",
        b":)\n\x08\xc0",
        HEAD,
        HEAD + b"\xc0\xc0",
        HEAD + b"\x00",
        HEAD + b"\xf9",
        HEAD + b"\xfb",
        HEAD + b"\x01",
        HEAD + b"\xec\x20",
        HEAD + b"\xfa\x40\xc0\xfb",
        HEAD + b"\xfa\x80a\xc0\x80a\xc0\xfb",
        HEAD + b"\x40\xff",
        HEAD + b"\x80\xc3\x28",
        HEAD + b"\x81\xed\xa0\x80",
        HEAD + b"\xe0abc",
        HEAD + b"\xe0ab\xc3\xa9\xfc",
        HEAD + b"\x24\x7f\x7f\x7f\x7f\x7f\xbf",
        HEAD + b"\x25" + b"\x7f" * 10 + b"\xbf",
        HEAD + b"\x24\xc0",
        HEAD + b"\x26\x80",
        HEAD + b"\xe8\x81\x7f\x7f",
        HEAD + b"\xe8\x81\xff\x01",
        HEAD + b"\xe8" + b"\x7f" * 8 + b"\xbf",
        HEAD + b"\xfd\x81a",
        HEAD + b"\x29\x02" + b"\x00" * 9,
        HEAD + b"\x29\x00\x7f\x78" + b"\x00" * 7,
        HEAD + b"\x28\x07\x7c\x00\x00\x00",
        HEAD + b"\xf8" * 100_000,
    ],
)
def test_what_breaks_the_format_is_refused(document: bytes) -> None:
    with pytest.raises(NotSmile):
        decode(document)


def test_nesting_is_read_to_its_limit_and_no_further() -> None:
    deepest = HEAD + b"\xf8" * JSON_DEPTH_MAX + b"\xf9" * JSON_DEPTH_MAX

    decode(deepest)

    with pytest.raises(NotSmile, match="nested"):
        decode(HEAD + b"\xf8" * (JSON_DEPTH_MAX + 1) + b"\xf9" * (JSON_DEPTH_MAX + 1))


def test_references_cannot_blow_a_document_up() -> None:
    document = b":)\n\x02\xf8" + b"\x7f" + b"a" * 64 + b"\x01" * 500_000 + b"\xf9"

    with pytest.raises(NotSmile, match="references"):
        smile.to_json(document, bytes_max=BYTES_MAX)


def test_more_values_than_allowed_are_refused() -> None:
    with pytest.raises(NotSmile, match="values"):
        decode(HEAD + b"\xf8" + b"\xc0" * 300_000 + b"\xf9")


def test_as_json_numbers_are_exact_and_binary_is_base64() -> None:
    value = {"i": 2**70, "d": Decimal("1.10"), "b": b"\x00\xff", "f": 0.1}

    document = smile.to_json(writing.encode(value), bytes_max=BYTES_MAX)

    assert document == b'{"i":1180591620717411303424,"d":1.10,"b":"AP8=","f":0.1}'


def test_longer_json_than_allowed_is_refused() -> None:
    with pytest.raises(NotSmile, match="as JSON"):
        smile.to_json(writing.encode({"b": b"x" * 90}), bytes_max=100)


def test_numbers_too_long_to_convert_are_refused() -> None:
    data = b"\x7f" * 1_701

    with pytest.raises(NotSmile, match="integer"):
        decode(HEAD + b"\x26" + writing.vint(len(data)) + writing.sevens(data))


def test_the_longest_number_is_converted() -> None:
    value = 2 ** (8 * 1_700 - 1) - 1

    assert json.decode(smile.to_json(writing.encode([value]), bytes_max=BYTES_MAX)) == [value]
