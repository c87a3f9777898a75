"""
Batches as the snapshots of a table tell them: what the ledger is made from after a crash.

The summary says what a batch was, and the snapshot's manifests which files it added.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from pyiceberg.io import FileIO
from pyiceberg.manifest import DataFile, ManifestEntryStatus
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot

from forebay.lake.batches import Batch, BatchFile, completed, read_summary, summary_of

_KEY = "forebay.batches"


def properties_of(batches: Sequence[Batch]) -> dict[str, str]:
    """Return the members of a summary that say what the batches of a commit were."""
    return {_KEY: summary_of(batches)} if batches else {}


def batches_in(table: Table, lake: Path, is_known: Callable[[str], bool]) -> Iterator[Batch]:
    """Yield the batches of a table's snapshots, but for those that are known already."""
    for snapshot in table.metadata.snapshots:
        said = snapshot.summary.additional_properties.get(_KEY) if snapshot.summary else None
        unknown = [b for b in read_summary(said) if not is_known(b.batch_id)] if said else []
        files = _files(table.io, snapshot, lake) if unknown else ()
        for batch in unknown:
            yield completed(batch, snapshot.snapshot_id, files)


def described(file: DataFile, lake: Path) -> BatchFile:
    """Return what a batch tells of a data file; its path is relative to the lake."""
    path = str(Path(file.file_path).relative_to(lake))
    return BatchFile(path, file.record_count, file.file_size_in_bytes)


def _files(io: FileIO, snapshot: Snapshot, lake: Path) -> tuple[BatchFile, ...]:
    """Return the data files that a snapshot added."""
    return tuple(
        described(entry.data_file, lake)
        for manifest in snapshot.manifests(io)
        if manifest.added_snapshot_id == snapshot.snapshot_id
        for entry in manifest.fetch_manifest_entry(io)
        if entry.status == ManifestEntryStatus.ADDED and entry.snapshot_id == snapshot.snapshot_id
    )
