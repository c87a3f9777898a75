"""Options that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

Decorated = Callable[..., Any]

data_option = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="Data directory.  [default: forebay-data]",
)

org_option = click.option(
    "--org", "org_id", metavar="ORG_ID", help="Organization.  [default: the first one made]"
)

sandbox_option = click.option(
    "--sandbox", metavar="NAME", help="Sandbox.  [default: the organization's default one]"
)

table_option = click.option(
    "--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True
)


def listener_options(command: Decorated) -> Decorated:
    """Add the options of `forebay serve` that every role takes too."""
    for option in (
        click.option("--collection-port", type=int, help="Collection API.  [default: 8081]"),
        click.option("--platform-port", type=int, help="Platform API.  [default: 8080]"),
        click.option("--host", help="Address to listen on.  [default: 127.0.0.1]"),
        data_option,
    ):
        command = option(command)
    return command
