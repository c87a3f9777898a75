"""`forebay send`: stream a file, or generated records, to an inlet."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TextIO

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from forebay.cli.client import Platform
from forebay.cli.options import data_option, org_option, sandbox_option
from forebay.cli.sending import Sender, Summary
from forebay.cli.target import Target
from forebay.kernel import json
from forebay.kernel.ids import STREAMING_SPEC_ID, new_hex
from forebay.xdm.samples import sample

_POOL_MAX = 500
"""Different records among the generated ones."""
_SEED_DIGITS = 8
_FLOW_SERVICE = "/data/foundation/flowservice/connections"


@click.command()
@click.argument("file", required=False, type=click.File("rb"))
@click.option(
    "--dataset", "dataset", required=True, metavar="NAME|ID", help="Where the records go."
)
@click.option("--samples", type=click.IntRange(1), help="Send this many generated valid records.")
@click.option(
    "--seed", type=int, help="Generates the same records, with the same ids, each time.  [new ones]"
)
@click.option("--inlet", metavar="URL", help="An inletUrl.  [default: the sandbox's first inlet]")
@click.option(
    "--batch",
    "batch_size",
    type=click.IntRange(1, 10_000),
    default=100,
    show_default=True,
    help="Messages in one request; 1 uses the single endpoint.",
)
@click.option(
    "--connections",
    type=click.IntRange(1, 256),
    default=4,
    show_default=True,
    help="Requests under way at once.",
)
@click.option("--sync-validation", is_flag=True, help="Validate before the answer.")
@click.option("--receipts", type=click.File("w"), help="File for the transaction ids, a line each.")
@data_option
@org_option
@sandbox_option
def command(
    file: Any,  # noqa: ANN401  click's file type
    dataset: str,
    samples: int | None,
    seed: int | None,
    inlet: str | None,
    batch_size: int,
    connections: int,
    sync_validation: bool,
    receipts: TextIO | None,
    data: Path | None,
    org_id: str | None,
    sandbox: str | None,
) -> None:
    """
    Stream records to a dataset and say what became of them.

    FILE holds one JSON object a line: entities, or whole messages with header and body; - is
    standard input. Without FILE, --samples makes valid records of the dataset's schema.

    \b
    forebay send --dataset people --samples 1000
    forebay send events.ndjson --dataset events --batch 500
    forebay send one.json --dataset people --batch 1 --sync-validation
    """
    if (file is None) == (samples is None):
        raise click.UsageError("Name a FILE, or give --samples N: exactly one of the two.")
    with ExitStack() as stack:
        platform = stack.enter_context(Platform.of(data, org_id=org_id, sandbox=sandbox))
        target = Target.of(platform, dataset)
        # A dataset of events would take the same records, sent again, for duplicates.
        start = int(new_hex(_SEED_DIGITS), 16) if seed is None else seed
        lines = _sample_entities(target, samples, start) if samples else _lines(file)
        progress = stack.enter_context(_progress())
        task = progress.add_task(f"to {target.name}", total=samples or _count_lines(file))
        sender = Sender(
            inlet or _inlet_url(platform),
            batch_size=batch_size,
            connections=connections,
            headers={"authorization": f"Bearer {platform.access_token()}"},
            is_sync_validated=sync_validation,
            receipts=receipts,
            advance=lambda number: progress.advance(task, number),
        )
        summary = asyncio.run(sender.send(target.message(line) for line in lines))
    _print(summary)
    if summary.refused or summary.unknown:
        sys.exit(1)


def _sample_entities(target: Target, samples: int, seed: int) -> Iterator[bytes]:
    """Generate some records and vary their ids: generating every one would be the bottleneck."""
    pool = [sample(target.document, seed=seed + n) for n in range(min(samples, _POOL_MAX))]
    for number in range(samples):
        entity = pool[number % len(pool)]
        if "_id" in entity:
            entity = entity | {"_id": f"sample-{seed}-{number}"}
        yield json.encode(entity)


def _inlet_url(platform: Platform) -> str:
    """Return the first open XDM inlet of the sandbox; make one if there is none."""
    found = platform.get(
        _FLOW_SERVICE,
        params={"property": f"connectionSpec.id=={STREAMING_SPEC_ID}", "orderby": "createdAt"},
    )["items"]
    for item in found:
        parameters = item["auth"]["params"]
        if item["state"] == "enabled" and parameters["dataType"] == "xdm":
            return str(parameters["inletUrl"])
    created = platform.post(
        _FLOW_SERVICE,
        {
            "name": "forebay send",
            "connectionSpec": {"id": STREAMING_SPEC_ID, "version": "1.0"},
            "auth": {"specName": "Streaming Connection", "params": {"dataType": "xdm"}},
        },
    )
    item = platform.get(f"{_FLOW_SERVICE}/{created['id']}")["items"][0]
    return str(item["auth"]["params"]["inletUrl"])


def _lines(file: Any) -> Iterator[bytes]:  # noqa: ANN401  click's file type
    for number, raw in enumerate(file, 1):
        line = raw.strip()
        if line and not (line.startswith(b"{") and line.endswith(b"}")):
            raise click.ClickException(f"Line {number} is not a JSON object: {line[:80]!r}")
        if line:
            yield line


def _count_lines(file: Any) -> int | None:  # noqa: ANN401  click's file type
    if not file.seekable():
        return None
    number = sum(1 for line in file if line.strip())
    file.seek(0)
    return number


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )


def _print(summary: Summary) -> None:
    table = Table(show_header=False, box=None, pad_edge=False)
    rate = summary.accepted / summary.seconds if summary.seconds else 0.0
    table.add_row("accepted", f"{summary.accepted}", f"{rate:,.0f} messages/s")
    table.add_row(
        "requests",
        f"{summary.requests}",
        f"p50 {summary.latency_ms(0.5):.1f} ms, p99 {summary.latency_ms(0.99):.1f} ms",
    )
    for reason, number in summary.refused.most_common():
        # Text, not markup: an explanation names keys in brackets.
        table.add_row("refused", f"{number}", Text(reason))
    if summary.unknown:
        table.add_row("unknown", f"{summary.unknown}", "no answer: they may be stored")
    Console().print(table)
