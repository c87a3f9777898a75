from collections.abc import Iterable, Iterator
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forebay.kernel import json
from forebay.xdm.formats import FORMATS
from forebay.xdm.samples import sample
from forebay.xdm.strict import validation_document
from forebay.xdm.validator import Validator
from forebay.xdm.values import is_exact_double
from support.xdm import (
    EVENT,
    EVENT_IDENTITY,
    EVENT_SCHEMA,
    JSON_VALUES,
    PROFILE,
    PROFILE_IDENTITY,
    PROFILE_SCHEMA,
    a_document,
    a_validator,
    spoiled,
)


def _list_of(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _map_to(values: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": values}


TEXTS = {name: {"type": "string", "format": name} for name in FORMATS}
TEXT: dict[str, Any] = {
    "date-time": "2024-02-23T22:07:01Z",
    "date": "2024-02-23",
    "time": "22:07:01Z",
    "email": "ada@example.com",
    "ipv4": "1.2.3.4",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/a?b=c",
    "uri-reference": "evt-0001",
}
EVERY_FORMAT = validation_document(
    {
        "type": "object",
        "required": ["date-time", "uri-reference"],
        "properties": {
            **TEXTS,
            "lists": {"type": "object", "properties": {n: _list_of(t) for n, t in TEXTS.items()}},
            "maps": {"type": "object", "properties": {n: _map_to(t) for n, t in TEXTS.items()}},
            "code": {"type": "string", "pattern": "^[A-Z]{2}$"},
            "region": {"type": "string", "pattern": "([A-Z]{2}-[A-Z0-9]{1,3}|)"},
        },
    }
)
EVENTS = a_document(EVENT_SCHEMA, EVENT_IDENTITY)
PROFILES = a_document(PROFILE_SCHEMA, PROFILE_IDENTITY)
WALK_THROUGHS = [
    pytest.param(EVENTS, Validator(EVENTS), EVENT, id="event"),
    pytest.param(PROFILES, Validator(PROFILES), PROFILE, id="profile"),
    pytest.param(EVERY_FORMAT, Validator(EVERY_FORMAT), TEXT, id="every format"),
]


def _has_type(opinion: Any, stated: str, value: object, schema: object) -> Iterator[Any]:
    """Check ``type`` as the platform reads it: integers are exact, and not written as decimals."""
    del schema
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    is_wrong_integer = stated == "integer" and not is_integer
    is_inexact = stated == "number" and is_integer and not is_exact_double(value)
    if is_wrong_integer or is_inexact or not opinion.is_type(value, stated):
        yield jsonschema.ValidationError("type")


def _jsonschema(document: dict[str, Any]) -> Any:
    checker = jsonschema.FormatChecker(formats=())
    for name, demanded in FORMATS.items():
        checker.checks(name)(
            lambda value, holds=demanded.holds: not isinstance(value, str) or holds(value)
        )
    opinion = jsonschema.validators.extend(jsonschema.Draft6Validator, {"type": _has_type})
    return opinion(document, format_checker=checker)


OPINIONS = {id(document): _jsonschema(document) for document in (EVENTS, PROFILES, EVERY_FORMAT)}


@pytest.mark.parametrize(("document", "validator", "record"), WALK_THROUGHS)
def test_record_of_the_walk_through_is_accepted_at_once(
    document: dict[str, Any], validator: Validator, record: dict[str, Any]
) -> None:
    entity = json.encode(record)

    assert validator.accepts(entity)
    assert validator.accepts(memoryview(entity))
    assert validator.explain(entity, violations_max=None) is None
    assert OPINIONS[id(document)].is_valid(record)


@pytest.mark.parametrize(("document", "validator", "record"), WALK_THROUGHS)
@given(data=st.data())
@settings(max_examples=400, deadline=None)
def test_acceptance_explanation_and_jsonschema_agree(
    document: dict[str, Any], validator: Validator, record: dict[str, Any], data: st.DataObject
) -> None:
    del record
    value = sample(document, seed=data.draw(st.integers(0, 10_000)))
    for _ in range(data.draw(st.integers(0, 3))):
        value = data.draw(spoiled(value))
    entity = json.encode(value)

    is_accepted = validator.accepts(entity)
    violation = validator.explain(entity, violations_max=None)

    assert (violation is None) or not is_accepted
    assert (violation is None) == OPINIONS[id(document)].is_valid(json.decode(entity))


@pytest.mark.parametrize(("document", "validator", "record"), WALK_THROUGHS)
@given(data=st.data())
@settings(max_examples=400, deadline=None)
def test_bytes_that_are_changed_anywhere_never_split_the_two_paths(
    document: dict[str, Any], validator: Validator, record: dict[str, Any], data: st.DataObject
) -> None:
    del document
    entity = bytearray(json.encode(record))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(entity) - 1))
        until = at + data.draw(st.integers(0, 2))
        piece = data.draw(
            st.binary(max_size=3) | st.sampled_from([b"\\u003a", b'"', b"1e5", b"\\"])
        )
        entity[at:until] = piece

    is_accepted = validator.accepts(bytes(entity))
    violation = validator.explain(bytes(entity), violations_max=5)

    assert violation is None or not is_accepted


@given(value=JSON_VALUES)
@settings(max_examples=300, deadline=None)
def test_valid_json_of_any_kind_never_raises(value: object) -> None:
    validator = a_validator(
        {
            "tags": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
            "part": {"type": "integer", "multipleOf": 3},
            "share": {"type": "number", "multipleOf": 0.01, "minimum": 0},
            "open": {"type": "object"},
            "any": {"oneOf": [{"type": "string"}, {"type": "integer"}]},
            "map": {"type": "object", "additionalProperties": {"type": "integer"}},
        }
    )
    entity = json.encode({"tags": value, "part": value, "share": value, "any": value, "map": value})

    violation = validator.explain(entity, violations_max=None)

    assert violation is None or not validator.accepts(entity)


def test_documented_sample_has_its_tree() -> None:
    validator = a_validator({"_id": {"type": "string"}})

    violation = validator.validate(b'{"workEmail":{},"person":{},"_id":7}')

    assert violation is not None
    assert violation.tree() == {
        "schemaLocation": "#",
        "pointerToViolation": "#",
        "causingExceptions": [
            {
                "schemaLocation": "#",
                "pointerToViolation": "#",
                "causingExceptions": [],
                "keyword": "additionalProperties",
                "message": "extraneous key [workEmail] is not permitted",
            },
            {
                "schemaLocation": "#",
                "pointerToViolation": "#",
                "causingExceptions": [],
                "keyword": "additionalProperties",
                "message": "extraneous key [person] is not permitted",
            },
            {
                "schemaLocation": "#/properties/_id",
                "pointerToViolation": "#/_id",
                "causingExceptions": [],
                "keyword": "type",
                "message": "expected type: String, found: Long",
            },
        ],
        "message": "3 schema violations found",
    }


def test_missing_tenant_block_of_the_primary_identity_is_reported_at_the_root() -> None:
    validator = Validator(EVENTS)

    violation = validator.validate(b'{"_id":"a","timestamp":"2024-02-23T22:07:01Z"}')

    assert violation is not None
    assert (violation.pointer, violation.message) == ("#", "required key [_experience] not found")


def test_empty_primary_identity_is_a_violation() -> None:
    validator = Validator(PROFILES)

    violation = validator.validate(b'{"workEmail":{"address":""}}', violations_max=1)

    assert violation is not None
    assert violation.pointer == "#/workEmail/address"
    assert violation.message == "expected minLength: 1, actual: 0"


def test_explanation_stops_after_the_limit_and_counts_what_it_shows() -> None:
    validator = a_validator({"a": {"type": "object", "properties": {"b": {"type": "integer"}}}})
    entity = b'{"p":1,"q":1,"r":1,"a":{"s":1,"t":1,"u":1,"b":"x"}}'

    limited = validator.explain(entity, violations_max=5)
    whole = validator.explain(entity, violations_max=None)

    assert limited is not None
    assert whole is not None
    assert limited.message == "5 schema violations found"
    assert len(limited.leaves()) == 5
    assert limited.leaves() == whole.leaves()[:5]
    assert whole.message == "7 schema violations found"
    assert whole.causes[-1].message == "4 schema violations found"


@pytest.mark.parametrize(
    ("entity", "message"),
    [
        (b"", "the record is not valid JSON"),
        (b'{"n":', "the record is not valid JSON"),
        (b'{"n":NaN}', "the record is not valid JSON"),
        (b'{"n":1e400}', "the record is not valid JSON"),
        (b'{"n":' + b"9" * 5_000 + b"}", "the record is not valid JSON"),
        (b'{"s":"\\ud800"}', "the record is not valid JSON"),
        (b'{"s":"\xff"}', "the record is not valid JSON"),
        (b"\xef\xbb\xbf{}", "the record is not valid JSON"),
        (b'{"open":' + b"[" * 100_000, "the record is not valid JSON"),
        (b'{"open":' + b"[" * 64 + b"]" * 64 + b"}", "nested more than 64 levels"),
        (b'{"open":{"a":1,"a":1}}', "duplicate key [a]"),
        (b'{"s":"a","s":"a"}', "duplicate key [s]"),
        (b'{"s":"\\u003a\\u003a","n":1,"\\u006e":1}', "duplicate key [n]"),
        (b"[]", "expected type: JSONObject, found: JSONArray"),
        (b"null", "expected type: JSONObject, found: Null"),
        (b'{"n":9007199254740993}', "cannot be kept exactly"),
        (b'{"i":1.0}', "expected type: Integer, found: BigDecimal"),
        (b'{"i":true}', "expected type: Integer, found: Boolean"),
        (b'{"i":"5"}', "expected type: Integer, found: String"),
        (b'{"i":18446744073709551616}', "is not less or equal to 2147483647"),
        (b'{"n":null}', "expected type: Number, found: Null"),
    ],
)
def test_entity_that_no_reader_should_trust_is_a_violation(entity: bytes, message: str) -> None:
    validator = a_validator(
        {
            "n": {"type": "number"},
            "i": {"type": "integer"},
            "s": {"type": "string"},
            "open": {},
        }
    )

    violation = validator.validate(entity)

    assert not validator.accepts(entity)
    assert violation is not None
    assert message in violation.message


def test_deepest_permitted_nesting_is_valid() -> None:
    validator = a_validator({"open": {}})
    entity = b'{"open":' + b"[" * 63 + b"]" * 63 + b"}"

    assert validator.validate(entity) is None


def test_exact_large_integer_is_a_valid_number() -> None:
    validator = a_validator({"n": {"type": "number"}})

    assert validator.validate(b'{"n":1152921504606846976}') is None


def test_hostile_pattern_takes_no_time() -> None:
    validator = a_validator({"s": {"type": "string", "pattern": "^(a+)+$"}})

    violation = validator.validate(b'{"s":"' + b"a" * 50_000 + b'!"}')

    assert violation is not None
    assert violation.keyword == "pattern"


def _leaf_messages(violations: Iterable[Any]) -> list[str]:
    return [violation.message for violation in violations]


def test_several_violations_of_one_string_are_wrapped_at_the_string() -> None:
    validator = a_validator({"s": {"type": "string", "minLength": 5, "pattern": "^b"}})

    violation = validator.validate(b'{"s":"a"}')

    assert violation is not None
    assert violation.pointer == "#/s"
    assert violation.message == "2 schema violations found"
    assert _leaf_messages(violation.causes) == [
        "expected minLength: 5, actual: 1",
        "string [a] does not match pattern ^b",
    ]


def test_fields_of_the_event_schema_have_the_lakes_types() -> None:
    fields = Validator(EVENTS).fields.by_name()

    assert fields["_id"].is_required
    assert str(fields["timestamp"].type) == "Scalar(kind=<ScalarKind.DATE_TIME: 'date-time'>)"
    assert type(fields["identityMap"].type).__name__ == "MapOf"
    assert type(fields["productListItems"].type).__name__ == "ArrayOf"
    assert type(fields["environment"].type).__name__ == "Object"
