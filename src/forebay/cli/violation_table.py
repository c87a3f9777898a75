"""What is wrong with many records, as a table: the answers of several requests put together."""

from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from forebay.cli.terminal import printable

_ROWS_MAX = 50
_VALUE_MAX = 60
_WIDTH_WIDE = 120
"""From here on what would be right has a column of its own."""

Answer = dict[str, Any]


class Summary(msgspec.Struct):
    """The answers of several requests as one."""

    records: int = 0
    invalid: int = 0
    violations: int = 0
    left_out: int = 0
    kinds: dict[tuple[str, str | None, str], dict[str, Any]] = msgspec.field(default_factory=dict)
    results: list[dict[str, Any]] = msgspec.field(default_factory=list)
    results_left_out: int = 0

    def add(self, answer: Answer, *, is_kept: bool) -> None:
        """Take in what a request for the next records was answered; keep its results or not."""
        self.records += answer["records"]
        self.invalid += answer["invalid"]
        self.violations += answer["violations"]
        self.left_out += answer["summaryLeftOut"]
        if is_kept:
            self.results += answer["results"]
        self.results_left_out += answer["resultsLeftOut"]
        for kind in answer["summary"]:
            key = (kind["schemaLocation"], kind["keyword"], kind["message"])
            known = self.kinds.setdefault(key, kind | {"records": 0, "violations": 0})
            known["records"] += kind["records"]
            known["violations"] += kind["violations"]

    def sorted_kinds(self) -> list[dict[str, Any]]:
        """Return the kinds of violations, what most records break first."""
        return sorted(self.kinds.values(), key=lambda kind: -kind["records"])

    def shown(self) -> Answer:
        """Return all of it in the form of one answer."""
        return {
            "records": self.records,
            "valid": self.records - self.invalid,
            "invalid": self.invalid,
            "violations": self.violations,
            "summary": self.sorted_kinds(),
            "summaryLeftOut": self.left_out,
            "results": self.results,
            "resultsLeftOut": self.results_left_out,
        }


def print_summary(summary: Summary) -> None:
    """Print the kinds of violations, and the counts."""
    console = Console()
    kinds = summary.sorted_kinds()
    if kinds:
        print_kinds(console, kinds, left_out=summary.left_out)
    valid = summary.records - summary.invalid
    console.print(
        f"{_counted(summary.records, 'record')}: {valid:,} valid, {summary.invalid:,} invalid"
        + (f", {_counted(summary.violations, 'violation')}" if summary.invalid else "")
    )


def print_results(results: list[dict[str, Any]]) -> None:
    """Print records with all that is wrong with them."""
    console = Console()
    for result in results:
        _print_result(console, result)


def print_kinds(console: Console, kinds: list[dict[str, Any]], *, left_out: int) -> None:
    """Print the kinds of violations as a table."""
    is_wide = console.width >= _WIDTH_WIDE
    table = Table(pad_edge=False)
    table.add_column("records", justify="right")
    table.add_column("field", overflow="fold", ratio=2)
    table.add_column("what is wrong", overflow="fold", ratio=4)
    if is_wide:
        table.add_column("what would be right", overflow="fold", ratio=3)
    table.add_column("first", overflow="fold", ratio=2)
    for kind in kinds[:_ROWS_MAX]:
        first = kind["first"]
        # What breaks no keyword has its whole sense in the words: the first record's are shown.
        message = kind["message"] if kind["keyword"] else first["message"]
        row = [f"{kind['records']:,}", kind["path"] or "(the record)", message]
        if is_wide:
            row.append(kind["right"] or "")
        value = "" if first["value"] is None else f": {_cut(first['value'])}"
        table.add_row(*map(_plain, (*row, f"{_place(first)}{value}")))
    console.print(table)
    hidden = sum(kind["violations"] for kind in kinds[_ROWS_MAX:]) + left_out
    if hidden:
        console.print(f"and {_counted(hidden, 'violation')} of further kinds")


def _print_result(console: Console, result: dict[str, Any]) -> None:
    console.print(_plain(f"{_place(result)}: {_counted(result['violationCount'], 'violation')}"))
    for each in result.get("violations", ()):
        where = f"{each['path']}: " if each["path"] else ""
        right = f" ({each['right']})" if each["right"] else ""
        console.print(_plain(f"    {where}{each['message']}{right}"), soft_wrap=True)


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _place(entry: dict[str, Any]) -> str:
    if "line" in entry:
        return f"line {entry['line']}"
    return entry["xactionId"] if entry.get("xactionId") else f"item {entry.get('index', 0)}"


def _cut(value: str) -> str:
    return value if len(value) <= _VALUE_MAX else f"{value[: _VALUE_MAX - 1]}…"


def _plain(text: str) -> Text:
    # Text, not markup: what a record holds must not format the terminal, or move its cursor.
    return Text(printable(text))
