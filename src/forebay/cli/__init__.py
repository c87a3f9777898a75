"""The command line: one module per command, each imported only when it is called."""

import importlib
import io
import sys
from typing import Any

import click

from forebay import __version__
from forebay.kernel.errors import PlatformError

_COMMANDS = {
    "serve": "Run the whole platform on this machine.",
    "credentials": "Print the credentials of an organization.",
    "token": "Print an access token.",
    "org": "Create organizations.",
    "keys": "Rotate the keys that sign access tokens.",
    "send": "Stream records from a file, or generated ones, to an inlet.",
    "validate": "Try the records of a file without sending them.",
    "status": "Show what is durable, what is visible, and what is between.",
    "schema": "Look at schemas, compare them, and keep them in files.",
    "xdm": "Import the XDM standard components, with titles and descriptions.",
    "query": "Run a SELECT over the datasets of the lake.",
    "completion": "Print the shell completion script.",
}
_HIDDEN = {"role": "Run one role of the platform (the supervisor does this)."}


class _Commands(click.Group):
    """A group whose commands are modules of this package."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS and cmd_name not in _HIDDEN:
            return None
        module = importlib.import_module(f"forebay.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        # The short texts stand here, so that --help imports no command.
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401  click's signature
        try:
            return super().invoke(ctx)
        except PlatformError as error:
            raise click.ClickException(f"{error.message} [{error.code}]") from None


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with `forebay serve`; its first screen says what to do next.",
)
@click.version_option(__version__, prog_name="forebay")
def main() -> None:
    """
    Forebay: streaming ingestion that speaks Adobe Experience Platform's APIs.

    Settings come from defaults, then forebay.toml, then FOREBAY_… variables, then options.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal without UTF-8 shows question marks; that is better than no answer.
            stream.reconfigure(errors="replace")
