"""
Catalog's datasets: created for a schema, tagged for Profile, changed under an entity tag.

A dataset's id, schema and query table name never change: rows already lie under them.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import sqlalchemy as sa

from forebay.control.datasets import store
from forebay.control.datasets.building import OWNED_MEMBERS, content_of, fields_of, merged
from forebay.control.datasets.errors import (
    DatasetChanged,
    DatasetInvalid,
    DatasetNotFound,
    DatasetSchemaInvalid,
)
from forebay.control.datasets.listing import CatalogQuery, select
from forebay.control.datasets.model import (
    PROFILE_TAG,
    TABLE_TAG,
    DatasetSummary,
    StoredDataset,
    is_enabled,
    snake_case,
    table_name_of,
)
from forebay.control.schemas.errors import UnionError
from forebay.control.schemas.json_patch import PatchFailed, apply_patch
from forebay.control.schemas.model import TIME_SERIES, is_union_tagged
from forebay.control.schemas.service import SchemaService
from forebay.control.scope import Actor, Scope
from forebay.control.store.engine import ControlStore
from forebay.kernel.clock import Clock
from forebay.kernel.ids import DatasetId, SchemaId, new_dataset_id, new_etag, new_hex

Document = dict[str, Any]

_VIEW_ID_DIGITS = 24


class DatasetService:
    """The datasets of all sandboxes."""

    def __init__(self, control: ControlStore, clock: Clock, schemas: SchemaService) -> None:
        self._control = control
        self._clock = clock
        self._schemas = schemas

    def create(
        self, scope: Scope, actor: Actor, body: object, *, is_dry_run: bool = False
    ) -> DatasetId:
        """
        Create a dataset and return its id.

        Args:
            scope: The sandbox.
            actor: Who creates it.
            body: The decoded request body.
            is_dry_run: Whether everything is checked and nothing is kept.

        Raises:
            DatasetInvalid: The body is not a dataset.
            DatasetSchemaInvalid: Its schema does not exist or is not ready for Profile.
        """
        content = content_of(body)
        with self._control.write() as connection:
            schema_id, behavior = self._check_schema(connection, scope, content, former=None)
            # Messages name the schema by its $id, whichever of its two ids was given here.
            content["schemaRef"] = content["schemaRef"] | {"id": schema_id}
            now_ms = self._clock.now_ms()
            dataset_id = new_dataset_id()
            table_name = _unique_table_name(connection, scope, content["name"])
            content["tags"] = {TABLE_TAG: [table_name], **content["tags"]}
            document = content | {
                "imsOrg": scope.org_id,
                "sandboxId": scope.sandbox_id,
                "namespace": "ACP",
                "state": "DRAFT",
                "status": "enabled",
                "aspect": "production",
                "version": "1.0.0",
                "created": now_ms,
                "updated": now_ms,
                "createdClient": actor.client_id,
                "createdUser": actor.user_id,
                "updatedUser": actor.user_id,
                "viewId": new_hex(_VIEW_ID_DIGITS),
                "files": f"@/dataSetFiles?dataSetId={dataset_id}",
                "classification": {"dataBehavior": behavior, "managedBy": "CUSTOMER"},
            }
            dataset = StoredDataset(
                dataset_id=dataset_id,
                name=content["name"],
                schema_id=schema_id,
                etag=new_etag(now_ms),
                created_ms=now_ms,
                updated_ms=now_ms,
                document=document,
            )
            if not is_dry_run:
                store.insert_dataset(connection, scope, dataset)
        return dataset_id

    def get(self, scope: Scope, dataset_id: str) -> StoredDataset:
        """
        Return a dataset.

        Raises:
            DatasetNotFound: The sandbox has no such dataset.
        """
        with self._control.read() as connection:
            return _get(connection, scope, dataset_id)

    def list_page(self, scope: Scope, query: CatalogQuery) -> list[StoredDataset]:
        """Return one page of the sandbox's datasets."""
        with self._control.read() as connection:
            return select(store.list_datasets(connection, scope), query)

    def list_all(self, scope: Scope) -> list[StoredDataset]:
        """Return all datasets of a sandbox, oldest first."""
        with self._control.read() as connection:
            return store.list_datasets(connection, scope)

    def list_datasets(self) -> list[DatasetSummary]:
        """Return the datasets of all organizations: for the platform itself, not for a caller."""
        with self._control.read() as connection:
            return store.list_summaries(connection)

    def replace(
        self,
        scope: Scope,
        actor: Actor,
        dataset_id: str,
        body: object,
        *,
        if_match: str | None = None,
        is_dry_run: bool = False,
    ) -> None:
        """
        Put a new description in the place of a dataset's.

        Raises:
            DatasetNotFound: The sandbox has no such dataset.
            DatasetChanged: `if_match` does not name its state.
            DatasetInvalid: The body is not a dataset, or names another schema.
            DatasetSchemaInvalid: Its schema is not ready for Profile.
        """
        self._change(
            scope, actor, dataset_id, lambda _: body, if_match=if_match, is_dry_run=is_dry_run
        )

    def patch(
        self,
        scope: Scope,
        actor: Actor,
        dataset_id: str,
        body: object,
        *,
        is_deep: bool = False,
        if_match: str | None = None,
        is_dry_run: bool = False,
    ) -> None:
        """
        Change a dataset: an array is a JSON Patch, an object is merged into it.

        Args:
            scope: The sandbox.
            actor: Who changes it.
            dataset_id: Which dataset.
            body: The decoded request body.
            is_deep: Whether nested objects are merged too, or replaced.
            if_match: The entity tag that the dataset must have; None and ``*`` mean any.
            is_dry_run: Whether everything is checked and nothing is kept.

        Raises:
            CatalogError: As `replace`.
        """

        def patched(document: Document) -> object:
            if isinstance(body, list):
                try:
                    return apply_patch(document, body, may_replace_absent=True)
                except PatchFailed as error:
                    raise DatasetInvalid(str(error)) from None
            return merged(document, fields_of(body), is_deep=is_deep)

        self._change(scope, actor, dataset_id, patched, if_match=if_match, is_dry_run=is_dry_run)

    def delete(self, scope: Scope, dataset_id: str) -> bool:
        """Delete a dataset; say whether the sandbox had it."""
        with self._control.write() as connection:
            return store.delete_dataset(connection, scope, dataset_id)

    def _change(
        self,
        scope: Scope,
        actor: Actor,
        dataset_id: str,
        changed: Callable[[Document], object],
        *,
        if_match: str | None,
        is_dry_run: bool,
    ) -> None:
        with self._control.write() as connection:
            stored = _get(connection, scope, dataset_id)
            _check_etag(stored, if_match)
            content = content_of(changed(stored.document))
            schema_id, _ = self._check_schema(connection, scope, content, former=stored.document)
            if schema_id != stored.schema_id:
                raise DatasetInvalid(
                    f"schemaRef.id is {schema_id}; the dataset holds rows of {stored.schema_id} "
                    "and keeps that schema"
                )
            content["tags"] = {
                TABLE_TAG: [table_name_of(stored.document)],
                **content["tags"],
            }
            now_ms = max(self._clock.now_ms(), stored.updated_ms + 1)
            owned = {k: v for k, v in stored.document.items() if k in OWNED_MEMBERS}
            document = (
                content
                | owned
                | {
                    "updated": now_ms,
                    "updatedUser": actor.user_id,
                    "version": _next_patch(stored.document["version"]),
                }
            )
            dataset = msgspec.structs.replace(
                stored,
                name=content["name"],
                etag=new_etag(now_ms),
                updated_ms=now_ms,
                document=document,
            )
            if not is_dry_run:
                store.update_dataset(connection, scope, dataset)

    def _check_schema(
        self, connection: sa.Connection, scope: Scope, content: Document, *, former: Document | None
    ) -> tuple[SchemaId, str]:
        """Return the id of the dataset's schema and whether it describes records or events."""
        named = content["schemaRef"]["id"]
        schema = self._schemas.find_schema(scope, named, within=connection)
        if schema is None:
            raise DatasetSchemaInvalid(
                f"schemaRef.id {named} does not exist in this sandbox; expected the $id of a schema"
            )
        was_enabled = former is not None and is_enabled(former, PROFILE_TAG)
        if is_enabled(content, PROFILE_TAG) and not was_enabled:
            self._check_profile_ready(connection, scope, schema)
        is_event = TIME_SERIES in schema.get("meta:extends", ())
        return SchemaId(schema["$id"]), "time-series" if is_event else "record"

    def _check_profile_ready(
        self, connection: sa.Connection, scope: Scope, schema: Mapping[str, Any]
    ) -> None:
        prefix = "To enable profile datasets the schema should be valid"
        if not is_union_tagged(schema):
            raise DatasetSchemaInvalid(
                f"{prefix}: {schema['$id']} has no union tag in meta:immutableTags"
            )
        try:
            self._schemas.check_profile_ready(scope, schema, within=connection)
        except UnionError as error:
            raise DatasetSchemaInvalid(f"{prefix}: {error.message}") from None


def _get(connection: sa.Connection, scope: Scope, dataset_id: str) -> StoredDataset:
    stored = store.find_dataset(connection, scope, dataset_id)
    if stored is None:
        raise DatasetNotFound(f"The dataset {dataset_id} does not exist in this sandbox")
    return stored


def _check_etag(stored: StoredDataset, if_match: str | None) -> None:
    if if_match is None or if_match.strip() == "*":
        return
    if stored.etag.strip('"') not in {tag.strip(' "') for tag in if_match.split(",")}:
        raise DatasetChanged(
            f"Supplied version=[{if_match}] does not match the current version on "
            f"entity=[{stored.etag}]"
        )


def _unique_table_name(connection: sa.Connection, scope: Scope, name: str) -> str:
    taken = {table_name_of(item.document) for item in store.list_datasets(connection, scope)}
    base = snake_case(name)
    table_name, number = base, 2
    while table_name in taken:
        table_name, number = f"{base}_{number}", number + 1
    return table_name


def _next_patch(version: str) -> str:
    major_minor, _, patch = version.rpartition(".")
    return f"{major_minor}.{int(patch) + 1}"
