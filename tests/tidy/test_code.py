"""Rules about the code itself; each failure says what to do."""

import ast
import importlib
import pkgutil
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import forebay
from forebay.kernel.errors import PlatformError

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "forebay"
MODULES = sorted(SOURCE.rglob("*.py"))
MODULE_LINES_MAX = 500
FUNCTION_LINES_MAX = 60
BANNED_NAMES = {"utils", "helpers", "common", "misc", "services", "models"}


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def texts() -> Iterator[tuple[Path, str]]:
    for path in tracked():
        try:
            yield path.relative_to(ROOT), path.read_text()
        except UnicodeDecodeError:
            continue


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))


def test_no_module_is_longer_than_one_sitting() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in MODULES
        if (lines := path.read_text().count("\n")) > MODULE_LINES_MAX
    }

    assert not long, f"split these modules by what they are for: {long}"


def test_no_function_is_longer_than_a_screen() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{node.name} {node.end_lineno - node.lineno + 1}"
        for path in MODULES
        for node in functions(ast.parse(path.read_text()))
        if node.end_lineno is not None
        and node.end_lineno - node.lineno - docstring_lines(node) >= FUNCTION_LINES_MAX
    ]

    assert not long, f"split these functions: {long}"


def docstring_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (ast.get_docstring(node, clean=False) or "").count("\n")


def test_no_room_is_a_lumber_room() -> None:
    named = [
        str(path.relative_to(ROOT))
        for path in MODULES
        if BANNED_NAMES & {path.stem, path.parent.name}
    ]

    assert not named, f"name these for what is in them: {named}"


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        str(p.relative_to(ROOT)) for p in MODULES if not ast.get_docstring(ast.parse(p.read_text()))
    ]

    assert not silent, f"these modules need a first line: {silent}"


def test_every_error_code_has_its_page() -> None:
    for module in pkgutil.walk_packages(forebay.__path__, "forebay."):
        if "migrations" not in module.name and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    headings = ("## What happened", "## What the platform did", "## What to do")
    lacking = [
        code
        for code in PlatformError.registry
        if not (page := ROOT / "docs" / "errors" / f"{code}.md").is_file()
        or not all(heading in page.read_text() for heading in headings)
    ]

    assert not lacking, f"write docs/errors/<CODE>.md with {headings} for {lacking}"


def test_every_error_page_has_its_error() -> None:
    pages = {page.stem for page in (ROOT / "docs" / "errors").glob("*.md")} - {"README"}
    # Some codes are no exceptions: the API writes them where nothing was raised.
    written = {
        code
        for path in (SOURCE / "api").glob("*.py")
        for code in re.findall(r'"([A-Z]+-\d{4})"', path.read_text())
    }

    assert pages <= set(PlatformError.registry) | written, "delete pages of errors that are gone"
    assert written <= pages, "write the pages of these codes"


def test_every_unit_test_mirrors_a_module() -> None:
    unit = ROOT / "tests" / "unit"
    astray = [
        str(test.relative_to(ROOT))
        for test in sorted(unit.rglob("test_*.py"))
        if not mirrored(test.relative_to(unit))
    ]

    assert not astray, f"move these beside the module they test: {astray}"


def mirrored(test: Path) -> bool:
    name = test.stem.removeprefix("test_")
    folder = SOURCE / test.parent
    return any(
        (folder / f"{name[:end]}.py").is_file() or (folder / name[:end]).is_dir()
        for end in [len(name), *(m.start() for m in re.finditer("_", name))]
    )


def test_no_pattern_repeats_a_group_possessively() -> None:
    # `re` of Python 3.11.2, which Debian 12 ships, matches such patterns wrongly.
    possessive = re.compile(r"\)(?:[*+?]|\{\d+(?:,\d*)?\})\+(?!,)")
    found = [str(p.relative_to(ROOT)) for p in MODULES if possessive.search(p.read_text())]

    assert not found, f"repeat single characters possessively, and groups plainly: {found}"


def test_nothing_is_left_for_later() -> None:
    marks = re.compile(r"\b(" + "TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
    found = [str(path) for path, text in texts() if marks.search(text) and path.name != "LICENSE"]

    assert not found, f"do it, or write it down as an issue: {found}"


HOSTS = ["pypi.", "files.pythonhosted", "registry.npmjs", "deb.debian", "crates.", "repo1.maven"]


@pytest.mark.parametrize("host", HOSTS)
def test_no_package_registry_is_named(host: str) -> None:
    pattern = re.compile(re.escape(host) + r"(org|io)\b")

    found = [str(path) for path, text in texts() if pattern.search(text)]

    assert not found


def test_no_path_of_one_machine_is_named() -> None:
    pattern = re.compile(r"(^|[^A-Za-z0-9_.])/(work|farm|root|home)/", re.MULTILINE)

    found = [
        str(path) for path, text in texts() if pattern.search(text) and path.name != "test_code.py"
    ]

    assert not found


def test_no_tracked_file_is_large() -> None:
    large = {
        str(p.relative_to(ROOT)): p.stat().st_size
        for p in tracked()
        if p.stat().st_size > 1_500_000
    }

    assert not large
