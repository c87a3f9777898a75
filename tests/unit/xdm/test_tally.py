from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.kernel import json
from forebay.xdm.tally import KINDS_MAX, Tally
from forebay.xdm.validator import Validator
from support.xdm import a_validator

FIELDS: dict[str, Any] = {
    "at": {"type": "string", "format": "date-time"},
    "day": {"type": "string", "format": "time"},
    "code": {"type": "string", "pattern": "^[A-Z]{2}$"},
    "word": {"type": "string", "maxLength": 3},
    "kind": {"type": "string", "enum": ["a", "b"]},
    "age": {"type": "integer", "minimum": 0},
    "share": {"type": "number", "multipleOf": 5},
    "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 1},
}


def tallied(validator: Validator, records: list[Any]) -> Tally:
    tally = Tally(validator.document)
    for number, record in enumerate(records):
        entity = record if isinstance(record, bytes) else json.encode(record)
        violation = validator.validate(entity, violations_max=None)
        assert violation is not None, record
        tally.add(violation.leaves(), entity, lambda number=number: {"index": number})
    return tally


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("at", ["x", "y] is not a z"], "[…] is not a valid date-time. Expected"),
        ("day", ["x", "25:00:00Z"], "[…] is not a valid time. Expected"),
        ("code", ["x", "a] b"], "string […] does not match pattern ^[A-Z]{2}$"),
        ("word", ["long", "longer"], "expected maxLength: 3, actual: …"),
        ("kind", ["c", "d is not a valid enum value"], "… is not a valid enum value"),
        ("age", [-1, -20], "… is not greater or equal to 0"),
        ("share", [1, 7.5], "… is not a multiple of 5"),
        ("tags", [["a", "b"], ["a", "b", "c"]], "expected maximum item count: 1, found: …"),
    ],
)
def test_violations_that_differ_in_the_value_are_one_kind(
    name: str, values: list[Any], message: str
) -> None:
    tally = tallied(a_validator(FIELDS), [{name: value} for value in values])

    (kind,) = tally.kinds()
    assert (kind.path, kind.records, kind.violations) == (name, 2, 2)
    assert kind.message.startswith(message)
    assert kind.first.where == {"index": 0}
    assert kind.first.value == json.encode(values[0]).decode()


def test_a_kind_counts_records_and_violations() -> None:
    validator = a_validator({"tags": {"type": "array", "items": {"type": "string"}}})

    tally = tallied(validator, [{"tags": [1, 2, "x", 3]}, {"tags": [None]}, {"tags": [4]}])

    integers, nothing = tally.kinds()
    assert (integers.path, integers.records, integers.violations) == ("tags[]", 2, 4)
    assert (nothing.message, nothing.records) == ("expected type: String, found: Null", 1)
    assert integers.first.path == "tags[0]"
    assert tally.violations == 5


def test_what_most_records_break_comes_first() -> None:
    validator = a_validator(FIELDS)

    tally = tallied(validator, [{"kind": "c"}, {"age": -1}, {"age": -2}, {"other": 1}])

    assert [kind.path for kind in tally.kinds()] == ["age", "kind", ""]


def test_kinds_without_number_are_counted_in_bounded_memory() -> None:
    validator = a_validator(FIELDS)

    tally = tallied(validator, [{f"key {number}": 1} for number in range(KINDS_MAX + 7)])

    assert len(tally.kinds()) == KINDS_MAX
    assert tally.left_out == 7
    assert tally.violations == KINDS_MAX + 7


def test_what_cannot_be_decoded_has_no_value() -> None:
    tally = tallied(a_validator(FIELDS), [b'{"at"', b'{"at" 1', b'{"at":1,"at":2}'])

    kinds = tally.kinds()
    assert all(kind.first.value is None for kind in kinds)
    assert all(kind.keyword is None for kind in kinds)


@given(st.dictionaries(st.sampled_from(sorted(FIELDS)), st.text() | st.integers(), min_size=1))
def test_the_kinds_add_up_to_the_violations(record: dict[str, Any]) -> None:
    validator = a_validator(FIELDS)
    violation = validator.validate(json.encode(record), violations_max=None)
    leaves = violation.leaves() if violation else []
    tally = Tally(validator.document)

    tally.add(leaves, json.encode(record), dict)

    assert sum(kind.violations for kind in tally.kinds()) == len(leaves) == tally.violations
