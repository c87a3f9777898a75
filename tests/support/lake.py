"""Rows and tables to test the lake with."""

from collections.abc import Iterable
from typing import Any

from forebay.kernel import json
from forebay.kernel.ids import Offset, PartitionId
from forebay.lake.ports import Mark, Origin, Rows, TableId
from forebay.xdm.fields import ArrayOf, Field, FieldType, MapOf, Object, Scalar, ScalarKind

TABLE = TableId("bd013bac-372e-4e8a-af1f-83c53d1d5dda", "a" * 24)
OTHER_TABLE = TableId("bd013bac-372e-4e8a-af1f-83c53d1d5dda", "b" * 24)
ONE = PartitionId(1)
TWO = PartitionId(2)


def scalar(kind: str) -> Scalar:
    return Scalar(ScalarKind(kind))


def fields(**members: FieldType | str) -> Object:
    """Return an object; a text stands for a scalar."""
    return Object(
        tuple(
            Field(name=name, type=scalar(kind) if isinstance(kind, str) else kind)
            for name, kind in members.items()
        )
    )


PERSON = fields(
    _id="string",
    age="int",
    visits="long",
    score="number",
    isMember="boolean",
    born="date",
    seen="date-time",
    extra="json",
    emails=ArrayOf(fields(address="string")),
    identityMap=MapOf(ArrayOf(fields(id="string"))),
    home=fields(city="string", place=fields()),
)


def an_origin(offset: int = 0, *, partition: int = 1, is_batch: bool = True) -> Origin:
    return Origin(
        received_ms=1_795_000_000_123,
        partition=PartitionId(partition),
        offset=Offset(offset),
        is_batch=is_batch,
        inlet_id="inlet",
        source_name="Shop",
        flow_id=None,
        is_authenticated=True,
        schema_version="1.0",
    )


def rows_of(entities: Iterable[Any], *, offset: int = 0) -> Rows:
    """Return rows of one batch; bytes are taken as they are."""
    rows = Rows()
    origin = an_origin(offset)
    for index, entity in enumerate(entities):
        rows.entities.append(entity if isinstance(entity, bytes) else json.encode(entity))
        rows.indexes.append(index)
        rows.origins.append(origin)
    return rows


def mark(following: int, log_id: str = "1f") -> Mark:
    return Mark(log_id, Offset(following))
