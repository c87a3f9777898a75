"""The examples run as they stand against a real server."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from support.server import Server

EXAMPLES = Path(__file__).parents[2] / "examples"


def exported(server: Server) -> dict[str, str]:
    """Return what `eval "$(forebay credentials --format env)"` puts into the environment."""
    lines = server.command("credentials", "--format", "env").stdout.splitlines()
    pairs = (line.removeprefix("export ").split("=", 1) for line in lines)
    return {name: shlex.split(value)[0] for name, value in pairs}


@pytest.mark.parametrize(
    ("example", "table", "rows", "failed"),
    [
        ("record_walkthrough.py", "example_record_walkthrough_py", 1, 1),
        ("time_series_walkthrough.py", "example_time_series_walkthrough_py", 4, 0),
    ],
)
def test_walkthrough_ends_with_rows_in_the_lake(
    server: Server, example: str, table: str, rows: int, failed: int
) -> None:
    before = server.query("select count(*) as n from failed_records")[0]["n"]

    subprocess.run(
        [sys.executable, EXAMPLES / example, f"Example {example}"],
        env=os.environ | exported(server),
        check=True,
    )

    assert server.query(f"select count(*) as n from {table}") == [{"n": rows}]
    assert server.query("select count(*) as n from failed_records")[0]["n"] == before + failed


def test_the_aepp_client_streams_records(server: Server, tmp_path: Path) -> None:
    configuration = tmp_path / "aepp.json"
    configuration.write_text(server.command("credentials", "--format", "aepp").stdout)

    walk = subprocess.run(
        [sys.executable, EXAMPLES / "aepp_walkthrough.py", configuration, "Example of aepp"],
        check=True,
        capture_output=True,
        text=True,
    )

    server.await_lake()
    assert server.query("select count(*) as n from example_of_aepp") == [{"n": 3}]
    assert "sample  name@example.com" in walk.stdout
    assert "export  ['Example of aepp']" in walk.stdout
    assert "changes 1" in walk.stdout
