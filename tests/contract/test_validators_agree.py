"""
The two ways of validation and a third opinion, on records that are spoiled in every way.

Whatever the quick way accepts, the explainer has nothing to say about; and the explainer's verdict
is that of the ``jsonschema`` package, after the differences that are meant (`third_opinion`). The
number of records is ``FOREBAY_TEST_RECORDS``; the same number tries the same records.
"""

import os
import random
from collections import Counter

import pytest

from forebay.xdm.composition import compose
from forebay.xdm.standard import Kind
from forebay.xdm.strict import validation_document
from forebay.xdm.validator import Validator
from support.census import schemas_of
from support.mutations import a_record, a_schema
from support.tables import Record, tell
from support.third_opinion import ThirdOpinion
from support.xdm import EVENT_IDENTITY, EVENT_SCHEMA, LIBRARY, an_identity

RECORDS = int(os.environ.get("FOREBAY_TEST_RECORDS", "24000"))
PARTS = 4
RECORDS_PER_SCHEMA = 20

Schema = dict[str, object]


def tried(schema: Schema, luck: random.Random, records: int) -> tuple[dict[str, int], list[str]]:
    """Return what three readers said about records of a schema, and where they disagree."""
    descriptors = [an_identity(EVENT_IDENTITY)] if schema is EVENT_SCHEMA else []
    document = validation_document(compose(schema, LIBRARY), descriptors)
    validator, third = Validator(document), ThirdOpinion(document)
    accepted = valid = 0
    faults: list[str] = []
    for _ in range(records):
        entity = a_record(luck, document)
        is_accepted = validator.accepts(entity)
        violation = validator.explain(entity, violations_max=None)
        short = validator.explain(entity, violations_max=5)
        is_valid = third.is_valid(entity)
        accepted += is_accepted
        valid += violation is None
        if (
            (is_accepted and violation is not None)
            or (violation is None) != is_valid
            or (short is None) != (violation is None)
            or len(short.leaves() if short else ()) > 5
        ):
            faults.append(
                f"{document!r} and {entity!r}: accepted {is_accepted}, third opinion {is_valid}, "
                f"explained {violation}"
            )
    counts = {"records tried": records, "valid": valid, "accepted": accepted}
    return {**counts, "disagreements": len(faults)}, faults


def assert_agreement(
    record: Record, row: str, schemas: list[Schema], luck: random.Random, records: int
) -> None:
    total: Counter[str] = Counter()
    disagreements: list[str] = []
    for schema in schemas:
        counts, faults = tried(schema, luck, records)
        total.update(counts)
        disagreements += faults

    tell(record, "Validators: accept, explain and a third opinion", row, dict(total))
    assert disagreements[:3] == []


@pytest.mark.parametrize("part", range(PARTS))
def test_records_of_standard_schemas_get_one_verdict(part: int, record_property: Record) -> None:
    luck = random.Random(part)
    kinds = (Kind.CLASS, Kind.FIELD_GROUP, Kind.DATA_TYPE, Kind.DESCRIPTOR)
    every = [EVENT_SCHEMA, *(schema for kind in kinds for schema in schemas_of(kind))]
    schemas = every[part::PARTS]
    records = max(RECORDS // 2 // PARTS // len(schemas), 1)

    assert_agreement(record_property, "standard schemas", schemas, luck, records)


@pytest.mark.parametrize("part", range(PARTS))
def test_records_of_random_schemas_get_one_verdict(part: int, record_property: Record) -> None:
    luck = random.Random(1000 + part)
    count = max(RECORDS // 2 // PARTS // RECORDS_PER_SCHEMA, 1)
    schemas = [a_schema(luck) for _ in range(count)]

    assert_agreement(record_property, "random schemas", schemas, luck, RECORDS_PER_SCHEMA)
