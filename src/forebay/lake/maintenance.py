"""
Snapshots do not pile up: the older ones are forgotten, and what only they needed is removed.

A commit every five seconds is seventeen thousand snapshots a day, and all of them are written
again with every commit. Rows are never touched: the data files of an append belong to every
later snapshot as well.
"""

from pathlib import Path

from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot
from pyiceberg.table.update import AssertCurrentSchemaId, RemoveSchemasUpdate

SNAPSHOTS_MAX = 200
"""More than this, and the oldest go."""

SNAPSHOTS_KEPT = 100
"""Old states that can be read, and that a slow reader may still be busy with."""


def forget_old_snapshots(table: Table) -> None:
    """
    Keep the newest snapshots of a table that has too many.

    The files go after the commit that forgets them: a crash in between leaves files that
    nobody reads, never a snapshot without its files.
    """
    snapshots = sorted(table.metadata.snapshots, key=lambda found: found.sequence_number or 0)
    if len(snapshots) <= SNAPSHOTS_MAX:
        return
    old, kept = snapshots[:-SNAPSHOTS_KEPT], snapshots[-SNAPSHOTS_KEPT:]
    needed = {path for snapshot in kept for path in _files(table, snapshot)}
    unneeded = {path for snapshot in old for path in _files(table, snapshot)} - needed
    table.maintenance.expire_snapshots().by_ids([found.snapshot_id for found in old]).commit()
    for path in unneeded:
        Path(path).unlink(missing_ok=True)
    _forget_old_schemas(table)


def _forget_old_schemas(table: Table) -> None:
    """Drop the schemas that neither the table nor any of its snapshots has: they grow with it."""
    metadata = table.metadata
    used = {snapshot.schema_id for snapshot in metadata.snapshots} | {metadata.current_schema_id}
    unused = [schema.schema_id for schema in metadata.schemas if schema.schema_id not in used]
    if unused:
        current = AssertCurrentSchemaId(current_schema_id=metadata.current_schema_id)
        table.catalog.commit_table(table, (current,), (RemoveSchemasUpdate(schema_ids=unused),))
        table.refresh()


def _files(table: Table, snapshot: Snapshot) -> set[str]:
    """Return the metadata files that a snapshot consists of: its list and its manifests."""
    manifests = {manifest.manifest_path for manifest in snapshot.manifests(table.io)}
    return {snapshot.manifest_list, *manifests}
