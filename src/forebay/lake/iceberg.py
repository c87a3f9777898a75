"""
Tables as Apache Iceberg on local files: the adapter of `TableStore`.

An append is one snapshot. Its summary carries the marks of every partition, also of those
that did not move, so that the newest snapshot alone says where the table stands::

    forebay.log.0001.id = 0f3c…    forebay.log.0001.next-offset = 4711

There is one committer per table, and it never retries blindly. A commit that failed in the
middle is looked up: if the table's marks are ours it has happened, else it has not.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]  # has no types
import pyarrow.parquet as pq  # type: ignore[import-untyped]  # has no types
import structlog
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.io.pyarrow import (
    compute_statistics_plan,
    data_file_statistics_from_parquet_metadata,
    parquet_path_to_id_mapping,
)
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.snapshots import Snapshot
from pyiceberg.typedef import Record

from forebay.kernel.files import make_directory
from forebay.kernel.ids import Offset, PartitionId, new_hex
from forebay.lake.arrow import ArrowRows, conform, prepare
from forebay.lake.batches import Batch
from forebay.lake.catalog import TROUBLE, identifier, open_catalog, unavailable
from forebay.lake.columns import conflicts, outdated_docs
from forebay.lake.maintenance import forget_old_snapshots
from forebay.lake.ports import (
    Address,
    Appended,
    FieldsConflict,
    Mark,
    MarkBehind,
    Marks,
    Rows,
    TableId,
)
from forebay.lake.shared_schemas import share_schemas
from forebay.lake.summaries import batches_in, described, properties_of
from forebay.lake.types import iceberg_schema
from forebay.xdm.fields import Object

_PREFIX = "forebay.log."
_ID = ".id"
_NEXT = ".next-offset"

_PROPERTIES = {
    "format-version": "2",
    # Without these three, a commit takes ten times longer after two hundred of them.
    "commit.manifest-merge.enabled": "true",
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "20",
    # The second committer, whoever it is, must not be merged with: we want to hear of it.
    "commit.retry.num-retries": "0",
    "write.parquet.compression-codec": "zstd",
    "write.parquet.compression-level": "1",
    # Bounds of hundreds of columns in every manifest help nobody; these are looked for.
    "write.metadata.metrics.default": "counts",
    "write.metadata.metrics.column.timestamp": "full",
    "write.metadata.metrics.column._ingest.partition": "full",
    "write.metadata.metrics.column._ingest.offset": "full",
    "write.metadata.metrics.column._ingest.receivedAt": "full",
    "write.metadata.metrics.column.partition": "full",
    "write.metadata.metrics.column.offset": "full",
    "write.metadata.metrics.column.failedAt": "full",
    "write.metadata.metrics.column.batchId": "full",
}


def _no_step(_step: str) -> None:
    """Do nothing: where a test stops the process."""


class IcebergTables:
    """The lake below one directory."""

    def __init__(self, path: Path, *, on_step: Callable[[str], None] = _no_step) -> None:
        # What the system's allocator frees can be given back to the system after a flush.
        pa.set_memory_pool(pa.system_memory_pool())
        self._path = path.absolute()
        self._spool = make_directory(self._path / "spool")
        for left_over in self._spool.iterdir():
            shutil.rmtree(left_over)  # of a conversion that a crash cut short
        self._catalog: SqlCatalog = open_catalog(self._path)
        self._tables: dict[TableId, Table] = {}
        self._fields: dict[TableId, Object] = {}
        self._on_step = on_step

    def marks(self, table: TableId) -> Marks:
        """Return how far the log is in a table."""
        try:
            return _marks(self._load(table).metadata)
        except NoSuchTableError:
            return {}

    def ensure(self, table: TableId, fields: Object) -> None:
        """Make the table, or give it the columns it lacks."""
        if self._fields.get(table) == fields:
            return
        wanted = _wanted(table, fields)
        try:
            self._evolve(self._load(table), table, wanted)
        except NoSuchTableError:
            with self._trouble(table, "made"):
                self._create(table, wanted)
        self._fields[table] = fields

    def prepare(self, fields: Object, rows: Rows) -> ArrowRows:
        """Bring rows into the form of a table with these fields."""
        return prepare(fields, rows, spool=self._spool)

    def append(
        self, table: TableId, prepared: ArrowRows, marks: Marks, *, batches: Sequence[Batch] = ()
    ) -> Appended:
        """Store prepared rows and marks in one commit."""
        target = self._load(table)
        before = _marks(target.metadata)
        try:
            _check_order(table, before, marks)
        except MarkBehind:
            self._forget(table)  # what another committer did is seen at the next attempt
            raise
        after = {**before, **marks}
        with self._trouble(table, "written"):
            file = _write(target, prepared.table) if prepared.row_count else None
        self._on_step("data file written")
        try:
            with (
                target.transaction() as transaction,
                transaction.update_snapshot(
                    snapshot_properties=_summary(after) | properties_of(batches)
                ).merge_append() as snapshot,
            ):
                if file is not None:
                    snapshot.append_data_file(file)
                self._on_step("before the swap")
        except TROUBLE as error:
            self._resolve(table, after, error, file)
        self._on_step("committed")
        appended = self._appended(table, file)
        self._tidy(table)
        return appended

    def addresses(self, table: TableId, partition: PartitionId, since: Mark) -> set[Address]:
        """Return the addresses in a table of failed records, from an offset on."""
        try:
            scan = self._load(table).scan(
                row_filter=(
                    f"logId == '{since.log_id}' and partition == {int(partition)} "
                    f"and offset >= {int(since.next)}"
                ),
                selected_fields=("logId", "partition", "offset", "index"),
            )
        except NoSuchTableError:
            return set()
        with self._trouble(table, "read"):
            found = scan.to_arrow()
        offsets, indexes = found.column("offset"), found.column("index")
        return {
            Address(partition, Offset(offset), index)
            for offset, index in zip(offsets.to_pylist(), indexes.to_pylist(), strict=True)
        }

    def batches(self, is_known: Callable[[str], bool]) -> list[Batch]:
        """Return the batches of all tables' snapshots, but for those whose id is known."""
        found: list[Batch] = []
        for namespace in self._catalog.list_namespaces():
            for name in self._catalog.list_tables(namespace):
                try:
                    table = self._catalog.load_table(name)
                    found += batches_in(table, self._path, is_known)
                except TROUBLE as error:
                    structlog.get_logger().error(
                        "the batches of a table cannot be read", table=name[-1], error=str(error)
                    )
        return found

    def close(self) -> None:
        """Close the catalog."""
        self._tables.clear()
        self._catalog.close()

    def _load(self, table: TableId) -> Table:
        if table not in self._tables:
            with self._trouble(table, "read"):
                self._tables[table] = self._catalog.load_table(identifier(table))
        return share_schemas(self._tables[table])

    def _create(self, table: TableId, wanted: Schema) -> None:
        namespace, name = identifier(table)
        self._catalog.create_namespace_if_not_exists(namespace)
        self._tables[table] = self._catalog.create_table(
            (namespace, name),
            schema=wanted,
            location=str(self._path / namespace / name),
            properties=_PROPERTIES,
        )

    def _evolve(self, target: Table, table: TableId, wanted: Schema) -> None:
        """
        Give a table the columns it lacks: one commit of metadata, no data file is touched.

        Nothing but columns changes: marks and rows belong to snapshots, so that a crash before the
        append that follows leaves a table with more columns, which the next attempt finds.
        """
        present, struct = target.schema().as_struct(), wanted.as_struct()
        clashes = conflicts(present, struct)
        if clashes and not _is_empty(target.metadata):
            raise FieldsConflict(
                f"table {table.name} of sandbox {table.sandbox_id} has rows, and cannot take the "
                f"schema's columns beside its own: {'; '.join(map(str, clashes[:5]))}"
            )
        with self._trouble(table, "changed"):
            if clashes:
                # No row has a value in any column, so that the new ones may take their names.
                with target.update_schema() as update:
                    for column in {clash.column for clash in clashes}:
                        update.delete_column((column,))
            update = target.update_schema().union_by_name(wanted)
            for path in outdated_docs(present, struct) if not clashes else ():
                update.update_column(path, doc="")
            self._on_step("before the columns")
            update.commit()
            self._on_step("columns committed")

    def _appended(self, table: TableId, file: DataFile | None) -> Appended:
        snapshot = self._load(table).metadata.current_snapshot()
        files = () if file is None else (described(file, self._path),)
        return Appended(snapshot.snapshot_id if snapshot else 0, files)

    def _tidy(self, table: TableId) -> None:
        try:
            forget_old_snapshots(self._load(table))
        except TROUBLE as error:
            # The rows are stored; this is tried again after the next append.
            self._forget(table)
            structlog.get_logger().warning(
                "old snapshots were not removed", table=table.name, error=str(error)
            )

    def _resolve(
        self, table: TableId, after: Marks, error: Exception, file: DataFile | None
    ) -> None:
        """Find out whether a commit that raised has happened; return if it has."""
        self._forget(table)
        if _marks(self._load(table).metadata) == after:
            return
        if file is not None:
            Path(file.file_path).unlink(missing_ok=True)
        raise unavailable(table, "committed", error) from error

    @contextmanager
    def _trouble(self, table: TableId, doing: str) -> Iterator[None]:
        try:
            yield
        except NoSuchTableError:
            raise
        except TROUBLE as error:
            self._forget(table)
            raise unavailable(table, doing, error) from error

    def _forget(self, table: TableId) -> None:
        self._tables.pop(table, None)
        self._fields.pop(table, None)


def _wanted(table: TableId, fields: Object) -> Schema:
    try:
        return iceberg_schema(fields)
    except ValueError as error:
        raise FieldsConflict(
            f"the schema of table {table.name} of sandbox {table.sandbox_id} has names that no "
            f"columns can have: {error}"
        ) from error


def _is_empty(metadata: TableMetadata) -> bool:
    """Say whether no snapshot has a row."""
    return all(
        snapshot.summary is not None
        and snapshot.summary.additional_properties.get("total-records") == "0"
        for snapshot in metadata.snapshots
    )


def _check_order(table: TableId, before: Marks, marks: Marks) -> None:
    for partition, mark in marks.items():
        known = before.get(partition)
        if known is not None and known.log_id == mark.log_id and mark.next < known.next:
            raise MarkBehind(
                f"table {table.name} is at offset {known.next} of partition {partition}; "
                f"an append up to {mark.next} would take it back"
            )


def _summary(marks: Marks) -> dict[str, str]:
    summary: dict[str, str] = {}
    for partition, mark in sorted(marks.items()):
        summary[f"{_PREFIX}{partition:04d}{_ID}"] = mark.log_id
        summary[f"{_PREFIX}{partition:04d}{_NEXT}"] = str(mark.next)
    return summary


def _marks(metadata: TableMetadata) -> dict[PartitionId, Mark]:
    """Return the marks of the newest snapshot that has any: others may have come after it."""
    snapshot: Snapshot | None = metadata.current_snapshot()
    while snapshot is not None:
        found = _read_summary(snapshot.summary.additional_properties if snapshot.summary else {})
        if found:
            return found
        parent = snapshot.parent_snapshot_id
        snapshot = None if parent is None else metadata.snapshot_by_id(parent)
    return {}


def _read_summary(summary: Mapping[str, str]) -> dict[PartitionId, Mark]:
    found: dict[PartitionId, Mark] = {}
    for key, value in summary.items():
        if key.startswith(_PREFIX) and key.endswith(_ID):
            number = key.removeprefix(_PREFIX).removesuffix(_ID)
            offset = int(summary[f"{_PREFIX}{number}{_NEXT}"])
            found[PartitionId(int(number))] = Mark(value, Offset(offset))
    return found


def _write(target: Table, rows: pa.Table) -> DataFile:
    """Write one durable Parquet file with the table's field ids, and describe it."""
    schema = target.schema()
    conformed = conform(rows, schema.as_struct())
    path = target.location_provider().new_data_location(f"{new_hex(32)}.parquet")
    output = target.io.new_output(path)
    collected: list[Any] = []
    with (
        output.create() as stream,
        pq.ParquetWriter(
            stream,
            conformed.schema,
            compression="zstd",
            compression_level=1,
            metadata_collector=collected,
        ) as writer,
    ):
        writer.write_table(conformed)
    statistics = data_file_statistics_from_parquet_metadata(
        parquet_metadata=collected[0],
        stats_columns=compute_statistics_plan(schema, target.metadata.properties),
        parquet_column_mapping=parquet_path_to_id_mapping(schema),
    )
    return DataFile.from_args(
        content=DataFileContent.DATA,
        file_path=path,
        file_format=FileFormat.PARQUET,
        partition=Record(),
        file_size_in_bytes=len(output),
        sort_order_id=None,
        spec_id=target.metadata.default_spec_id,
        equality_ids=None,
        key_metadata=None,
        **statistics.to_serialized_dict(),
    )
