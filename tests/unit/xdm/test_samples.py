import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forebay.kernel import json
from forebay.xdm.samples import sample
from forebay.xdm.validator import Validator
from support.xdm import (
    EVENT_IDENTITY,
    EVENT_SCHEMA,
    PROFILE_IDENTITY,
    PROFILE_SCHEMA,
    a_document,
    a_validator,
)

EVENTS = Validator(a_document(EVENT_SCHEMA, EVENT_IDENTITY))
PROFILES = Validator(a_document(PROFILE_SCHEMA, PROFILE_IDENTITY))


@pytest.mark.parametrize("validator", [EVENTS, PROFILES])
@given(seed=st.integers())
@settings(max_examples=150, deadline=None)
def test_sample_is_accepted_without_a_second_look(validator: Validator, seed: int) -> None:
    record = json.encode(sample(validator.document, seed=seed))

    assert validator.validate(record) is None
    assert validator.accepts(record)


def test_same_seed_gives_the_same_record_and_another_gives_another() -> None:
    one = sample(EVENTS.document, seed=1)

    assert one == sample(EVENTS.document, seed=1)
    assert one != sample(EVENTS.document, seed=2)
    assert one["_id"] != sample(EVENTS.document, seed=2)["_id"]


def test_sample_obeys_rules_of_every_kind() -> None:
    validator = a_validator(
        {
            "code": {"type": "string", "pattern": "^[A-Z]{3}$"},
            "even": {"type": "integer", "multipleOf": 2, "minimum": 3, "maximum": 9},
            "short": {"type": "string", "maxLength": 3},
            "long": {"type": "string", "minLength": 30},
            "tiny": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
            "below": {"type": "number", "maximum": -5},
            "list": {"type": "array", "items": {"type": "string"}, "minItems": 3, "maxItems": 3},
            "one": {"oneOf": [{"type": "string", "maxLength": 1}, {"type": "boolean"}]},
            "fixed": {"type": "string", "const": "x"},
            "address": {"type": "string", "format": "ipv6"},
        },
        required=["code", "even", "short", "long", "tiny", "below", "list", "fixed", "address"],
    )

    for seed in range(30):
        record = json.encode(sample(validator.document, seed=seed))

        assert validator.validate(record, violations_max=None) is None


ALTERNATIVES = {
    "properties": {"a": {"type": "string"}, "b": {"type": "string"}, "c": {"type": "integer"}},
    "required": ["c"],
    "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
}


@pytest.mark.parametrize("seed", range(20))
def test_sample_obeys_the_record_and_one_of_its_alternatives(seed: int) -> None:
    validator = a_validator(**ALTERNATIVES)

    record = sample(validator.document, seed=seed)

    assert "c" in record
    assert ("a" in record) != ("b" in record)
    assert validator.validate(json.encode(record)) is None


def test_sample_with_every_optional_member_has_them_all() -> None:
    members = {name: {"type": "string"} for name in "abcdefgh"}
    validator = a_validator({"o": {"type": "object", "properties": members}})

    assert sample(validator.document, seed=1, optional_share=1.0)["o"].keys() == members.keys()
    assert sample(validator.document, seed=1, optional_share=0.0) == {}


def test_sample_knows_types_that_are_lists_and_maps_that_want_more_entries() -> None:
    validator = a_validator(
        {
            "either": {"type": ["null", "integer"]},
            "map": {
                "type": "object",
                "additionalProperties": {"type": "boolean"},
                "minProperties": 15,
            },
        },
        required=["either", "map"],
    )

    record = sample(validator.document, seed=3)

    assert len(record["map"]) == 15
    assert validator.validate(json.encode(record)) is None


def test_sample_of_absurd_sizes_is_small() -> None:
    much = 10**12
    validator = a_validator(
        {
            "list": {
                "type": "array",
                "minItems": much,
                "items": {"type": "array", "items": {"type": "boolean"}, "minItems": much},
            },
            "map": {
                "type": "object",
                "additionalProperties": {"type": "string"},
                "minProperties": much,
                "maxProperties": much,
            },
            "text": {"type": "string", "minLength": much},
        }
    )

    record = sample(validator.document, seed=3, optional_share=1.0)

    assert len(json.encode(record)) < 10_000_000
