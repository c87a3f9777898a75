"""`forebay serve`: the whole platform in the foreground."""

import asyncio
import shlex
import sys
from pathlib import Path

import click

from forebay.app import settings
from forebay.app.data_directory import DataDirectory
from forebay.app.supervisor import Supervisor
from forebay.cli.options import listener_options
from forebay.kernel.telemetry import configure_logging


@click.command()
@listener_options
@click.option("--workers", type=int, help="Collection processes.  [default: 1]")
def command(
    data: Path | None,
    host: str | None,
    platform_port: int | None,
    collection_port: int | None,
    workers: int | None,
) -> None:
    """
    Run the whole platform on this machine, in the foreground.

    The first start makes the data directory and a development organization with the sandboxes
    prod and dev. Logs go to standard error. SIGTERM or Ctrl-C stops cleanly.
    """
    configure_logging(role="supervisor")
    chosen = settings.load(
        data=data,
        host=host,
        platform_port=platform_port,
        collection_port=collection_port,
        workers=workers,
    )
    directory = DataDirectory(chosen.data)
    directory.create()
    directory.lock()
    directory.forget_processes()
    settings.remember(chosen, directory.root)
    asyncio.run(Supervisor(chosen, directory, command=_own_command()).run())


def _own_command() -> str:
    """Return how this program is called again from any other place."""
    program = Path(sys.argv[0])
    if program.name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m forebay.cli"
    return shlex.quote(str(program.absolute()))
