"""`forebay schema impact`: what a change would do to stored records, before it is made."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from forebay.cli import datasets
from forebay.cli.client import Platform
from forebay.cli.options import data_option, org_option, sandbox_option, table_option
from forebay.cli.registry import API, TENANT, Registry
from forebay.cli.schema.files import wanted
from forebay.cli.schema.plan import Action, Step, plan
from forebay.cli.source_files import read
from forebay.cli.violation_table import Summary, print_kinds
from forebay.kernel import json

_PATH = "/forebay/v1/schemas/impact"
_ROWS_AT_ONCE = 20_000
_SECONDS_AT_ONCE = 10
_REGISTRY = f"{API}/{TENANT}/"

Report = dict[str, Any]


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--dataset", required=True, metavar="NAME|ID", help="Whose records are looked at.")
@click.option(
    "--patch",
    "patch",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A JSON Patch, instead of schema files.",
)
@click.option(
    "--resource",
    metavar="TITLE|ID",
    help="What the patch is for.  [default: the dataset's schema]",
)
@click.option("--limit", type=click.IntRange(1), help="Look at this many records at most.")
@table_option
@data_option
@org_option
@sandbox_option
def command(
    files: tuple[Path, ...],
    dataset: str,
    patch: Path | None,
    resource: str | None,
    limit: int | None,
    form: str,
    data: Path | None,
    org_id: str | None,
    sandbox: str | None,
) -> None:
    """
    Say how many stored records would fail a changed schema.

    FILES are schema files as `forebay schema apply` takes them. Nothing is changed. What the
    registry would refuse is said, and the records are looked at all the same where that is
    possible.

    The exit code is 0 if the change would be accepted and no record would fail, else 1.

    \b
    forebay schema impact --dataset loyalty schemas/*.yaml
    forebay schema impact --dataset loyalty --patch stricter.json
    forebay schema impact --dataset loyalty --patch p.json --resource 'Loyalty details'
    """
    if bool(files) == (patch is not None):
        raise click.UsageError("Name schema FILES, or a --patch FILE: exactly one of the two.")
    if resource is not None and patch is None:
        raise click.UsageError("--resource goes with --patch.")
    with Platform.of(data, org_id=org_id, sandbox=sandbox) as platform:
        target = datasets.find(platform, dataset)
        if patch is None:
            changes = _changes_of(platform, files)
        else:
            changes = [{"id": _resource_id(platform, resource, target), "patch": _read(patch)}]
        report = _report(platform, target.dataset_id, changes, limit)
    if form == "json":
        click.echo(json.encode(report))
    else:
        _print(report, target.name)
    if report["refused"] or report["failing"]:
        sys.exit(1)


def _read(patch: Path) -> Any:  # noqa: ANN401  any JSON value
    (source, *_) = read(patch)
    return source.value


def _resource_id(platform: Platform, resource: str | None, target: datasets.NamedDataset) -> str:
    if resource is None:
        return target.schema_id
    return Registry(platform).find(resource, containers=(TENANT,)).resource_id


def _changes_of(platform: Platform, files: Sequence[Path]) -> list[dict[str, Any]]:
    planned = plan(Registry(platform), wanted(files), may_break=True)
    steps = [step for step in planned.steps if step.action is not Action.NOTHING]
    return [_change(step) for step in steps if step.path.startswith(_REGISTRY)]


def _change(step: Step) -> dict[str, Any]:
    """Return a call of the registry as a change that is to be tried."""
    collection, _, tail = step.path.removeprefix(_REGISTRY).partition("/")
    if collection == "descriptors":
        return {"descriptor": step.body} | ({"descriptorId": tail} if tail else {})
    match step.method:
        case "POST":
            return {"type": collection, "id": step.local_id, "body": step.body}
        case "PATCH":
            return {"id": unquote(tail), "patch": step.body}
        case _:
            return {"id": unquote(tail), "body": step.body}


def _report(
    platform: Platform, dataset_id: str, changes: list[dict[str, Any]], limit: int | None
) -> Report:
    """Ask part by part, all of one snapshot, and put the answers together."""
    asked: dict[str, Any] = {
        "datasetId": dataset_id,
        "changes": changes,
        "secondsMax": _SECONDS_AT_ONCE,
    }
    summary = Summary()
    failing_today = 0
    with _progress() as progress:
        task = progress.add_task("records", total=None)
        while True:
            left = _ROWS_AT_ONCE if limit is None else min(limit - summary.records, _ROWS_AT_ONCE)
            answer = platform.post(_PATH, asked | {"start": summary.records, "limit": left})
            rows = answer["rows"]
            if rows is None:
                found: Report = answer
                return found
            _add(summary, answer)
            failing_today += answer["failingToday"]
            total = rows["total"] if limit is None else min(limit, rows["total"])
            progress.update(task, completed=summary.records, total=total)
            if rows["next"] is None or summary.records >= total:
                break
            asked["snapshotId"] = answer["snapshotId"]
    whole: Report = answer | {
        "rows": rows | {"start": 0, "read": summary.records},
        "failing": summary.invalid,
        "failingToday": failing_today,
        "violations": summary.violations,
        "summary": summary.sorted_kinds(),
        "summaryLeftOut": summary.left_out,
    }
    return whole


def _add(summary: Summary, answer: Report) -> None:
    part = answer | {
        "records": answer["rows"]["read"],
        "invalid": answer["failing"],
        "results": [],
        "resultsLeftOut": 0,
    }
    summary.add(part, is_kept=False)


def _print(report: Report, name: str) -> None:
    console = Console()
    for refused in report["refused"]:
        how = "would be refused" if refused["isTried"] else "would be refused, and cannot be tried"
        line = f"change {refused['change'] + 1} {how}: {refused['message']} [{refused['code']}]"
        console.print(Text(line), style="yellow", soft_wrap=True)
    rows = report["rows"]
    if rows is None:
        return
    if not report["isChanged"]:
        console.print("The rules for records stay the same.")
    if report["summary"]:
        print_kinds(console, report["summary"], left_out=report["summaryLeftOut"])
    console.print(
        Text(
            f"{report['failing']:,} of {rows['read']:,} records of {name} would fail"
            + (f" ({report['failingToday']:,} do so today)" if report["failingToday"] else "")
            + (f"; {rows['total']:,} are stored" if rows["read"] < rows["total"] else "")
        )
    )


def _progress() -> Progress:
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
