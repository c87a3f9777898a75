"""
Schemas that copies of a table's metadata share, so that wide tables commit as fast as narrow ones.

PyIceberg copies the metadata some fifteen times on the way through a commit, each column of each
schema with it: ten thousand columns take five seconds of that. A schema that has an id never
changes, so copying it is of no use to anyone.
"""

from typing import Self

from pyiceberg.schema import Schema
from pyiceberg.table import Table


class SharedSchema(Schema):
    """A schema that is its own deep copy."""

    def __deepcopy__(self, memo: dict[int, object] | None = None) -> Self:
        return self


def share_schemas(table: Table) -> Table:
    """Make the schemas in a table's metadata shared ones; return the table."""
    metadata = table.metadata
    if not all(isinstance(schema, SharedSchema) for schema in metadata.schemas):
        shared = [_shared(schema) for schema in metadata.schemas]
        table.metadata = metadata.model_copy(update={"schemas": shared})
    return table


def _shared(schema: Schema) -> SharedSchema:
    if isinstance(schema, SharedSchema):
        return schema
    return SharedSchema(
        *schema.fields,
        schema_id=schema.schema_id,
        identifier_field_ids=schema.identifier_field_ids,
    )
