"""`forebay xdm`: the standard library of this installation."""

import re
from pathlib import Path

import click

from forebay.app import settings
from forebay.app.data_directory import DataDirectory
from forebay.cli.options import data_option

_RELEASE = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+-]{0,39}")
_KINDS = {
    "behavior": "behaviors",
    "class": "classes",
    "fieldgroup": "field groups",
    "datatype": "data types",
    "other": "ready-made schemas",
    "descriptor": "descriptor definitions",
}


@click.group()
def command() -> None:
    """Import the XDM standard components, with their titles and descriptions."""


@command.command(name="import")
@data_option
@click.argument("checkout", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--release",
    metavar="VERSION",
    help="The library's release.  [default: the version in DIR/package.json]",
)
def import_(data: Path | None, checkout: Path, release: str | None) -> None:
    """
    Take the standard components from a checkout of the XDM repository.

    DIR is the folder that holds components, schemas and extensions. Titles, descriptions and the
    labels of suggested values come with them. Nothing is replaced if anything is wrong, and what
    DIR does not have stays. The platform uses the new components when it is started the next time.
    """
    from forebay.app.library import import_checkout  # noqa: PLC0415  heavy imports

    if release is not None and not _RELEASE.fullmatch(release):
        raise click.BadParameter(
            f"{release!r} is no release; expected one like 1.31.4", param_hint="'--release'"
        )
    chosen = settings.recall(settings.load(data=data))
    directory = DataDirectory(chosen.data)
    directory.create()
    report = import_checkout(directory, checkout, version=release)
    for kind, name in _KINDS.items():
        click.echo(f"{report.counts.get(kind, 0):>6}  {name}")
    for reason, count in sorted(report.skipped.items()):
        files = "JSON file" if count == 1 else "JSON files"
        click.echo(f"{count:>6}  {files} skipped: {reason}")
    if report.kept:
        components = "component" if report.kept == 1 else "components"
        click.echo(f"{report.kept:>6}  {components} of an earlier import kept: not in {checkout}")
    click.echo(
        f"XDM {report.version} is in {report.file}. A server that runs goes on with the library it "
        "has; start it again to use this one."
    )
