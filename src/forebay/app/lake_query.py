"""Querying one sandbox's datasets by name: for the platform API, and for the command line."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from forebay.api.query import Asked
from forebay.app.data_directory import DataDirectory
from forebay.control.datasets.service import DatasetService
from forebay.control.sandboxes.service import SandboxService
from forebay.control.schemas.service import SchemaService
from forebay.control.scope import Scope
from forebay.control.store.engine import ControlStore
from forebay.kernel.clock import SystemClock
from forebay.kernel.ids import OrgId
from forebay.lake.confined import Answer, answer
from forebay.lake.output import write
from forebay.lake.ports import FAILED_RECORDS, TableId, table_fields
from forebay.lake.query import Result, make_views, query, views_of
from forebay.lake.query_process import Order
from forebay.lake.statement import SECONDS_MAX, View
from forebay.xdm.fields import Object
from forebay.xdm.standard import StandardLibrary
from forebay.xdm.validator import Validator

RESULT_BYTES_MAX = 32 * 1_048_576
"""A result over HTTP, as it is sent; what is larger is read from the files themselves."""

_EVERYTHING = 2**62


class LakeQueries:
    """Answers queries of the platform API (`api.query.Queries`), each in its own process."""

    def __init__(self, schemas: SchemaService, datasets: DatasetService, lake: Path) -> None:
        self._schemas = schemas
        self._datasets = datasets
        self._lake = lake

    async def answer(self, scope: Scope, asked: Asked) -> Answer:
        """
        Return the result of a query over the datasets of a sandbox.

        Raises:
            QueryRefused: The query is wrong, is not a reading one, or wants too much.
            QueryFailed: Its process ended.
            TableUnavailable: A table it names is damaged.
        """
        known = await asyncio.to_thread(_known, scope, self._schemas, self._datasets)

        def views(names: Sequence[str]) -> list[View]:
            wanted = {name: known.tables[name] for name in names}
            return make_views(self._lake, wanted, known.fields_of)

        order = Order(
            sql=asked.sql,
            names=list(known.tables),
            form=asked.format,
            limit=asked.limit,
            bytes_max=RESULT_BYTES_MAX,
            seconds_max=asked.timeout_seconds,
        )
        return await answer(order, views)


def query_sandbox(
    data: DataDirectory,
    sql: str,
    *,
    org_id: str,
    sandbox: str | None,
    seconds_max: float = SECONDS_MAX,
) -> Result:
    """
    Answer a SELECT over the datasets of a sandbox, in this process.

    Each dataset is a view under its name, its table name and its id; ``failed_records`` is
    one too. A dataset that has no rows yet is an empty view.

    Raises:
        PlatformError: There is no such sandbox, or the query is refused.
    """
    clock = SystemClock()
    store = ControlStore.at(data.control)
    try:
        scope = SandboxService(store).resolve(OrgId(org_id), name=sandbox)
        schemas = SchemaService(store, clock, standard=StandardLibrary(data.library))
        known = _known(scope, schemas, DatasetService(store, clock, schemas))
        return query(
            data.lake, known.tables, sql, fields_of=known.fields_of, seconds_max=seconds_max
        )
    finally:
        store.close()


def write_all(result: Result, form: str, *, limit: int | None) -> bytes:
    """Return a whole result, or its first rows, as a file (`lake.output.FORMATS`)."""
    rows_max = _EVERYTHING if limit is None else limit
    return write(result, form, limit=rows_max, bytes_max=_EVERYTHING).content


class _Known(NamedTuple):
    """The tables of a sandbox by all their names, and their columns before they have rows."""

    tables: Mapping[str, TableId]
    fields_of: Callable[[TableId], Object | None]


def _known(scope: Scope, schemas: SchemaService, datasets: DatasetService) -> _Known:
    by_table = {
        TableId(d.sandbox_id, d.dataset_id): d
        for d in datasets.list_datasets()
        if d.sandbox_id == scope.sandbox_id
    }

    def fields_of(table: TableId) -> Object | None:
        dataset = by_table.get(table)
        if dataset is None:
            return None
        document = schemas.validation_document(scope, dataset.schema_id)
        return table_fields(Validator(document).fields)

    tables = {name: table for table, d in by_table.items() for name in (d.name, d.table_name)}
    tables[FAILED_RECORDS] = TableId(scope.sandbox_id, FAILED_RECORDS)
    return _Known(views_of(tables), fields_of)
