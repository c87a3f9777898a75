"""
The fields of a composed schema, as the lake and the samples need them: types without rules.

Names are payload names (schema-catalog-profile, 2.4), types those of 1.12.
"""

from collections.abc import Mapping
from enum import StrEnum

import msgspec


class ScalarKind(StrEnum):
    """``meta:xdmType`` of a leaf."""

    STRING = "string"
    BOOLEAN = "boolean"
    BYTE = "byte"
    SHORT = "short"
    INT = "int"
    LONG = "long"
    NUMBER = "number"
    DATE = "date"
    DATE_TIME = "date-time"
    JSON = "json"
    """A value whose shape the schema leaves open; kept as its JSON text."""


class Scalar(msgspec.Struct, frozen=True, tag="scalar"):
    """A leaf."""

    kind: ScalarKind


class ArrayOf(msgspec.Struct, frozen=True, tag="array"):
    """A list of one type."""

    item: "FieldType"


class MapOf(msgspec.Struct, frozen=True, tag="map"):
    """Free keys, values of one type."""

    value: "FieldType"


class Field(msgspec.Struct, frozen=True):
    """A named member of an object."""

    name: str
    type: "FieldType"
    is_required: bool = False
    doc: str = ""


class Object(msgspec.Struct, frozen=True, tag="object"):
    """Named members; a record is one."""

    fields: tuple[Field, ...]

    def by_name(self) -> Mapping[str, Field]:
        """Return the members by name."""
        return {field.name: field for field in self.fields}


FieldType = Scalar | ArrayOf | MapOf | Object
