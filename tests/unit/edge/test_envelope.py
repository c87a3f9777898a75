from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.edge.answers import Refusal
from forebay.edge.envelope import (
    BATCH_MESSAGES_MAX,
    Parts,
    count_messages,
    find_entity,
    find_repeated_key,
    has_repeated_key,
    openings,
    read_batch,
    read_message,
    require_depth,
)
from forebay.kernel import json
from forebay.kernel.json import NotJson
from forebay.kernel.limits import JSON_DEPTH_MAX
from support.edge import a_message

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda v: st.lists(v, max_size=4) | st.dictionaries(st.sampled_from('abh\\"{['), v, max_size=4),
    max_leaves=20,
)


def spaced(message: bytes) -> bytes:
    return message.replace(b'":', b'" : ').replace(b",", b" ,\n ")


@pytest.fixture(params=[bytes, spaced], ids=["compact", "spaced"])
def written(request: pytest.FixtureRequest) -> Any:
    """Ways of writing the same JSON: one takes the fast path, the other does not."""
    return request.param


def test_parts_are_as_sent() -> None:
    parts = read_message(b'{"header":{"a":1},"body":{"xdmMeta":{ },"xdmEntity":{"b": 2.50}}}')

    assert parts == Parts(b'{"a":1}', b"{ }", b'{"b": 2.50}')


def test_what_is_absent_is_empty() -> None:
    assert read_message(b'{"x":1}') == Parts(b"", b"", b"")


def test_order_and_further_members_do_not_matter(written: Any) -> None:
    message = b'{"v":[1],"body":{"xdmEntity":1,"w":{},"xdmMeta":2},"header":3}'

    assert read_message(written(message)) == Parts(b"3", b"2", b"1")


REPEATS = [
    b'{"header":{},"header":{},"body":{"xdmMeta":{},"xdmEntity":{}}}',
    b'{"header":{},"body":{"xdmMeta":{},"xdmEntity":{}},"body":{}}',
    b'{"header":{},"body":{"xdmMeta":{},"xdmMeta":{},"xdmEntity":{}}}',
    b'{"header":{},"body":{"xdmMeta":{},"xdmEntity":{},"xdmEntity":{}}}',
    b'{"header":{},"h\\u0065ader":{},"body":{"xdmMeta":{},"xdmEntity":{}}}',
    b'{"he\\u0061der":{},"h\\u0065ader":{},"body":{"xdmMeta":{},"xdmEntity":{}}}',
    b'{"header":{},"body":{"xdmMeta":{},"xdmEntity":{}},"x":1,"x":1}',
    b'{"body":{"xdmMeta":{},"xdmEntity":{}},"body":1}',
]


@pytest.mark.parametrize("message", REPEATS[:6] + REPEATS[7:])
def test_repeated_key_of_an_envelope_is_refused(message: bytes, written: Any) -> None:
    outcome = read_message(written(message))

    assert isinstance(outcome, Refusal)


@pytest.mark.parametrize("message", REPEATS[:6] + REPEATS[7:])
def test_message_with_a_repeated_key_does_not_spoil_its_batch(message: bytes, written: Any) -> None:
    good = json.encode(a_message())

    outcome = read_batch(b'{"messages":[' + good + b"," + written(message) + b"," + good + b"]}")

    assert outcome is not None
    assert [isinstance(o, Refusal) for o in outcome] == [False, True, False]


def test_repetition_cannot_hide_where_another_message_lacks_a_member() -> None:
    lacking = b'{"body":{"xdmMeta":{},"xdmEntity":{}}}'
    room = len('"header":{},')
    repeating = b'{"header":{},"header":{},"body":{"xdmMeta":{},"xdmEntity":{}}}'

    outcome = read_batch(b'{"messages":[' + lacking + b"," + repeating + b"]}")

    assert room == len(repeating) - len('{"header":{},"body":{"xdmMeta":{},"xdmEntity":{}}}')
    assert outcome is not None
    assert isinstance(outcome[1], Refusal)


def test_names_of_the_envelope_may_occur_inside_an_entity(written: Any) -> None:
    entity = {"header": 1, "body": {"xdmEntity": {"xdmMeta": '"header":'}}, "messages": []}
    message = written(json.encode(a_message(entity=entity)))

    single = read_message(message)
    batch = read_batch(b'{"messages":[' + message + b"]}")

    assert isinstance(single, Parts)
    assert batch == [single]


def test_batch_is_read_in_order(written: Any) -> None:
    messages = [json.encode(a_message(entity={"n": n})) for n in range(3)]

    outcome = read_batch(written(b'{"messages":[' + b",".join(messages) + b"]}"))

    assert outcome is not None
    entities = [json.decode(parts.entity) for parts in outcome if isinstance(parts, Parts)]
    assert entities == [{"n": 0}, {"n": 1}, {"n": 2}]


NOT_JSON = [
    b"",
    b" ",
    b"{",
    b'{"header":NaN}',
    b'{"header":Infinity}',
    b'{"header":"\\ud800"}',
    b'{"header":"\\x"}',
    b'{"header":"\xff"}',
    b'{"header":"\xc0\x80"}',
    b'{"header":"\xed\xa0\x80"}',
    b'{"header":01}',
    b'{"header":1}{}',
    b'{"header":1}\x00',
    b'{"header":1,}',
    b"\xef\xbb\xbf{}",
    '{"header":1}'.encode("utf-16"),
    '{"header":1}'.encode("utf-32-le"),
]


@pytest.mark.parametrize("document", NOT_JSON)
def test_what_is_not_strict_json_is_not_read(document: bytes) -> None:
    with pytest.raises(NotJson):
        read_message(document)
    with pytest.raises(NotJson):
        read_batch(b'{"messages":[' + document + b",{}]}")


@pytest.mark.parametrize("number", [b"1e400", b"-1e400", b"1" * 400 + b".5", b"1" * 5_000])
def test_entity_with_a_number_nobody_can_hold_is_refused_alone(number: bytes) -> None:
    good = json.encode(a_message())
    bad = json.encode(a_message(entity=["HERE"])).replace(b'"HERE"', number)

    single = read_message(bad)
    batch = read_batch(b'{"messages":[' + bad + b"," + good + b"]}")

    assert isinstance(single, Refusal)
    assert batch is not None
    assert [isinstance(o, Refusal) for o in batch] == [True, False]


@pytest.mark.parametrize("number", [b"9007199254740993", b"18446744073709551616", b"1" * 309])
def test_whole_numbers_are_taken_exactly(number: bytes) -> None:
    parts = read_message(json.encode(a_message(entity=["HERE"])).replace(b'"HERE"', number))

    assert isinstance(parts, Parts)
    assert parts.entity == b"[" + number + b"]"


def nested(depth: int, opening: bytes = b"[", closing: bytes = b"]") -> bytes:
    return opening * depth + closing * depth


@pytest.mark.parametrize("member", ["entity", "header", "other"])
def test_message_is_nested_to_the_limit_and_no_further(member: str) -> None:
    def message(depth: int) -> bytes:
        parts = {"entity": b"{}", "header": b"{}", "other": b"{}"} | {member: nested(depth)}
        return b'{"header":%b,"other":%b,"body":{"xdmMeta":{},"xdmEntity":%b}}' % (
            parts["header"],
            parts["other"],
            parts["entity"],
        )

    deepest = JSON_DEPTH_MAX - (2 if member == "entity" else 1)

    assert isinstance(read_message(message(deepest)), Parts)
    assert read_batch(b'{"messages":[%b]}' % message(deepest)) is not None
    with pytest.raises(NotJson, match="nested"):
        read_message(message(deepest + 1))
    with pytest.raises(NotJson, match="nested"):
        read_batch(b'{"messages":[%b]}' % message(deepest + 1))


@pytest.mark.parametrize("depth", [1_000, 100_000])
@pytest.mark.parametrize(
    ("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}"), (b"[", b""), (b'{"a":', b"")]
)
def test_bottomless_nesting_is_refused(depth: int, opening: bytes, closing: bytes) -> None:
    document = opening * depth + b"1" + closing * depth

    with pytest.raises(NotJson):
        read_message(b'{"body":{"xdmEntity":' + document + b"}}")
    with pytest.raises(NotJson):
        read_batch(b'{"messages":[{"body":{"xdmEntity":' + document + b"}}]}")


def test_brackets_in_strings_nest_nothing() -> None:
    require_depth(json.encode(["[" * 500, '\\"{' * 500]), 1)


@given(json_values)
def test_depth_is_that_of_the_value(value: Any) -> None:
    def depth(value: Any) -> int:
        match value:
            case list():
                return 1 + max(map(depth, value), default=0)
            case dict():
                return 1 + max(map(depth, value.values()), default=0)
        return 0

    document = json.encode(value)

    require_depth(document, depth(value))
    with pytest.raises(NotJson):
        require_depth(b"[[" + document + b"]]", depth(value) + 1)


@given(json_values)
def test_objects_made_of_a_dict_repeat_nothing(value: Any) -> None:
    document = json.encode(value)

    assert find_repeated_key(document, depth_max=99) is None
    assert not has_repeated_key(document, value)


@given(json_values, st.text(st.characters(exclude_categories=["Cs"]), max_size=5))
def test_a_key_that_occurs_twice_is_found(value: Any, key: str) -> None:
    name = json.encode(key)
    document = b'[1,{"z0":%b,%b:1,%b :2}]' % (json.encode(value), name, name)

    assert find_repeated_key(document, depth_max=2) == key
    assert find_repeated_key(document, depth_max=1) is None
    assert has_repeated_key(document, json.decode(document))


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_read_or_not_json(data: bytes) -> None:
    for read in (read_message, read_batch):
        try:
            read(data)
        except NotJson:
            continue


@given(st.data())
def test_a_message_that_is_read_can_be_decoded_by_everyone(data: st.DataObject) -> None:
    document = bytearray(json.encode(a_message(entity={"a": [1.5, "é\n", None], "b": {"c": True}})))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(document) - 1))
        document[place] = data.draw(st.integers(0, 255))

    try:
        parts = read_message(bytes(document))
    except NotJson:
        return

    assert isinstance(parts, Refusal) or json.decode(parts.entity or b"null") is not Ellipsis


HEADER, META = b'{"a": [1]}', b"{}"
OPENINGS = openings(HEADER, META)
COMPACT = OPENINGS[0]
fragments = st.sampled_from(
    [
        b'{"b":1}',
        b'{"header":2}',
        b'"\xc3\xa9"',
        b'"\xff"',
        b"1e400",
        b"9" * 400,
        b" ",
        b",",
        b"1",
        b"}",
        b"}}",
        b"]}",
        b"[",
        b"[[",
        b"]",
        b'"',
        b'"}},"',
        b'{"b":1,"b":1}',
        b"[" * 99 + b"]" * 99,
        COMPACT.of_message,
        COMPACT.between,
        COMPACT.between + COMPACT.between_rest,
        b',"xdmEntity":3',
        b'},"body":{"xdmEntity":4',
    ]
)
entities = st.lists(fragments, min_size=1, max_size=4).map(b"".join)


@pytest.mark.parametrize("opening", OPENINGS)
def test_message_is_known_by_its_opening(opening: Any) -> None:
    assert find_entity(opening.of_message + b'{"b":1}}}', opening) == b'{"b":1}'


@pytest.mark.parametrize("opening", OPENINGS)
def test_batch_is_known_by_its_opening(opening: Any) -> None:
    between = opening.between + opening.between_rest

    body = opening.of_batch + between.join([b"1", b'{"b":[]}', b"null"]) + b"}}]}"

    assert count_messages(body, opening) == 3
    assert read_batch(body) == [Parts(HEADER, META, e) for e in (b"1", b'{"b":[]}', b"null")]


@given(st.sampled_from(OPENINGS), entities)
def test_what_is_known_by_its_opening_is_what_a_whole_reading_finds(
    opening: Any, entity: bytes
) -> None:
    body = opening.of_message + entity + b"}}"

    found = find_entity(body, opening)

    assert found is None or read_message(body) == Parts(HEADER, META, found.strip())


@given(entities)
def test_plain_message_is_known_by_its_opening_whatever_its_entity(entity: bytes) -> None:
    body = COMPACT.of_message + entity + b"}}"

    try:
        read: Any = read_message(body)
    except NotJson:
        read = None
    is_plain = isinstance(read, Parts) and read.entity == entity
    is_flat = entity.count(b"[") + entity.count(b"{") < JSON_DEPTH_MAX - 2

    assert find_entity(body, COMPACT) is not None or not (is_plain and is_flat)


@given(st.sampled_from(OPENINGS), st.lists(entities, min_size=1, max_size=4))
def test_batch_that_is_known_by_its_opening_is_what_a_whole_reading_finds(
    opening: Any, several: list[bytes]
) -> None:
    between = opening.between + opening.between_rest
    body = opening.of_batch + between.join(several) + b"}}]}"

    count = count_messages(body, opening)

    assert count is None or read_batch(body) == [
        Parts(HEADER, META, entity.strip()) for entity in several
    ]
    assert count in {None, len(several)}


def test_batch_of_too_many_messages_is_not_known_by_its_opening() -> None:
    opening = openings(b"1", b"1")[0]
    between = opening.between + opening.between_rest
    most, more = (
        opening.of_batch + between.join([b"1"] * count) + b"}}]}"
        for count in (BATCH_MESSAGES_MAX, BATCH_MESSAGES_MAX + 1)
    )

    assert count_messages(most, opening) == BATCH_MESSAGES_MAX
    assert count_messages(more, opening) is None
