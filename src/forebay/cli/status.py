"""`forebay status`: positions, lag and rates of a running server."""

import time
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.live import Live
from rich.table import Table

from forebay.cli.client import Platform
from forebay.cli.options import data_option, table_option
from forebay.kernel import json


@click.command()
@data_option
@click.option("--watch", is_flag=True, help="Go on until Ctrl-C, with rates.")
@table_option
def command(data: Path | None, watch: bool, form: str) -> None:
    """
    Show what is durable, what is visible in the lake, and what lies between.

    Positions are log offsets, one for each request: everything up to and with this one. Lag
    counts messages that are durable and not yet visible, and the age of the oldest one.
    """
    with Platform.of(data) as platform:
        before = _read(platform)
        if form == "json":
            click.echo(json.encode(before))
            return
        if not watch:
            Console().print(_table(before, None, 0.0))
            return
        with Live(_table(before, None, 0.0), auto_refresh=False) as live:
            while True:
                time.sleep(1.0)
                now = _read(platform)
                live.update(_table(now, before, 1.0), refresh=True)
                before = now


def _read(platform: Platform) -> dict[str, Any]:
    watermarks: dict[str, Any] = json.decode(platform.text("/forebay/v1/watermarks"))
    return watermarks


def _table(now: dict[str, Any], before: dict[str, Any] | None, seconds: float) -> Table:
    table = Table(title="Forebay")
    for heading in ("partition", "durable", "lake"):
        table.add_column(heading, justify="right")
    if before:
        table.add_column("requests/s", justify="right")
    for partition, positions in now["partitions"].items():
        row = [partition, str(positions["durable"]), str(positions["lake"])]
        if before:
            earlier = before["partitions"].get(partition, positions)
            row.append(f"{(positions['durable'] - earlier['durable']) / seconds:,.0f}")
        table.add_row(*row)
    lag = now["lag"]["lake"]
    table.caption = f"not yet in the lake: {lag['records']} messages, oldest {lag['seconds']:.1f} s"
    return table
