"""What the lake's files hold, for those who download: data files, failed records, first rows."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]  # has no types
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.expressions import EqualTo
from pyiceberg.table import Table

from forebay.lake.catalog import FILE, TROUBLE, identifier, open_catalog, unavailable
from forebay.lake.ports import FAILED_RECORDS, TableId


class LakeFiles:
    """Reads beside the one who writes; what it returns is of one snapshot."""

    def __init__(self, path: Path) -> None:
        self._path = path.absolute()

    def find(self, path: str) -> Path | None:
        """Return where a data file of a batch lies; None if it is not there any more."""
        found = (self._path / path).resolve()
        is_inside = found.is_relative_to(self._path.resolve())
        return found if is_inside and found.is_file() else None

    def failed_lines(self, sandbox_id: str, batch_id: str) -> bytes:
        """
        Return the failed records of a batch, a JSON line each (decisions, 7).

        Raises:
            TableUnavailable: The failed records cannot be read.
        """
        with self._reading(TableId(sandbox_id, FAILED_RECORDS)) as table:
            if table is None or "batchId" not in table.schema().column_names:
                return b""
            scan = table.scan(
                row_filter=EqualTo(term="batchId", value=batch_id),
                selected_fields=("record", "batchId"),
            )
            lines = scan.to_arrow().column("record").to_pylist()
        return "".join(f"{line}\n" for line in lines).encode()

    def first_rows(self, table: TableId, *, limit: int) -> list[dict[str, Any]]:
        """
        Return some rows of a table; none if it was never written to.

        Raises:
            TableUnavailable: The table cannot be read.
        """
        with self._reading(table) as found:
            if found is None:
                return []
            rows: pa.Table = found.scan(limit=limit).to_arrow()
            return list(rows.to_pylist())

    @contextmanager
    def _reading(self, table: TableId) -> Iterator[Table | None]:
        if not (self._path / FILE).exists():
            yield None
            return
        catalog = open_catalog(self._path)
        try:
            yield _find(catalog.load_table, table)
        except TROUBLE as error:
            raise unavailable(table, "read", error) from error
        finally:
            catalog.close()


def _find(load: Any, table: TableId) -> Table | None:  # noqa: ANN401  the catalog's method
    try:
        found: Table = load(identifier(table))
    except NoSuchTableError:
        return None
    return found
