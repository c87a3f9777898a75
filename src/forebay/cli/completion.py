"""`forebay completion`: the script that completes commands and options in a shell."""

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """
    Print the completion script of a shell.

    \b
    bash:  eval "$(forebay completion bash)"
    zsh:   eval "$(forebay completion zsh)"
    fish:  forebay completion fish | source
    """
    completion = get_completion_class(shell)
    assert completion is not None  # noqa: S101  the choices above are click's own
    root = ctx.find_root().command
    click.echo(completion(root, {}, "forebay", "_FOREBAY_COMPLETE").source())
