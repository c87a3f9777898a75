"""`forebay schema apply`: make the registry what schema files say."""

from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from forebay.cli.client import Platform, Refused
from forebay.cli.options import data_option, org_option, sandbox_option
from forebay.cli.registry import Registry
from forebay.cli.schema.changes import Change
from forebay.cli.schema.files import wanted
from forebay.cli.schema.plan import Action, Plan, Step, plan
from forebay.kernel import json

_SIGNS = {Action.CREATE: "+", Action.CHANGE: "~", Action.NOTHING: "="}
_DONE = {Action.CREATE: "created", Action.CHANGE: "changed", Action.NOTHING: "unchanged"}
_STYLES = {"+": "green", "-": "red", "~": "yellow", "=": "dim"}
EXIT_CHANGES = 3


@click.command()
@click.argument(
    "files",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
)
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option(
    "--exit-code", "has_code", is_flag=True, help="With --dry-run: exit 3 if there is a change."
)
@data_option
@org_option
@sandbox_option
def command(
    files: tuple[Path, ...],
    dry_run: bool,
    has_code: bool,
    data: Path | None,
    org_id: str | None,
    sandbox: str | None,
) -> None:
    """
    Make the registry what schema files say; a second run finds everything unchanged.

    Files are YAML or JSON: sections of classes, dataTypes, fieldGroups, schemas and datasets, or
    what /rpc/export answers. All files are checked first, with all faults named, and nothing is
    written if there is one. Nothing is ever deleted.

    \b
    forebay schema apply --dry-run schemas/*.yaml
    forebay schema apply schemas/*.yaml --sandbox dev

    Exit codes: 0 done, or nothing to do; 1 a fault in a file, or the registry refused a change;
    2 usage; 3 with --exit-code, something would be changed.
    """
    described = wanted(files)
    console = Console(highlight=False, soft_wrap=True)
    with Platform.of(data, org_id=org_id, sandbox=sandbox) as platform:
        planned = plan(Registry(platform), described)
        if dry_run:
            for step in planned.steps:
                _say(console, step, step.action.value)
        else:
            take(console, platform, planned)
    _summarize(console, planned, is_dry=dry_run)
    if dry_run and has_code and any(s.action is not Action.NOTHING for s in planned.steps):
        raise click.exceptions.Exit(EXIT_CHANGES)


def print_change(console: Console, change: Change, indent: str = "") -> None:
    """Print one difference, and under it why it breaks."""
    style = "bold red" if change.is_breaking else _STYLES[change.sign]
    line = f"{indent}{change.sign} {change.path}  {change.text}".rstrip()
    console.print(Text(line + ("  BREAKING" if change.is_breaking else ""), style=style))
    for reason in change.reasons:
        console.print(Text(f"{indent}    {reason}", style="red"))


def take(console: Console, platform: Platform, planned: Plan) -> None:
    """Take every step in its order; stop at the first that is refused."""
    ids: dict[str, str] = {}
    send = {"POST": platform.post, "PUT": platform.put, "PATCH": platform.patch}
    for number, step in enumerate(planned.steps):
        if step.action is not Action.NOTHING:
            path, body = _real(step.path, ids), _real(step.body, ids)
            try:
                answer = send[step.method](path, body)
            except Refused as refused:
                done = sum(s.action is not Action.NOTHING for s in planned.steps[:number])
                raise click.ClickException(
                    f"{step.place}: {step.what} was refused: {refused.reason}\n"
                    f"Done before it: {done} of {len(planned.steps)} steps. "
                    "Run the command again when the file is right."
                ) from None
            if step.local_id:
                ids[step.local_id] = answer["$id"]
        _say(console, step, _DONE[step.action])


def _real(value: Any, ids: dict[str, str]) -> Any:  # noqa: ANN401  any JSON value
    """Return a value with the registry's ids in place of the stand-ins."""
    if not ids:
        return value
    text = json.encode(value).decode()
    for local, real in ids.items():
        # The digits alone: in paths the rest of the id is encoded.
        text = text.replace(local.rpartition("/")[2], real.rpartition("/")[2])
    return json.decode(text)


def _say(console: Console, step: Step, verb: str) -> None:
    sign = _SIGNS[step.action]
    console.print(Text(f"{sign} {verb:<9} {step.what}", style=_STYLES[sign]))
    for change in step.changes:
        print_change(console, change, indent="    ")


def _summarize(console: Console, planned: Plan, *, is_dry: bool) -> None:
    if not planned.steps:
        console.print("Nothing is described in these files, so there was nothing to do.")
        return
    numbers = {action: sum(s.action is action for s in planned.steps) for action in Action}
    if not numbers[Action.CREATE] and not numbers[Action.CHANGE]:
        console.print(f"Everything is unchanged ({numbers[Action.NOTHING]}).")
        return
    verbs = ("to create", "to change") if is_dry else ("created", "changed")
    console.print(
        f"{numbers[Action.CREATE]} {verbs[0]}, {numbers[Action.CHANGE]} {verbs[1]}, "
        f"{numbers[Action.NOTHING]} unchanged."
    )
