"""
Validation of records: accept quickly, explain carefully, and never disagree.

A `Validator` is compiled once per schema version. Almost every record passes `accepts`; only what
it does not take is read again by the explainer, whose verdict counts.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import msgspec

from forebay.kernel import json, limits
from forebay.xdm import duplicates
from forebay.xdm.acceptance import accepted_type
from forebay.xdm.explainer import Budget, Rules
from forebay.xdm.fields import Object
from forebay.xdm.shape import fields_of
from forebay.xdm.values import depth_exceeds
from forebay.xdm.violations import Violation

_encode = msgspec.json.Encoder().encode


class Validator:
    """The compiled rules of one validation document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        """
        Compile a validation document.

        Raises:
            PatternRefused: The schema has a pattern that cannot be run in linear time.
        """
        self.document = document
        self._rules = Rules(document)
        accepted = accepted_type(document)
        self._residue = accepted.residue
        self._decode = msgspec.json.Decoder(accepted.type).decode

    @cached_property
    def fields(self) -> Object:
        """The fields of a record, as the lake and the samples need them."""
        return fields_of(self.document)

    def accepts(self, entity: bytes | memoryview) -> bool:
        """
        Say whether an entity is surely valid; False means only that it takes a closer look.

        Whatever this accepts, `explain` has nothing to say about.
        """
        data = entity if isinstance(entity, bytes) else bytes(entity)
        try:
            record = self._decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False
        if self._residue is not None and not self._residue(record):
            return False
        return duplicates.has_none(data, _encode(record))

    def explain(
        self, entity: bytes | memoryview, *, violations_max: int | None
    ) -> Violation | None:
        """
        Return everything that is wrong with an entity as one tree, None if it is valid.

        Never raises, and takes time linear in the size of the entity.

        Args:
            entity: The bytes of the record.
            violations_max: Stop after this many violations, in the order of the checks.
        """
        data = bytes(entity)
        try:
            value = json.decode(data)
        except json.NotJson as error:
            return _whole(f"the record is not valid JSON: {error}")
        if depth_exceeds(value, limits.JSON_DEPTH_MAX):
            return _whole(f"the record is nested more than {limits.JSON_DEPTH_MAX} levels deep")
        if not duplicates.has_none(data, _encode(value)):
            duplicate = duplicates.find(data)
            if duplicate is not None:
                return _whole(f"duplicate key [{duplicate[1]}]", duplicate[0])
        return self._rules.violation(value, "#", Budget(violations_max))

    def validate(
        self, entity: bytes | memoryview, *, violations_max: int | None = limits.VIOLATIONS_MAX
    ) -> Violation | None:
        """Return what is wrong with an entity, None if it is valid: quickly if it is."""
        return None if self.accepts(entity) else self.explain(entity, violations_max=violations_max)


def _whole(message: str, pointer: str = "#") -> Violation:
    """Return a violation that no keyword of the schema stands for."""
    return Violation(schema_location="#", pointer=pointer, keyword=None, message=message)
