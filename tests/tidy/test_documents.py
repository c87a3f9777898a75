"""Documents that fail when they miss something."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from forebay.app.settings import Settings
from forebay.cli import _COMMANDS

ROOT = Path(__file__).parents[2]


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150


def test_architecture_is_one_page() -> None:
    assert len((ROOT / "ARCHITECTURE.md").read_text().splitlines()) <= 120


def test_every_package_stands_in_the_architecture() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    packages = {p.parent.name for p in (ROOT / "src" / "forebay").glob("*/__init__.py")}

    assert {name for name in packages if f"`{name}/`" not in text} == set()


def test_every_path_in_the_architecture_exists() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    named = set(re.findall(r"`([a-z_]+(?:/[a-z_0-9]+)*(?:/|\.py))(?::\w+)?`", text))

    missing = {
        n for n in named if not any((base / n).exists() for base in (ROOT, ROOT / "src/forebay"))
    }

    assert missing == set()


def test_every_function_in_the_architecture_exists() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    named = re.findall(r"`([a-z_/]+\.py):(\w+)`", text)
    missing = [
        (file, name)
        for file, name in named
        if not re.search(rf"(def|class) {name}\b", (ROOT / "src/forebay" / file).read_text())
    ]

    assert named
    assert missing == []


def test_generated_references_are_current() -> None:
    generated = subprocess.run(
        [sys.executable, ROOT / "tools" / "build_reference.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert generated.returncode == 0, f"run tools/build_reference.py: {generated.stdout}"


def test_every_example_of_configuration_is_accepted() -> None:
    for name in ("minimal.toml", "reference.toml"):
        values = tomllib.loads((ROOT / "config" / name).read_text())

        Settings(**values)


def test_every_command_stands_in_the_reference() -> None:
    text = (ROOT / "docs" / "reference" / "cli.md").read_text()

    assert {name for name in _COMMANDS if f"## forebay {name}" not in text} == set()


def test_every_decision_stands_in_the_index() -> None:
    decisions = ROOT / "docs" / "decisions"
    index = (decisions / "README.md").read_text()

    assert {p.name for p in decisions.glob("0*.md") if p.name not in index} == set()


def test_every_decision_says_how_it_could_be_wrong() -> None:
    decisions = (ROOT / "docs" / "decisions").glob("0*.md")

    assert [
        p.name for p in decisions if "How we would know we were wrong" not in p.read_text()
    ] == []
