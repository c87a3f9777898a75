"""`forebay query`: a SELECT over the lake, printed."""

import csv
import sys
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from forebay.app import credentials, settings
from forebay.app.data_directory import DataDirectory
from forebay.cli.options import data_option, org_option, sandbox_option
from forebay.cli.terminal import printable
from forebay.kernel import json

_COLUMN_WIDTH_MIN = 10
"""Narrower columns cannot be read: then each row is printed upright."""
_FILES = ("arrow", "parquet")


@click.command()
@click.argument("sql")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv", "arrow", "parquet"]),
    default="table",
    show_default=True,
    help="arrow is a stream; it and parquet are files: redirect them into one.",
)
@click.option("--limit", type=click.IntRange(min=0), help="Rows at most.  [all]")
@click.option(
    "--timeout",
    "seconds_max",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    help="Seconds after which the query is broken off.",
)
@data_option
@org_option
@sandbox_option
def command(
    sql: str,
    form: str,
    limit: int | None,
    seconds_max: float,
    data: Path | None,
    org_id: str | None,
    sandbox: str | None,
) -> None:
    """
    Run a SELECT over the datasets of a sandbox.

    Each dataset is a view under its name, its table name and its id; failed records are the
    view failed_records. Nested fields are reached with dots. Nothing can be changed.

    The files are read beside the server; who has no access to them asks the
    platform: POST /forebay/v1/query.

    \b
    forebay query 'show tables'
    forebay query 'select person.name.firstName from sample_people limit 5'
    forebay query 'select stage, message, count(*) from failed_records group by all'
    """
    from forebay.app.lake_query import query_sandbox, write_all  # noqa: PLC0415  heavy imports

    if form in _FILES and sys.stdout.isatty():
        raise click.UsageError(f"{form} is not for a terminal: redirect it, as in > result.{form}")
    chosen = settings.load(data=data)
    directory = DataDirectory(chosen.data)
    directory.require()
    org_id = credentials.get(directory.credentials, org_id).org_id
    with query_sandbox(
        directory, sql, org_id=org_id, sandbox=sandbox, seconds_max=seconds_max
    ) as result:
        if form in _FILES:
            sys.stdout.buffer.write(write_all(result, form, limit=limit))
        else:
            _PRINT[form](list(result.columns), islice(result.rows(), limit))


def _print_table(columns: list[str], rows: Any) -> None:  # noqa: ANN401  an iterator of rows
    from forebay.lake.output import shown  # noqa: PLC0415  heavy imports

    # Text, not markup: what a record holds must not format the terminal.
    console = Console()
    if len(columns) * _COLUMN_WIDTH_MIN > console.width:
        for number, row in enumerate(rows, 1):
            console.rule(f"row {number}", align="left")
            upright = Table(show_header=False, box=None, pad_edge=False)
            upright.add_column(style="bold")
            upright.add_column(overflow="fold")
            for name, value in zip(columns, row, strict=True):
                upright.add_row(name, _escaped(shown(value)))
            console.print(upright)
        return
    table = Table(*columns)
    for row in rows:
        table.add_row(*(_escaped(shown(value)) for value in row))
    console.print(table)


def _print_json(columns: list[str], rows: Any) -> None:  # noqa: ANN401  an iterator of rows
    records = [dict(zip(columns, row, strict=True)) for row in rows]
    click.echo(json.encode(records))


def _print_csv(columns: list[str], rows: Any) -> None:  # noqa: ANN401  an iterator of rows
    from forebay.lake.output import cell  # noqa: PLC0415  heavy imports

    writer = csv.writer(sys.stdout)
    writer.writerow([cell(name) for name in columns])
    for row in rows:
        writer.writerow([cell(value) for value in row])


def _escaped(text: str) -> Any:  # noqa: ANN401  rich's text
    from rich.text import Text  # noqa: PLC0415  only for tables

    visible = printable(text, kept="\n")
    return Text(visible)


_PRINT: dict[str, Callable[[list[str], Any], None]] = {
    "table": _print_table,
    "json": _print_json,
    "csv": _print_csv,
}
