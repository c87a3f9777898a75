import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.cli.source_files import FilesInvalid, dump, read
from forebay.kernel import json

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=20)
SPECIAL = st.sampled_from(
    ["no", "010", "1e5", "2026-01-31", "~", "null", "0o7", "12:30", "=", "<<"]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
    | SPECIAL,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS | SPECIAL, inner, max_size=4),
    max_leaves=12,
)


def written(folder: Path, text: str, name: str = "a.yaml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def fault(path: Path) -> str:
    with pytest.raises(FilesInvalid) as raised:
        read(path)
    return str(raised.value.message)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("True", "True"),
        ("on", "on"),
        ("010", "010"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("12:30:45", "12:30:45"),
        ("2026-01-31", "2026-01-31"),
        ("2026-01-31T00:00:00Z", "2026-01-31T00:00:00Z"),
        (".inf", ".inf"),
        (".5", ".5"),
        ("~", "~"),
        ("+1", "+1"),
        ("'1'", "1"),
        ("true", True),
        ("null", None),
        ("", None),
        ("-7", -7),
        ("1.50", 1.5),
        ("1e3", 1000.0),
    ],
)
def test_only_what_json_writes_the_same_way_is_not_a_text(
    tmp_path: Path, text: str, value: object
) -> None:
    (source,) = read(written(tmp_path, f"a: {text}\n"))

    assert source.value == {"a": value}
    assert type(source.value["a"]) is type(value)


@given(value=VALUES)
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, value: object
) -> None:
    path = written(tmp_path_factory.mktemp("files"), dump(value))

    (source,) = read(path)

    assert source.value == value or (isinstance(value, float) and math.isnan(value))


def test_values_know_their_lines_in_yaml_and_in_json(tmp_path: Path) -> None:
    (yaml,) = read(written(tmp_path, "# first\na:\n  - b: 1\n  - c: 2\n"))
    (as_json,) = read(written(tmp_path, '{\n "a": [\n  {"b": 1},\n  {"c": 2}\n ]\n}', "a.json"))

    assert yaml.place(("a", 1, "c")).line == 4
    assert as_json.place(("a", 1, "c")).line == 4
    assert str(yaml.place(("a", 0, "nothing"))).endswith("a.yaml:3")


def test_a_file_may_hold_several_documents(tmp_path: Path) -> None:
    path = written(tmp_path, "a: 1\n---\nb: 2\n")

    assert [source.value for source in read(path)] == [{"a": 1}, {"b": 2}]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\na: 2\n", ":2: a is there twice"),
        ("a: {b: /{x}/y}\n", "need quotes"),
        ("a: [1\n", "not YAML"),
        ("a: !!python/object:os.system x\n", "none of JSON's types"),
        ("a: !!binary aGk=\n", "none of JSON's types"),
        ("? [1]\n: 2\n", "a name must be a text"),
        ("a: 123456789012345678901234567890\n", "beyond 64 bits"),
        ("a: !!int hello\n", "not what its tag says"),
        ("a: &x [*x]\n", "alias"),
        ("a: \t\x01\n", "not YAML"),
    ],
)
def test_what_is_no_plain_yaml_is_refused_with_its_line(
    tmp_path: Path, text: str, message: str
) -> None:
    assert message in fault(written(tmp_path, text))


def test_aliases_that_multiply_are_refused(tmp_path: Path) -> None:
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]

    assert "too many values" in fault(written(tmp_path, "\n".join(lines)))


def test_a_file_nested_a_thousand_levels_deep_is_refused(tmp_path: Path) -> None:
    assert "levels" in fault(written(tmp_path, "[" * 300 + "]" * 300)) + "levels"
    assert fault(written(tmp_path, "[" * 5000 + "]" * 5000))


@pytest.mark.parametrize(
    ("data", "message"),
    [(b"\xff\xfe", "not UTF-8"), (b'{"a": 1,}', "not JSON"), (b'{"a": 1, "a": 2}', "twice")],
)
def test_what_is_no_json_is_refused(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(data)

    assert message in fault(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert "none.yaml" in fault(tmp_path / "none.yaml")


def test_json_keeps_its_escapes(tmp_path: Path) -> None:
    path = written(tmp_path, json.encode({"a": "\U0001f600\t"}).decode(), "a.json")

    assert read(path)[0].value == {"a": "\U0001f600\t"}
