"""`forebay schema list`: what the Schema Registry has, as a table."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from forebay.cli.client import Platform
from forebay.cli.options import data_option, org_option, sandbox_option, table_option
from forebay.cli.registry import (
    API,
    COLLECTIONS,
    GLOBAL,
    LIST_RAW,
    TENANT,
    Document,
    Registry,
)
from forebay.cli.terminal import printable
from forebay.control.schemas.model import ResourceType, is_union_tagged
from forebay.kernel import json
from forebay.kernel.clock import utc
from forebay.xdm.names import alt_id

_BEHAVIORS = COLLECTIONS[ResourceType.BEHAVIOR]
_WITH_CLASS = frozenset(COLLECTIONS[kind] for kind in (ResourceType.SCHEMA, ResourceType.UNION))


@click.command()
@click.option(
    "--type",
    "kind",
    type=click.Choice(list(COLLECTIONS.values())),
    default="schemas",
    show_default=True,
    help="What to list.",
)
@click.option("--global", "is_global", is_flag=True, help="Adobe's components, not the tenant's.")
@click.option("--filter", "needle", metavar="TEXT", help="Only titles or ids that contain this.")
@table_option
@data_option
@org_option
@sandbox_option
def command(
    kind: str,
    is_global: bool,
    needle: str | None,
    form: str,
    data: Path | None,
    org_id: str | None,
    sandbox: str | None,
) -> None:
    """
    List the resources of the Schema Registry.

    A dot in the column "profile" marks schemas that take part in Profile.
    """
    container = GLOBAL if is_global or kind == _BEHAVIORS else TENANT
    with Platform.of(data, org_id=org_id, sandbox=sandbox) as platform:
        registry = Registry(platform)
        path = f"{API}/{container}/{kind}"
        found = registry.list_pages(path, accept=LIST_RAW)
        shown = [_row(document) for document in found if _has(document, needle)]
        if form == "json":
            click.echo(json.encode(shown))
            return
        titles = _class_titles(registry) if kind in _WITH_CLASS else {}
    _print(shown, titles)


def _has(document: Document, needle: str | None) -> bool:
    text = f"{document.get('title', '')}\n{document['$id']}".casefold()
    return needle is None or needle.casefold() in text


def _row(document: Document) -> Document:
    metadata = document.get("meta:registryMetadata", {})
    changed_ms = metadata.get("repo:lastModifiedDate")
    return {
        "$id": document["$id"],
        "meta:altId": document.get("meta:altId", alt_id(document["$id"])),
        "title": document.get("title", ""),
        "version": document.get("version", ""),
        "class": document.get("meta:class"),
        "isProfileEnabled": is_union_tagged(document),
        "lastChanged": utc(changed_ms).strftime("%Y-%m-%dT%H:%M:%SZ") if changed_ms else None,
    }


def _class_titles(registry: Registry) -> dict[str, str]:
    classes = (
        item
        for container in (TENANT, GLOBAL)
        for item in registry.components(ResourceType.CLASS, container)
    )
    return {item.resource_id: item.title for item in classes}


def _print(rows: list[dict[str, Any]], class_titles: dict[str, str]) -> None:
    """Print a line for each resource and its id below: ids are too long for a column."""
    console = Console(highlight=False, soft_wrap=True)
    # Columns that no row fills are left out: standard components have no class and no date.
    columns = [cells for cells in _columns(rows, class_titles) if any(cells[1:])]
    widths = [max(cell_len(cell) for cell in cells) for cells in columns]
    padded = [
        [cell + " " * (width - cell_len(cell)) for cell in cells]
        for cells, width in zip(columns, widths, strict=True)
    ]
    for number, cells in enumerate(zip(*padded, strict=True)):
        # Text, not markup: titles may hold brackets.
        console.print(Text("  ".join(cells).rstrip(), style="" if number else "bold"))
        if number:
            console.print(Text(f"    {rows[number - 1]['meta:altId']}", style="dim"))
    console.print(f"{len(rows)} found")


def _columns(rows: list[dict[str, Any]], class_titles: dict[str, str]) -> Iterator[list[str]]:
    names = [str(row["class"] or "") for row in rows]
    yield ["title", *(printable(row["title"]) for row in rows)]
    yield ["class", *(printable(class_titles.get(name, name)) for name in names)]
    yield ["version", *(row["version"] for row in rows)]
    yield ["profile", *("•" if row["isProfileEnabled"] else "" for row in rows)]
    yield ["last change", *((row["lastChanged"] or "")[:16].replace("T", " ") for row in rows)]
