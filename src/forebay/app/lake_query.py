"""Querying one sandbox's datasets by name, beside a running server or without one."""

from forebay.app.data_directory import DataDirectory
from forebay.control.datasets.service import DatasetService
from forebay.control.sandboxes.service import SandboxService
from forebay.control.schemas.service import SchemaService
from forebay.control.store.engine import ControlStore
from forebay.kernel.clock import SystemClock
from forebay.kernel.ids import OrgId
from forebay.lake.ports import FAILED_RECORDS, TableId, table_fields
from forebay.lake.query import Result, query
from forebay.xdm.fields import Object
from forebay.xdm.standard import StandardLibrary
from forebay.xdm.validator import Validator


def query_sandbox(data: DataDirectory, sql: str, *, org_id: str, sandbox: str | None) -> Result:
    """
    Answer a SELECT over the datasets of a sandbox.

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
        datasets = [
            dataset
            for dataset in DatasetService(store, clock, schemas).list_datasets()
            if dataset.sandbox_id == scope.sandbox_id
        ]
        by_table = {TableId(d.sandbox_id, d.dataset_id): d for d in datasets}

        def fields_of(table: TableId) -> Object | None:
            dataset = by_table.get(table)
            if dataset is None:
                return None
            document = schemas.validation_document(scope, dataset.schema_id)
            return table_fields(Validator(document).fields)

        tables = {name: table for table, d in by_table.items() for name in (d.name, d.table_name)}
        tables[FAILED_RECORDS] = TableId(scope.sandbox_id, FAILED_RECORDS)
        return query(data.lake, tables, sql, fields_of=fields_of)
    finally:
        store.close()
