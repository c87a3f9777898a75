"""`forebay keys`: the keys that sign access tokens."""

from pathlib import Path

import click

from forebay.app import settings
from forebay.app.data_directory import DataDirectory
from forebay.cli.options import data_option


@click.group()
def command() -> None:
    """Rotate the keys that sign access tokens."""


@command.command()
@data_option
def rotate(data: Path | None) -> None:
    """
    Sign new tokens with a new key.

    Tokens of the older keys stay valid until they expire.
    """
    from forebay.app.organizations import rotate_keys  # noqa: PLC0415  heavy imports

    chosen = settings.load(data=data)
    directory = DataDirectory(chosen.data)
    directory.require()
    click.echo(rotate_keys(directory))
