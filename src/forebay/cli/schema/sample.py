"""`forebay schema sample`: valid records to look at, to test with, or to send."""

from pathlib import Path

import click

from forebay.cli import datasets
from forebay.cli.client import Platform
from forebay.cli.options import data_option, org_option, sandbox_option
from forebay.cli.registry import GLOBAL, KINDS, TENANT, Component, Document, Registry
from forebay.cli.target import Target, rules_of
from forebay.control.schemas.model import ResourceType
from forebay.kernel import json
from forebay.xdm.samples import sample
from forebay.xdm.strict import validation_document


@click.command()
@click.argument("name", metavar="ID|TITLE")
@click.option(
    "--count", type=click.IntRange(1), default=1, show_default=True, help="How many records."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Start of the generation.")
@click.option("--message", "is_message", is_flag=True, help="Whole messages, ready to be sent.")
@click.option(
    "--dataset", metavar="NAME|ID", help="Where messages go.  [default: the schema's only dataset]"
)
@data_option
@org_option
@sandbox_option
def command(
    name: str,
    count: int,
    seed: int,
    is_message: bool,
    dataset: str | None,
    data: Path | None,
    org_id: str | None,
    sandbox: str | None,
) -> None:
    """
    Print generated valid records of a schema, one a line; the same seed gives the same ones.

    \b
    forebay schema sample 'Loyalty members' --count 3
    forebay schema sample 'Loyalty members' --message | forebay send --dataset Loyalty -
    """
    with Platform.of(data, org_id=org_id, sandbox=sandbox) as platform:
        registry = Registry(platform)
        kinds = (ResourceType.SCHEMA,) if is_message else KINDS
        found = registry.find(name, kinds, (TENANT, GLOBAL))
        target = _target(platform, found, dataset) if is_message else None
        rules = target.document if target else _rules(registry, found)
    for number in range(count):
        record = json.encode(sample(rules, seed=seed + number))
        click.echo(target.message(record) if target else record)


def _rules(registry: Registry, component: Component) -> Document:
    if component.kind is ResourceType.SCHEMA:
        return rules_of(registry.platform, component.resource_id)
    return validation_document(registry.document(component))


def _target(platform: Platform, component: Component, dataset: str | None) -> Target:
    if dataset is None:
        bound = datasets.of_schema(platform, component.resource_id)
        if len(bound) != 1:
            names = ", ".join(item.name for item in bound) or "none"
            raise click.ClickException(
                f"{len(bound)} datasets have the schema {component.title!r} ({names}); "
                "name one with --dataset."
            )
        dataset = bound[0].dataset_id
    target = Target.of(platform, dataset)
    if target.document["$id"] != component.resource_id:
        raise click.ClickException(
            f"The dataset {target.name!r} has the schema {target.document['$id']}, "
            f"not {component.title!r}."
        )
    return target
