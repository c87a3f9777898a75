"""`forebay schema show`: the fields of a resource, as records have them."""

from pathlib import Path

import click
from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from forebay.cli.client import Platform
from forebay.cli.options import data_option, org_option, sandbox_option
from forebay.cli.registry import (
    GLOBAL,
    KINDS,
    RAW,
    TENANT,
    Component,
    Document,
    Registry,
    name_and_version,
)
from forebay.cli.schema.tree import Names, Node, origins_of, tree
from forebay.cli.terminal import printable
from forebay.control.schemas.model import ResourceType, is_union_tagged
from forebay.kernel import json

_DEPTH_DEFAULT = 4
_LINE_MAX = 10_000
_PARTS = (ResourceType.CLASS, ResourceType.FIELD_GROUP)


@click.command()
@click.argument("name", metavar="ID|TITLE")
@click.option(
    "--depth",
    type=click.IntRange(1),
    default=_DEPTH_DEFAULT,
    show_default=True,
    help="Levels of fields.",
)
@click.option("--all", "is_all", is_flag=True, help="Every level, and deprecated fields too.")
@click.option("--global", "is_global", is_flag=True, help="Look at Adobe's components only.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["tree", "json"]),
    default="tree",
    show_default=True,
    help="json is the composed document.",
)
@data_option
@org_option
@sandbox_option
def command(
    name: str,
    depth: int,
    is_all: bool,
    is_global: bool,
    form: str,
    data: Path | None,
    org_id: str | None,
    sandbox: str | None,
) -> None:
    """
    Show a schema, class, field group or data type as a tree of fields.

    Names are those of records: name[] is an array, name{} a map. After a name come its type,
    an asterisk if it is required, identities, what values must obey, and in brackets the
    component that it comes from. With @VERSION behind the name, what it was when that version
    was written.

    \b
    forebay schema show 'Loyalty members'
    forebay schema show 'Loyalty members@1.0' --depth 2
    """
    with Platform.of(data, org_id=org_id, sandbox=sandbox) as platform:
        registry = Registry(platform)
        kinds = (*KINDS, ResourceType.BEHAVIOR, ResourceType.UNION)
        title, version = name_and_version(name)
        found = registry.find(title, kinds, (GLOBAL,) if is_global else (TENANT, GLOBAL))
        composed = registry.document(found, version=version)
        if form == "json":
            click.echo(json.encode(composed))
            return
        fields = tree(
            composed,
            descriptors=registry.descriptors(found.resource_id),
            origins=_origins(registry, found),
        )
    shown = Tree(_heading(found, composed))
    _add(shown, fields, depth=10_000 if is_all else depth, is_all=is_all)
    _print(found.resource_id, shown)


def _origins(registry: Registry, component: Component) -> dict[Names, str]:
    """Return what each field of a schema comes from; the parts of other resources are their own."""
    if component.kind is not ResourceType.SCHEMA:
        return {}
    references = registry.document(component, accept=RAW).get("allOf", ())
    by_id = {
        item.resource_id: item
        for container in (TENANT, GLOBAL)
        for kind in _PARTS
        for item in registry.components(kind, container)
    }
    parts = [by_id[part["$ref"]] for part in references if part.get("$ref") in by_id]
    return origins_of([(part.title, registry.document(part)) for part in parts])


def _heading(component: Component, composed: Document) -> Text:
    text = Text(printable(component.title), style="bold")
    facts = [component.kind.display_name, f"version {composed.get('version', '')}"]
    if is_union_tagged(composed):
        facts.append("takes part in Profile")
    text.append(f"  {' · '.join(facts)}", style="dim not bold")
    return text


def _print(resource_id: str, shown: Tree) -> None:
    console = Console(highlight=False)
    # On its own, unbroken, so that it can be copied whatever the width.
    console.print(Text(resource_id, style="dim"), soft_wrap=True)
    if console.is_terminal:
        console.print(shown)
    else:
        # A line for each field, for programs that search or compare.
        Console(highlight=False, width=_LINE_MAX).print(shown)


def _add(branch: Tree, nodes: tuple[Node, ...], *, depth: int, is_all: bool) -> None:
    for node in nodes:
        if node.is_deprecated and not is_all:
            continue
        line = branch.add(_line(node))
        if node.children and depth > 1:
            _add(line, node.children, depth=depth - 1, is_all=is_all)
        elif node.children:
            line.add(Text(f"… {node.count()} more", style="dim"))


def _line(node: Node) -> Text:
    text = Text(printable(node.name), style="strike" if node.is_deprecated else "")
    if node.is_required:
        text.append(" *", style="bold red")
    text.append(f" {node.kind}", style="cyan")
    for mark in node.marks:
        text.append(f" {mark}", style="bold magenta")
    if node.is_deprecated:
        text.append(" deprecated", style="yellow")
    if node.rules:
        text.append(f" {printable('; '.join(node.rules))}", style="green")
    if node.origin:
        text.append(f" [{printable(node.origin)}]", style="dim")
    return text
