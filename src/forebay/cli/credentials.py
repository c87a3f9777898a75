"""`forebay credentials`: what a client needs, in the form it wants."""

from pathlib import Path

import click

from forebay.app import credentials, settings
from forebay.app.data_directory import DataDirectory
from forebay.cli.options import data_option, org_option


@click.command()
@data_option
@org_option
@click.option(
    "--format",
    "form",
    type=click.Choice(list(credentials.FORMATS)),
    default="json",
    show_default=True,
    help="json, shell variables, aepp's file, a Postman environment, the Kafka Connect sink.",
)
def command(data: Path | None, org_id: str | None, form: str) -> None:
    """
    Print the credentials of an organization.

    \b
    eval "$(forebay credentials --format env)"
    forebay credentials --format aepp > aepp.json
    """
    chosen = settings.recall(settings.load(data=data))
    directory = DataDirectory(chosen.data)
    directory.require()
    found = credentials.get(directory.credentials, org_id)
    click.echo(credentials.render(found, chosen, directory=directory.credentials, form=form))
