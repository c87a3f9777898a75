"""
What a dataset is: Catalog's open document, and the few facts that others rely on.

Tags are lists of texts such as ``enabled:true``; clients also write them with a blank, so they
are read with care and kept as they came (schema-catalog-profile, 3.2).
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from forebay.kernel.ids import DatasetId, OrgId, SandboxId, SchemaId

TABLE_TAG = "adobe/pqs/table"
PROFILE_TAG = "unifiedProfile"
FORMAT_TAG = "adobe/siphon/table/format"
DUPLICATES_TAG = "forebay/duplicates"

_TABLE_NAME_LENGTH_MAX = 200
_NOT_IN_TABLE_NAME = re.compile(r"[^a-z0-9]+")


class StoredDataset(msgspec.Struct, frozen=True, kw_only=True):
    """A dataset as kept."""

    dataset_id: DatasetId
    name: str
    schema_id: SchemaId
    etag: str
    created_ms: int
    updated_ms: int
    document: dict[str, Any]


class DatasetSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What routing, the lake and Profile need to know of a dataset."""

    dataset_id: DatasetId
    org_id: OrgId
    sandbox_id: SandboxId
    name: str
    table_name: str
    """How SQL calls it; unique in its sandbox and never changed."""
    schema_id: SchemaId
    is_profile_enabled: bool
    has_unique_ids: bool
    """Its records are events, and what bears the id of another one is a duplicate."""


def snake_case(name: str) -> str:
    """Return the query table name that follows from a dataset's name, before it is made unique."""
    table_name = _NOT_IN_TABLE_NAME.sub("_", name.lower()).strip("_")
    if not table_name or table_name[0].isdigit():
        table_name = f"dataset_{table_name}".rstrip("_")  # no SQL name begins with a digit
    return table_name[:_TABLE_NAME_LENGTH_MAX]


def table_name_of(document: Mapping[str, Any]) -> str:
    """Return the query table name of a dataset."""
    table_name: str = document["tags"][TABLE_TAG][0]
    return table_name


def has_unique_ids(document: Mapping[str, Any]) -> bool:
    """Say whether a dataset holds events and does not switch the rule on duplicates off."""
    is_event = document.get("classification", {}).get("dataBehavior") == "time-series"
    return is_event and "off" not in document["tags"].get(DUPLICATES_TAG, ())


def is_enabled(document: Mapping[str, Any], tag: str) -> bool:
    """Say whether a tag holds ``enabled:true``, with or without blanks."""
    values = document["tags"].get(tag, ())
    return any(
        isinstance(value, str) and re.fullmatch(r"\s*enabled\s*:\s*true\s*", value, re.IGNORECASE)
        for value in values
    )
