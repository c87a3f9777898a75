"""
Results as files: JSON, CSV, Arrow, Parquet.

JSON and CSV are written row by row and broken off where they grow too large; the others are
made from one table. A text that a spreadsheet would run as a formula gets an apostrophe in CSV.
"""

import csv
import io
import math
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, NamedTuple

from forebay.kernel import json
from forebay.lake.statement import QueryRefused, Result

FORMATS = ("json", "csv", "arrow", "parquet")
"""What a result can be written as."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Written(NamedTuple):
    """A result as bytes."""

    content: bytes
    row_count: int
    is_truncated: bool
    """There are more rows than were asked for."""


def write(result: Result, form: str, *, limit: int, bytes_max: int) -> Written:
    """
    Return the first rows of a result in one of `FORMATS`.

    Raises:
        QueryRefused: The query failed on the way, or the bytes are too many.
    """
    return _WRITERS[form](result, limit, bytes_max)


def cell(value: object) -> str:
    """Return a value as a cell of CSV: a formula becomes a text."""
    text = shown(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text


def shown(value: object) -> str:
    """Return a value as one text; null is empty, objects and lists are JSON."""
    if value is None:
        return ""
    if isinstance(value, dict | list):
        return json.encode(_plain(value)).decode()
    return str(value)


def _json(result: Result, limit: int, bytes_max: int) -> Written:
    columns = [
        {"name": name, "type": kind}
        for name, kind in zip(result.columns, result.types, strict=True)
    ]
    head = json.encode(columns)
    parts: list[bytes] = []
    size = len(head)
    rows = result.rows()
    for row in islice(rows, limit):
        # Lists and not objects: two columns may have one name.
        parts.append(json.encode([_plain(value) for value in row]))
        size += len(parts[-1]) + 1
        _require_room(size, bytes_max)
    is_truncated = _has_more(rows)
    content = b'{"columns":%s,"rows":[%s],"rowCount":%d,"isTruncated":%s}' % (
        head,
        b",".join(parts),
        len(parts),
        b"true" if is_truncated else b"false",
    )
    return Written(content, len(parts), is_truncated)


def _csv(result: Result, limit: int, bytes_max: int) -> Written:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([cell(name) for name in result.columns])
    count = 0
    rows = result.rows()
    for row in islice(rows, limit):
        writer.writerow([cell(value) for value in row])
        count += 1
        _require_room(text.tell(), bytes_max)
    content = text.getvalue().encode()
    _require_room(len(content), bytes_max)
    return Written(content, count, _has_more(rows))


def _arrow(result: Result, limit: int, bytes_max: int) -> Written:
    import pyarrow as pa  # type: ignore[import-untyped]  # noqa: PLC0415  heavy; has no types

    def put(table: Any, sink: io.BytesIO) -> None:  # noqa: ANN401  pyarrow has no types
        with pa.ipc.new_stream(sink, table.schema) as stream:
            stream.write_table(table)

    return _table(result, limit, bytes_max, put)


def _parquet(result: Result, limit: int, bytes_max: int) -> Written:
    import pyarrow.parquet as pq  # type: ignore[import-untyped]  # noqa: PLC0415  heavy; no types

    return _table(result, limit, bytes_max, pq.write_table)


def _table(
    result: Result, limit: int, bytes_max: int, put: Callable[[Any, io.BytesIO], None]
) -> Written:
    table = result.arrow(limit=limit + 1)
    _require_room(table.nbytes, bytes_max)
    kept = table.slice(0, limit)
    sink = io.BytesIO()
    put(kept, sink)
    return Written(sink.getvalue(), kept.num_rows, table.num_rows > limit)


_WRITERS: dict[str, Callable[[Result, int, int], Written]] = {
    "json": _json,
    "csv": _csv,
    "arrow": _arrow,
    "parquet": _parquet,
}


def _plain(value: Any) -> Any:  # noqa: ANN401  any value of DuckDB's
    """Return a value as JSON can hold it; numbers that it cannot are texts."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, dict):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return _text(value)


def _text(value: Any) -> str:  # noqa: ANN401  any value of DuckDB's
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    return str(value.isoformat()) if hasattr(value, "isoformat") else str(value)


def _has_more(rows: Iterator[tuple[Any, ...]]) -> bool:
    return next(rows, None) is not None


def _require_room(size: int, bytes_max: int) -> None:
    if size > bytes_max:
        raise QueryRefused(
            f"the result has more than {bytes_max} bytes: ask for fewer rows or columns"
        )
