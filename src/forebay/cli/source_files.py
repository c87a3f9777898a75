"""
Files that people write, read as JSON values that know their lines.

YAML here has the types of JSON and no others: ``no`` is a text, ``2026-01-31`` is a text, ``010``
is a text. A value never becomes something that its writer did not write.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import msgspec
import yaml  # type: ignore[import-untyped]  # the package carries no types

from forebay.kernel import json

BYTES_MAX = 10 * 1_048_576
_DEPTH_MAX = 100
_VALUES_MAX = 200_000
"""Values in one file, aliases counted as often as they are used."""
_INTEGERS = range(-(2**63), 2**64)
_TAG = "tag:yaml.org,2002:"

Key = str | int
Way = tuple[Key, ...]
"""Where a value stands: the names and indexes that lead to it."""


class Place(msgspec.Struct, frozen=True):
    """A line of a file."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class FilesInvalid(click.ClickException):
    """Files that cannot be understood; every fault is named with its line."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class Source(msgspec.Struct, frozen=True):
    """One document of a file."""

    file: str
    value: Any
    lines: Mapping[Way, int]

    def place(self, way: Way) -> Place:
        """Return where a value stands, or the nearest one around it whose line is known."""
        while way and way not in self.lines:
            way = way[:-1]
        return Place(self.file, self.lines.get(way, 1))


def read(path: Path) -> list[Source]:
    """
    Return the documents of a YAML or JSON file; ``-`` is standard input.

    Raises:
        FilesInvalid: It cannot be read, or is neither.
    """
    name = "standard input" if str(path) == "-" else str(path)
    try:
        data = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
        if len(data) > BYTES_MAX:
            raise FilesInvalid([f"{name}: the file has more than {BYTES_MAX} bytes"])
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise FilesInvalid([f"{name}: {error.strerror}"]) from None
    except UnicodeDecodeError as error:
        raise FilesInvalid([f"{name}: not UTF-8 text (byte {error.start})"]) from None
    return [_json(name, text)] if path.suffix == ".json" else list(_yaml(name, text))


def _json(name: str, text: str) -> Source:
    try:
        value = json.decode(text)
    except json.NotJson as error:
        raise FilesInvalid([f"{name}: not JSON: {error}"]) from None
    try:
        # JSON is nearly a part of YAML: what YAML cannot read has no line numbers, and no more.
        lines = next(iter(_yaml(name, text))).lines
    except (_NotYaml, StopIteration):
        lines = {}
    return Source(name, value, lines)


class _NotYaml(FilesInvalid):
    pass


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # the package carries no types
    """YAML's syntax with JSON's types."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  how the package is extended


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]  # the package carries no types
    """Writes so that `read` gives the same values back, and people like to read it."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT002  the package's signature
        super().increase_indent(flow, indentless=False)

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002  the package's signature
        return True


for _kind, _pattern, _first in (
    ("null", r"(?:null)?", ["n", ""]),
    ("bool", r"true|false", ["t", "f"]),
    ("int", r"-?(?:0|[1-9][0-9]*)", list("-0123456789")),
    ("float", r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?", list("-0123456789")),
):
    for _user in (_Loader, _Dumper):  # what would be read as another type is written in quotes
        _user.add_implicit_resolver(_TAG + _kind, re.compile(rf"(?:{_pattern})$"), _first)


def _yaml(name: str, text: str) -> Iterator[Source]:
    try:
        nodes = list(yaml.compose_all(text, Loader=_Loader))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        hint = " (in a flow mapping, texts with braces need quotes)" if "{" in text else ""
        raise _NotYaml([f"{name}:{line}: not YAML: {error.problem}{hint}"]) from None
    except yaml.YAMLError as error:
        raise _NotYaml([f"{name}: not YAML: {error}"]) from None
    except RecursionError:
        raise _NotYaml([f"{name}: nested too deeply"]) from None
    for node in nodes:
        reading = _Reading(name)
        value = reading.value(node, ())
        if reading.faults:
            raise FilesInvalid(reading.faults)
        yield Source(name, value, reading.lines)


class _Reading:
    def __init__(self, file: str) -> None:
        self._file = file
        self._left = _VALUES_MAX
        self.lines: dict[Way, int] = {}
        self.faults: list[str] = []

    def value(self, node: Any, way: Way) -> Any:  # noqa: ANN401  any node, any JSON value
        line = node.start_mark.line + 1
        self.lines.setdefault(way, line)
        self._left -= 1
        if len(way) > _DEPTH_MAX or self._left < 0:
            what = f"more than {_DEPTH_MAX} levels" if self._left >= 0 else "too many values"
            raise FilesInvalid([f"{self._file}:{line}: {what}; is an alias part of itself?"])
        match node.tag.removeprefix(_TAG):
            case "map":
                return self._mapping(node, way)
            case "seq":
                return [self.value(item, (*way, at)) for at, item in enumerate(node.value)]
            case "str" if isinstance(node, yaml.ScalarNode):
                return node.value
            case "null" | "bool" | "int" | "float" if isinstance(node, yaml.ScalarNode):
                return self._scalar(node, line)
            case other:
                self._fault(line, f"the tag {other} is none of JSON's types")
                return None

    def _mapping(self, node: Any, way: Way) -> dict[str, Any]:  # noqa: ANN401  a node
        members: dict[str, Any] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                self._fault(line, "a name must be a text")
                continue
            # A name is its text, whatever it looks like: 1, no and true are names too.
            name = key.value
            if name in members:
                self._fault(line, f"{name} is there twice")
            self.lines[(*way, name)] = line
            members[name] = self.value(value, (*way, name))
        return members

    def _scalar(self, node: Any, line: int) -> Any:  # noqa: ANN401  a node, a scalar
        try:
            value = json.decode(node.value or "null")
        except json.NotJson:
            self._fault(line, f"{node.value!r} is not what its tag says")
            return None
        if isinstance(value, int) and value not in _INTEGERS:
            self._fault(line, f"{node.value} is beyond 64 bits; write it as a text, in quotes")
        return value

    def _fault(self, line: int, message: str) -> None:
        self.faults.append(f"{self._file}:{line}: {message}")


def dump(value: Any) -> str:  # noqa: ANN401  any JSON value
    """Return a JSON value as YAML."""
    text: str = yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100, indent=2
    )
    return text
