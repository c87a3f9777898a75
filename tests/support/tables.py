"""Numbers that tests find out, as tables at the end of a run, also of one on several processes."""

from collections.abc import Callable, Iterable
from typing import Any

PROPERTY = "table"

Record = Callable[[str, object], None]
"""What pytest's fixture ``record_property`` is."""


def tell(record: Record, table: str, row: str, counts: dict[str, int]) -> None:
    """
    Add counts to a row of a table.

    A count with the name ``of`` is what the others should be, and is printed behind each.
    """
    record(PROPERTY, {"table": table, "row": row, "counts": counts})


def tables(properties: Iterable[tuple[str, Any]]) -> dict[str, list[list[str]]]:
    """Return the cells of every table, with its head and the sum of several rows."""
    found: dict[str, dict[str, dict[str, int]]] = {}
    for name, value in properties:
        if name == PROPERTY:
            rows = found.setdefault(value["table"], {})
            row = rows.setdefault(value["row"], {})
            for column, count in value["counts"].items():
                row[column] = row.get(column, 0) + count
    return {table: _cells(rows) for table, rows in sorted(found.items())}


def lines(cells: list[list[str]]) -> list[str]:
    """Return the cells of a table in columns of even width."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        " | ".join(
            [row[0].ljust(widths[0])]
            + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        )
        for row in cells
    ]


def _cells(rows: dict[str, dict[str, int]]) -> list[list[str]]:
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    sums = {column: sum(row.get(column, 0) for row in rows.values()) for column in columns}
    named = [*sorted(rows.items()), *([("together", sums)] if len(rows) > 1 else [])]
    shown = [column for column in columns if column != "of"]
    return [
        ["", *shown],
        *([name, *(_cell(row, column) for column in shown)] for name, row in named),
    ]


def _cell(row: dict[str, int], column: str) -> str:
    count = f"{row.get(column, 0):,}"
    return f"{count} of {row['of']:,}" if "of" in row else count
