"""
Write the references that are generated: settings (TOML and page) and commands.

With --check nothing is written; the exit code says whether anything would change.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from forebay.app.settings import Settings
from forebay.cli import main

ROOT = Path(__file__).parents[1]


def fields(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str, FieldInfo, Any]]:
    """Yield section, name, field and default of every setting."""
    for name, field in model.model_fields.items():
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from fields(annotation, name)
        else:
            yield prefix, name, field, field.default


def toml_value(value: object) -> str:
    """Return a default as TOML writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else f'"{value}"'


def reference_toml() -> str:
    """Return config/reference.toml: every setting with its default and its reason."""
    lines = [
        "# Every setting, its default and its reason. Made by tools/build_reference.py.",
        "# A setting without a default is commented out.",
    ]
    section = ""
    for prefix, name, field, default in sorted(fields(Settings), key=lambda f: f[0]):
        if prefix != section:
            section = prefix
            lines += ["", f"[{section}]"]
        mark = "# " if default is None else ""
        shown = '""' if default is None else toml_value(default)
        lines += ["", f"# {field.description}", f"{mark}{name} = {shown}"]
    return "\n".join(lines) + "\n"


def settings_page() -> str:
    """Return docs/reference/settings.md."""
    lines = [
        "# Settings",
        "",
        "Precedence: defaults < `forebay.toml` in the working directory < environment < options.",
        "Made by `tools/build_reference.py` from `app/settings.py`.",
        "",
        "| in the file | in the environment | default | what it is |",
        "|---|---|---|---|",
    ]
    for prefix, name, field, default in fields(Settings):
        path = f"{prefix}.{name}" if prefix else name
        variable = f"FOREBAY_{path.upper().replace('.', '__')}"
        lines.append(f"| `{path}` | `{variable}` | `{default}` | {field.description} |")
    return "\n".join(lines) + "\n"


def commands(group: click.Group, ctx: click.Context, path: str) -> Iterator[tuple[str, str]]:
    """Yield every command's path and its help text."""
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        assert command is not None
        inner = click.Context(command, info_name=f"{path} {name}", max_content_width=96)
        yield f"{path} {name}", command.get_help(inner)
        if isinstance(command, click.Group):
            yield from commands(command, inner, f"{path} {name}")


def cli_page() -> str:
    """Return docs/reference/cli.md."""
    root = click.Context(main, info_name="forebay", max_content_width=96)
    lines = ["# Commands", "", "Made by `tools/build_reference.py` from the commands' own help."]
    for path, text in commands(main, root, "forebay"):
        lines += ["", f"## {path}", "", "```text", text, "```"]
    return "\n".join(lines) + "\n"


def run() -> int:
    """Write what changed; return 1 if --check found a difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    is_check = parser.parse_args().check
    stale = []
    for path, make in {
        "config/reference.toml": reference_toml,
        "docs/reference/settings.md": settings_page,
        "docs/reference/cli.md": cli_page,
    }.items():
        file = ROOT / path
        text = make()
        if not file.is_file() or file.read_text() != text:
            stale.append(path)
            if not is_check:
                file.parent.mkdir(exist_ok=True)
                file.write_text(text)
    print("stale:" if is_check else "written:", ", ".join(stale) or "nothing")
    return int(is_check and bool(stale))


if __name__ == "__main__":
    sys.exit(run())
