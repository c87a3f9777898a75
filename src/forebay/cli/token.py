"""`forebay token`: an access token, got as any client gets it."""

from pathlib import Path

import click

from forebay.cli.client import Platform
from forebay.cli.options import data_option, org_option


@click.command()
@data_option
@org_option
def command(data: Path | None, org_id: str | None) -> None:
    """
    Print an access token of an organization's API client, valid for 24 hours.

    \b
    curl -H "Authorization: Bearer $(forebay token)" …
    """
    with Platform.of(data, org_id=org_id) as platform:
        click.echo(platform.access_token())
