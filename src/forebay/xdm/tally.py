"""
Many records' violations, counted by the rule that was broken.

Two violations are of one kind if they break the same rule at the same place of the schema and
say the same of it, whatever the value was: a million records with a thousand different wrong
dates in one field are one line.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from forebay.kernel import json
from forebay.xdm.advice import key_named_in, right_instead
from forebay.xdm.pointers import Nowhere, dotted, dotted_location, resolve
from forebay.xdm.violations import Violation

KINDS_MAX = 1_000
"""Kinds that are told apart; keys that no schema declares can be without number."""

_VALUE_SHOWN_MAX = 200
_SIZE = re.compile(r"(actual|found): \[?\d+\]?")
_NUMBER = re.compile(r"\d+")
_SIZED = frozenset(
    {"minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"}
)
_BEFORE = {
    "enum": ("", " is not a valid enum value"),
    "pattern": ("string ", "] does not match pattern "),
    "format": ("", "] is not a "),
    **dict.fromkeys(
        ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
        ("", " is not "),
    ),
}
"""How a message begins before the value, and goes on after it."""


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """The first violation of a kind."""

    where: Mapping[str, Any]
    """Which record: whatever its reader knows it by."""
    pointer: str
    path: str
    message: str
    value: str | None
    """The JSON of the wrong value, cut if it is long; None if it is a member that is missing."""


class Kind(msgspec.Struct, kw_only=True):
    """One line of the summary."""

    schema_location: str
    path: str
    keyword: str | None
    message: str
    right: str | None
    first: Example
    violations: int = 0
    records: int = 0

    def shown(self) -> dict[str, Any]:
        """Return the wire form."""
        first = self.first
        return {
            "path": self.path,
            "keyword": self.keyword,
            "message": self.message,
            "right": self.right,
            "records": self.records,
            "violations": self.violations,
            "schemaLocation": self.schema_location,
            "first": {
                **first.where,
                "path": first.path,
                "pointer": first.pointer,
                "message": first.message,
                "value": first.value,
            },
        }


class Tally:
    """Counts as it goes; memory is bounded by `KINDS_MAX`."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        """Count violations that were found with a validation document."""
        self._document = document
        self._kinds: dict[tuple[str, str | None, str], Kind] = {}
        self.violations = 0
        self.left_out = 0
        """Violations of further kinds, beyond `KINDS_MAX`."""

    def add(
        self, leaves: list[Violation], entity: bytes, where: Callable[[], Mapping[str, Any]]
    ) -> None:
        """
        Count the single violations of one record.

        Args:
            leaves: The violations.
            entity: The record, of which examples are taken.
            where: Says which record it is; asked only for an example.
        """
        self.violations += len(leaves)
        seen: set[tuple[str, str | None, str]] = set()
        record = None
        for leaf in leaves:
            key = (leaf.schema_location, leaf.keyword, _without_value(leaf))
            kind = self._kinds.get(key)
            if kind is None:
                if len(self._kinds) >= KINDS_MAX:
                    self.left_out += 1
                    continue
                record = decoded(entity) if record is None else record
                kind = self._kinds[key] = self._kind(leaf, key[2], record, where())
            kind.violations += 1
            if key not in seen:
                seen.add(key)
                kind.records += 1

    def kinds(self) -> list[Kind]:
        """Return the kinds, what most records break first."""
        return sorted(self._kinds.values(), key=lambda kind: -kind.records)

    def _kind(
        self,
        leaf: Violation,
        message: str,
        record: Any,  # noqa: ANN401  any JSON value
        where: Mapping[str, Any],
    ) -> Kind:
        return Kind(
            schema_location=leaf.schema_location,
            path=dotted_location(leaf.schema_location),
            keyword=leaf.keyword,
            message=message,
            right=right_instead(self._document, leaf),
            first=Example(
                where=where,
                pointer=leaf.pointer,
                path=dotted(leaf.pointer, record),
                message=leaf.message,
                value=wrong_value(leaf, record),
            ),
        )


def decoded(entity: bytes) -> Any:  # noqa: ANN401  any JSON value
    """Return the value of a record, None if it has none."""
    try:
        return json.decode(entity)
    except json.NotJson:
        return None


def wrong_value(leaf: Violation, record: Any) -> str | None:  # noqa: ANN401  any JSON value
    """Return the JSON of the value that a violation is about, cut if it is long."""
    if leaf.keyword in {None, "required"}:
        return None
    try:
        value = resolve(record, leaf.pointer)
        if leaf.keyword == "additionalProperties":
            value = value[key_named_in(leaf.message)]
    except (Nowhere, LookupError, TypeError):
        return None
    return json.encode(value)[:_VALUE_SHOWN_MAX].decode(errors="ignore")


def _without_value(leaf: Violation) -> str:
    """Return a message in which what the record said is replaced."""
    keyword, message = leaf.keyword, leaf.message
    if keyword is None:
        return _NUMBER.sub("…", message)
    if keyword in _SIZED:
        return _SIZE.sub(r"\1: …", message)
    if keyword not in _BEFORE:
        return message
    begin, end = _BEFORE[keyword]
    _, found, rest = message.rpartition(end)
    if not found:
        return message
    opening = "[" if end.startswith("]") else ""
    return f"{begin}{opening}…{found}{rest}"
