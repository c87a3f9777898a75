"""Datasets as the commands name them: by id, or by name where that is clear."""

import difflib
from typing import Any

import click
import msgspec

from forebay.cli.client import Platform

_CATALOG = "/data/foundation/catalog/dataSets"
_PAGE = 100
_NAMES_MAX = 10
"""Names that a message lists, the nearest first."""


class NamedDataset(msgspec.Struct, frozen=True):
    """A dataset of the sandbox."""

    dataset_id: str
    name: str
    schema_id: str


def every(platform: Platform) -> dict[str, dict[str, Any]]:
    """Return the datasets of the sandbox as Catalog shows them, by id, oldest first."""
    found: dict[str, dict[str, Any]] = {}
    while True:
        parameters = {"limit": str(_PAGE), "start": str(len(found)), "orderBy": "asc:created"}
        page = platform.get(_CATALOG, params=parameters)
        found |= page
        if len(page) < _PAGE:
            return found


def find(platform: Platform, name_or_id: str) -> NamedDataset:
    """
    Return the one dataset with this id or name.

    Raises:
        click.ClickException: There is none, or there are several; the message names what there is.
    """
    known = _named(platform)
    found = [item for item in known if name_or_id in {item.dataset_id, item.name}]
    if len(found) > 1:
        ids = ", ".join(item.dataset_id for item in found)
        raise click.ClickException(
            f"{len(found)} datasets are called {name_or_id!r}; use an id: {ids}."
        )
    if not found:
        names = [item.name for item in known]
        near = difflib.get_close_matches(name_or_id, names, _NAMES_MAX, 0.0)
        rest = len(names) - len(near)
        shown = (", ".join(near) or "none") + (f" and {rest} more" if rest else "")
        raise click.ClickException(
            f"No dataset is called {name_or_id!r}. Datasets of this sandbox: {shown}."
        )
    return found[0]


def of_schema(platform: Platform, schema_id: str) -> list[NamedDataset]:
    """Return the datasets of the sandbox that are bound to a schema."""
    return [item for item in _named(platform) if item.schema_id == schema_id]


def _named(platform: Platform) -> list[NamedDataset]:
    return [
        NamedDataset(dataset_id, dataset["name"], dataset["schemaRef"]["id"])
        for dataset_id, dataset in every(platform).items()
    ]
