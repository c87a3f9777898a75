"""`forebay role`: one role as a process of its own."""

from pathlib import Path

import click

from forebay.app import lifeline, settings
from forebay.app.data_directory import DataDirectory
from forebay.cli.options import listener_options
from forebay.kernel.telemetry import configure_logging


@click.command()
@click.argument("kind", type=click.Choice(["platform", "collection", "processing"]))
@listener_options
@click.option("--worker", type=click.IntRange(1, 9999), default=1, help="Log partition to write.")
def command(
    kind: str,
    data: Path | None,
    host: str | None,
    platform_port: int | None,
    collection_port: int | None,
    worker: int,
) -> None:
    """
    Run one role of the platform in the foreground.

    `forebay serve` does this for every role; alone, a role serves a supervisor of your own.
    """
    lifeline.hold_on()
    configure_logging(role=kind if kind != "collection" else f"{kind}-{worker}")
    chosen = settings.load(
        data=data, host=host, platform_port=platform_port, collection_port=collection_port
    )
    directory = DataDirectory(chosen.data)
    directory.create()
    # Each role imports only what it needs, and in its own process.
    if kind == "platform":
        from forebay.app.platform import run  # noqa: PLC0415

        run(chosen, directory)
    elif kind == "collection":
        from forebay.app.collection import run as run_collection  # noqa: PLC0415

        run_collection(chosen, directory, worker=worker)
    else:
        from forebay.app.processing import run as run_processing  # noqa: PLC0415

        run_processing(chosen, directory)
