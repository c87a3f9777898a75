"""
What a query costs: ``python bench/query.py [records]``.

Writes a table of events (a million by default) and asks it as the platform does: in a process
of its own, from the order to the bytes of the answer. Prints the median of five for each.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from forebay.lake.confined import answer
from forebay.lake.iceberg import IcebergTables
from forebay.lake.ports import table_fields
from forebay.lake.query import make_views
from forebay.lake.query_process import Order
from forebay.lake.statement import View

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
from support.lake import PERSON, TABLE, rows_of

RECORDS = 1_000_000
OF_ONE_COMMIT = 100_000
REPEAT = 5
QUERIES = {
    "nothing": ("SELECT 1", "json", 1),
    "count": ("SELECT count(*) FROM people", "json", 1),
    "aggregate of a nested field": (
        "SELECT home.city, count(*), avg(age), max(visits) FROM people GROUP BY 1 ORDER BY 2 DESC",
        "json",
        1_000,
    ),
    "distinct ids": ("SELECT count(DISTINCT _id) FROM people", "json", 1),
    "10,000 rows as json": ("SELECT * FROM people", "json", 10_000),
    "100,000 rows as arrow": ("SELECT _id, age, home FROM people", "arrow", 100_000),
    "100,000 rows as parquet": ("SELECT _id, age, home FROM people", "parquet", 100_000),
}


def main() -> None:
    records = int(sys.argv[1]) if len(sys.argv) > 1 else RECORDS
    with tempfile.TemporaryDirectory() as folder:
        lake = Path(folder) / "lake"
        fill(lake, records)
        print(f"{records:,} rows in {-(-records // OF_ONE_COMMIT)} files")
        for name, (sql, form, limit) in QUERIES.items():
            times = [asyncio.run(ask(lake, sql, form, limit)) for _ in range(REPEAT)]
            print(f"{name:<28} {statistics.median(times) * 1e3:>7.0f} ms")


def fill(lake: Path, records: int) -> None:
    tables = IcebergTables(lake)
    columns = table_fields(PERSON)
    tables.ensure(TABLE, columns)
    for first in range(0, records, OF_ONE_COMMIT):
        people = [
            {"_id": f"p{n}", "age": n % 90, "visits": n, "home": {"city": f"City {n % 500}"}}
            for n in range(first, min(first + OF_ONE_COMMIT, records))
        ]
        tables.append(TABLE, tables.prepare(columns, rows_of(people)), {})
    tables.close()


async def ask(lake: Path, sql: str, form: str, limit: int) -> float:
    def views(names: Sequence[str]) -> list[View]:
        return make_views(lake, dict.fromkeys(names, TABLE))

    order = Order(
        sql=sql, names=["people"], form=form, limit=limit, bytes_max=2**25, seconds_max=60.0
    )
    began = time.perf_counter()
    await answer(order, views)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
