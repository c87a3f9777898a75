"""`forebay query`: a SELECT over the lake, printed."""

import csv
import sys
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
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@click.command()
@click.argument("sql")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    show_default=True,
)
@data_option
@org_option
@sandbox_option
def command(
    sql: str, form: str, data: Path | None, org_id: str | None, sandbox: str | None
) -> None:
    """
    Run a SELECT over the datasets of a sandbox.

    Each dataset is a view under its name, its table name and its id; failed records are the
    view failed_records. Nested fields are reached with dots. Nothing can be changed.

    \b
    forebay query 'show tables'
    forebay query 'select person.name.firstName from sample_people limit 5'
    forebay query 'select stage, message, count(*) from failed_records group by all'
    """
    from forebay.app.lake_query import query_sandbox  # noqa: PLC0415  heavy imports

    chosen = settings.load(data=data)
    directory = DataDirectory(chosen.data)
    directory.require()
    org_id = credentials.get(directory.credentials, org_id).org_id
    with query_sandbox(directory, sql, org_id=org_id, sandbox=sandbox) as result:
        _PRINT[form](list(result.columns), result.rows())


def _print_table(columns: list[str], rows: Any) -> None:  # noqa: ANN401  an iterator of rows
    # Text, not markup: what a record holds must not format the terminal.
    console = Console()
    if len(columns) * _COLUMN_WIDTH_MIN > console.width:
        for number, row in enumerate(rows, 1):
            console.rule(f"row {number}", align="left")
            upright = Table(show_header=False, box=None, pad_edge=False)
            upright.add_column(style="bold")
            upright.add_column(overflow="fold")
            for name, value in zip(columns, row, strict=True):
                upright.add_row(name, _escaped(_shown(value)))
            console.print(upright)
        return
    table = Table(*columns)
    for row in rows:
        table.add_row(*(_escaped(_shown(value)) for value in row))
    console.print(table)


def _print_json(columns: list[str], rows: Any) -> None:  # noqa: ANN401  an iterator of rows
    records = [dict(zip(columns, row, strict=True)) for row in rows]
    click.echo(json.encode(records))


def _print_csv(columns: list[str], rows: Any) -> None:  # noqa: ANN401  an iterator of rows
    writer = csv.writer(sys.stdout)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(value) for value in row])


def _cell(value: object) -> object:
    # A cell that a spreadsheet would run as a formula is text with an apostrophe.
    text = _shown(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, dict | list):
        return json.encode(value).decode()
    return str(value)


def _escaped(text: str) -> Any:  # noqa: ANN401  rich's text
    from rich.text import Text  # noqa: PLC0415  only for tables

    visible = printable(text, kept="\n")
    return Text(visible)


_PRINT = {"table": _print_table, "json": _print_json, "csv": _print_csv}
