"""`forebay schema`: look at schemas, compare them, and keep them in files."""

import importlib

import click

_COMMANDS = {
    "list": "List the resources of the Schema Registry.",
    "show": "Show a composed schema as a tree.",
    "diff": "Compare two schemas, versions or files.",
    "sample": "Print generated valid records.",
    "impact": "Say how many stored records a change would break.",
    "apply": "Make the registry what schema files say.",
    "export": "Write resources as a schema file.",
}
"""Each one is the module of that name, imported only when it is called."""


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        found: click.Command = importlib.import_module(f"forebay.cli.schema.{cmd_name}").command
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_Commands)
def command() -> None:
    """
    Look at schemas, compare them, and keep them in files.

    \b
    forebay schema list --global --type fieldgroups --filter commerce
    forebay schema show 'Loyalty members'
    forebay schema diff 'Loyalty members@1.0' 'Loyalty members'
    forebay schema apply --dry-run schemas/*.yaml
    """
