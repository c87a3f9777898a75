"""`forebay schema diff`: what differs between two schemas, versions or files."""

from pathlib import Path

import click
import msgspec
from rich.console import Console

from forebay.cli.client import Platform
from forebay.cli.options import data_option, org_option, sandbox_option
from forebay.cli.registry import Document, Registry, name_and_version
from forebay.cli.schema.apply import print_change
from forebay.cli.schema.changes import Change, changes
from forebay.cli.schema.files import wanted
from forebay.cli.schema.names import Target
from forebay.cli.schema.plan import Overlay, plan
from forebay.control.schemas.model import ResourceType
from forebay.kernel import json
from forebay.xdm.composition import compose
from forebay.xdm.standard import StandardLibrary

_SUFFIXES = {".yaml", ".yml", ".json"}
EXIT_ADDITIVE = 3
EXIT_BREAKING = 4


@click.command()
@click.argument("old", metavar="A")
@click.argument("new", metavar="B")
@click.option(
    "--exit-code", "has_code", is_flag=True, help="Exit 3 if they differ, 4 if it breaks."
)
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)
@data_option
@org_option
@sandbox_option
def command(
    old: str,
    new: str,
    has_code: bool,
    form: str,
    data: Path | None,
    org_id: str | None,
    sandbox: str | None,
) -> None:
    """
    Compare two composed schemas, and say which differences would break stored data.

    A and B are each a title or an id, with @VERSION for what it was when that version was
    written, or a schema file, with #TITLE where it wants several.

    \b
    forebay schema diff 'Loyalty members@1.0' 'Loyalty members'
    forebay schema diff 'Loyalty members' schemas/loyalty.yaml
    forebay schema diff 'Loyalty members' 'Partner members'

    Exit codes: 0 whatever was found, 1 an error; with --exit-code 0 equal, 3 only additions,
    4 breaking.
    """
    with Platform.of(data, org_id=org_id, sandbox=sandbox) as platform:
        registry = Registry(platform)
        before = _side(registry, old, beside=new)
        after = _side(registry, new, beside=old)
    found = changes(
        before.composed,
        after.composed,
        old_descriptors=before.descriptors,
        new_descriptors=after.descriptors,
    )
    is_broken = any(change.is_breaking for change in found)
    if form == "json":
        click.echo(json.encode([_shown(change) for change in found]))
    else:
        _print(before.name, after.name, found)
    if has_code and found:
        raise click.exceptions.Exit(EXIT_BREAKING if is_broken else EXIT_ADDITIVE)


class _Side(msgspec.Struct, frozen=True):
    name: str
    composed: Document
    descriptors: list[Document]


def _side(registry: Registry, text: str, *, beside: str) -> _Side:
    path, _, title = text.partition("#")
    if _is_file(text):
        return _from_file(registry, Path(path), title, name_and_version(beside)[0])
    name, version = name_and_version(text)
    found = registry.find(name)
    if not version:
        descriptors = registry.descriptors(found.resource_id)
        if not _is_file(beside):
            return _Side(text, registry.document(found), descriptors)
        # Beside a file, both are composed here: the server's form also shows what descriptors do.
        here = Overlay(registry, StandardLibrary(registry.platform.library))
        composed = compose(here.find(found.resource_id) or {}, here)
        return _Side(text, composed, descriptors)
    # Descriptors have no versions; those of today on both sides make no difference.
    then = registry.document(found, version=version)
    return _Side(text, then, registry.descriptors(found.resource_id))


def _is_file(text: str) -> bool:
    return Path(text.partition("#")[0]).suffix in _SUFFIXES


def _from_file(registry: Registry, path: Path, title: str, beside: str) -> _Side:
    planned = plan(registry, wanted([path]), may_break=True)
    target = _chosen(planned.targets, title, beside, path)
    document = planned.library.find(target.resource_id) or {}
    descriptors = [
        step.body
        for step in planned.steps
        if isinstance(step.body, dict) and step.body.get("xdm:sourceSchema") == target.resource_id
    ]
    kept = registry.descriptors(target.resource_id) if target.stored else []
    said = {descriptor["xdm:sourceProperty"] for descriptor in descriptors}
    # Nothing is deleted: what the file does not say stays.
    descriptors += [item for item in kept if item.get("xdm:sourceProperty") not in said]
    return _Side(f"{path}#{target.wanted.title}", compose(document, planned.library), descriptors)


def _chosen(targets: tuple[Target, ...], title: str, beside: str, path: Path) -> Target:
    """Return the resource of a title, else that of the other side's, else the only one."""

    def named(name: str) -> list[Target]:
        return [target for target in targets if name in {target.wanted.title, target.resource_id}]

    schemas = [target for target in targets if target.wanted.kind is ResourceType.SCHEMA]
    for found in (named(title),) if title else (named(beside), schemas, list(targets)):
        if len(found) == 1:
            return found[0]
    titles = ", ".join(target.wanted.title for target in targets)
    raise click.ClickException(
        f"{path} describes {titles or 'nothing'}; choose one with {path}#TITLE."
    )


def _print(old: str, new: str, found: list[Change]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    if not found:
        console.print(f"{old} and {new} have the same fields.", markup=False)
        return
    console.print(f"--- {old}\n+++ {new}", markup=False)
    for change in found:
        print_change(console, change)
    broken = sum(change.is_breaking for change in found)
    number = f"{len(found)} difference{'s' if len(found) > 1 else ''}"
    console.print(f"{number}, {broken or 'none'} of them breaking.")


def _shown(change: Change) -> Document:
    return {
        "sign": change.sign,
        "path": change.path,
        "text": change.text,
        "isBreaking": change.is_breaking,
        "reasons": list(change.reasons),
    }
