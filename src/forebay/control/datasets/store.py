"""How datasets are kept. Every query of a caller names the organization and the sandbox."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from forebay.control.datasets.model import (
    PROFILE_TAG,
    DatasetSummary,
    StoredDataset,
    has_unique_ids,
    is_enabled,
    table_name_of,
)
from forebay.control.scope import Scope
from forebay.control.store import tables

_datasets = tables.datasets


def find_dataset(connection: sa.Connection, scope: Scope, dataset_id: str) -> StoredDataset | None:
    """Return a dataset by its id."""
    row = connection.execute(
        sa.select(_datasets).where(*_in_scope(scope), _datasets.c.dataset_id == dataset_id)
    ).first()
    return None if row is None else _dataset(row)


def list_datasets(connection: sa.Connection, scope: Scope) -> list[StoredDataset]:
    """Return the datasets of a sandbox, oldest first."""
    query = sa.select(_datasets).where(*_in_scope(scope))
    query = query.order_by(_datasets.c.created_ms, _datasets.c.dataset_id)
    return [_dataset(row) for row in connection.execute(query)]


def list_summaries(connection: sa.Connection) -> list[DatasetSummary]:
    """Return the datasets of all organizations: for the platform itself, never for a caller."""
    query = sa.select(_datasets).order_by(_datasets.c.created_ms, _datasets.c.dataset_id)
    return [
        DatasetSummary(
            dataset_id=row.dataset_id,
            org_id=row.org_id,
            sandbox_id=row.sandbox_id,
            name=row.name,
            table_name=table_name_of(row.document),
            schema_id=row.schema_id,
            is_profile_enabled=is_enabled(row.document, PROFILE_TAG),
            has_unique_ids=has_unique_ids(row.document),
        )
        for row in connection.execute(query)
    ]


def insert_dataset(connection: sa.Connection, scope: Scope, dataset: StoredDataset) -> None:
    """Keep a new dataset."""
    connection.execute(
        sa.insert(_datasets).values(
            org_id=scope.org_id,
            sandbox_id=scope.sandbox_id,
            dataset_id=dataset.dataset_id,
            created_ms=dataset.created_ms,
            **_columns(dataset),
        )
    )


def update_dataset(connection: sa.Connection, scope: Scope, dataset: StoredDataset) -> None:
    """Keep a dataset in place of its former state."""
    connection.execute(
        sa.update(_datasets)
        .where(*_in_scope(scope), _datasets.c.dataset_id == dataset.dataset_id)
        .values(**_columns(dataset))
    )


def delete_dataset(connection: sa.Connection, scope: Scope, dataset_id: str) -> bool:
    """Forget a dataset; say whether there was one."""
    result = connection.execute(
        sa.delete(_datasets).where(*_in_scope(scope), _datasets.c.dataset_id == dataset_id)
    )
    return result.rowcount > 0


def _in_scope(scope: Scope) -> Sequence[sa.ColumnElement[bool]]:
    return (_datasets.c.org_id == scope.org_id, _datasets.c.sandbox_id == scope.sandbox_id)


def _columns(dataset: StoredDataset) -> dict[str, Any]:
    return {
        "name": dataset.name,
        "schema_id": dataset.schema_id,
        "etag": dataset.etag,
        "updated_ms": dataset.updated_ms,
        "document": dataset.document,
    }


def _dataset(row: sa.Row[Any]) -> StoredDataset:
    return StoredDataset(
        dataset_id=row.dataset_id,
        name=row.name,
        schema_id=row.schema_id,
        etag=row.etag,
        created_ms=row.created_ms,
        updated_ms=row.updated_ms,
        document=row.document,
    )
