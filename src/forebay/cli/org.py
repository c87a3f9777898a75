"""`forebay org`: organizations."""

from pathlib import Path

import click

from forebay.app import credentials, settings
from forebay.app.data_directory import DataDirectory
from forebay.cli.options import data_option


@click.group()
def command() -> None:
    """Create organizations; each is wholly apart from every other."""


@command.command()
@data_option
@click.option("--name", required=True, help="Name of the organization.")
@click.option(
    "--format",
    "form",
    type=click.Choice(list(credentials.FORMATS)),
    default="json",
    show_default=True,
    help="As for `forebay credentials`.",
)
def create(data: Path | None, name: str, form: str) -> None:
    """
    Create an organization with the sandboxes prod and dev, and print its credentials.

    A running server knows it within a second.
    """
    from forebay.app.organizations import create_organization  # noqa: PLC0415  heavy imports

    chosen = settings.recall(settings.load(data=data))
    directory = DataDirectory(chosen.data)
    directory.create()
    created = create_organization(directory, name)
    click.echo(credentials.render(created, chosen, directory=directory.credentials, form=form))
