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
