"""`forebay validate`: which records of a file would be refused, and what is wrong with them."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from forebay.cli import datasets, violation_table
from forebay.cli.client import Platform
from forebay.cli.options import data_option, org_option, sandbox_option, table_option
from forebay.cli.record_files import Record, pieces
from forebay.cli.registry import Registry
from forebay.cli.violation_table import Summary
from forebay.control.schemas.model import ResourceType
from forebay.kernel import json

_PATH = "/forebay/v1/validate"
_RESULTS_MAX = "10000"
_NDJSON = "application/x-ndjson"


@click.command()
@click.argument("file", type=click.File("rb"))
@click.option("--schema", metavar="TITLE|ID", help="Try the records against a schema.")
@click.option("--dataset", metavar="NAME|ID", help="Try the records against a dataset's schema.")
@click.option("--all", "is_each", is_flag=True, help="Print every invalid record too.")
@table_option
@data_option
@org_option
@sandbox_option
def command(
    file: IO[bytes],
    schema: str | None,
    dataset: str | None,
    is_each: bool,
    form: str,
    data: Path | None,
    org_id: str | None,
    sandbox: str | None,
) -> None:
    """
    Try the records of a file without sending them.

    FILE holds one JSON object a line, a JSON array or one object; plain or gzip; - is standard
    input. Records are bare entities, or whole messages with header and body. Nothing is stored.

    The exit code is 0 if all records are valid, 1 if some are not, 2 for a mistake in the command.

    \b
    forebay validate --dataset people people.ndjson
    forebay validate --schema 'Loyalty members' --all export.json.gz
    zcat events.gz | forebay validate --dataset events --format json -
    """
    if (schema is None) == (dataset is None):
        raise click.UsageError("Name a --schema or a --dataset: exactly one of the two.")
    with ExitStack() as stack:
        platform = stack.enter_context(Platform.of(data, org_id=org_id, sandbox=sandbox))
        target = _target(platform, schema, dataset)
        # Neither bar nor lines can be read if both go to one terminal.
        progress = stack.enter_context(_progress(is_shown=not is_each))
        summary = Summary()
        for piece in _watched(file, progress):
            answer = platform.post_bytes(
                _PATH,
                _body(piece),
                content_type="application/json" if piece[0].line is None else _NDJSON,
                params=target | {"limit": _RESULTS_MAX if is_each else "0"},
            )
            summary.add(_placed(answer, piece), is_kept=form == "json")
            if form == "table":
                violation_table.print_results(answer["results"])
    if form == "json":
        click.echo(json.encode(summary.shown()))
    else:
        violation_table.print_summary(summary)
    if summary.invalid:
        sys.exit(1)


def _target(platform: Platform, schema: str | None, dataset: str | None) -> dict[str, str]:
    if dataset is not None:
        return {"datasetId": datasets.find(platform, dataset).dataset_id}
    found = Registry(platform).find(schema or "", kinds=(ResourceType.SCHEMA,))
    return {"schemaId": found.resource_id}


def _body(piece: list[Record]) -> bytes:
    if piece[0].line is None:
        return b'{"records":[' + b",".join(record.data for record in piece) + b"]}"
    return b"\n".join(record.data for record in piece)


def _placed(answer: dict[str, Any], piece: list[Record]) -> dict[str, Any]:
    """Return an answer in which the records stand at their places in the file."""
    for entry in (*(kind["first"] for kind in answer["summary"]), *answer["results"]):
        record = piece[entry["index"]]
        entry["index"] = record.number
        if record.line is not None:
            entry["line"] = record.line
    return answer


def _watched(file: IO[bytes], progress: Progress) -> Iterator[list[Record]]:
    """Yield the pieces of a file while a bar shows how much of it is done."""
    total = os.fstat(file.fileno()).st_size if file.seekable() else None
    task = progress.add_task("validating", total=total)
    done = 0
    for piece in pieces(file):
        yield piece
        done += len(piece)
        progress.update(
            task,
            completed=file.tell() if total else None,
            description=f"{done:,} records",
        )


def _progress(*, is_shown: bool) -> Progress:
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not (is_shown and console.is_terminal),
    )
