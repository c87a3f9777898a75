from typing import Any

import pytest

from forebay.cli.violation_table import Summary, print_summary


def an_answer(records: int = 5, **kinds: int) -> dict[str, Any]:
    """Return an answer in which each kind of violation is broken by so many records."""
    return {
        "records": records,
        "invalid": sum(kinds.values()),
        "violations": 2 * sum(kinds.values()),
        "summaryLeftOut": 0,
        "results": [{"index": 0}],
        "resultsLeftOut": 1,
        "summary": [
            {
                "path": name,
                "keyword": "type",
                "message": f"wrong {name}",
                "right": "a [text]",
                "records": count,
                "violations": 2 * count,
                "schemaLocation": f"#/properties/{name}",
                "first": {"line": records, "path": name, "value": '"\x1b[2J"'},
            }
            for name, count in kinds.items()
        ],
    }


def test_answers_add_up_and_the_first_example_stays() -> None:
    summary = Summary()

    summary.add(an_answer(records=5, a=1, b=2), is_kept=True)
    summary.add(an_answer(records=7, a=3), is_kept=False)

    shown = summary.shown()
    assert (shown["records"], shown["valid"], shown["invalid"]) == (12, 6, 6)
    assert [(k["path"], k["records"], k["violations"]) for k in shown["summary"]] == [
        ("a", 4, 8),
        ("b", 2, 4),
    ]
    assert shown["summary"][0]["first"]["line"] == 5
    assert (len(shown["results"]), shown["resultsLeftOut"]) == (1, 2)


@pytest.mark.parametrize(("columns", "is_told"), [("100", False), ("160", True)])
def test_a_wide_terminal_is_told_what_would_be_right(
    columns: str,
    is_told: bool,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    summary = Summary()
    summary.add(an_answer(a=1), is_kept=False)

    print_summary(summary)

    printed = capsys.readouterr().out
    assert ("a [text]" in printed) is is_told
    assert "\x1b[2J" not in printed
    assert "5 records: 4 valid, 1 invalid, 2 violations" in printed


def test_very_many_kinds_are_summed_up(capsys: pytest.CaptureFixture[str]) -> None:
    summary = Summary()
    summary.add(an_answer(records=100, **{f"k{n}": 1 for n in range(60)}), is_kept=False)

    print_summary(summary)

    assert "and 20 violations of further kinds" in capsys.readouterr().out


def test_what_breaks_no_keyword_is_shown_in_the_words_of_the_first_record(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    answer = an_answer(a=1)
    first = answer["summary"][0]["first"] | {"message": "the dataset is 5f12", "value": "x" * 200}
    answer["summary"][0] |= {"keyword": None, "message": "the dataset is …f…", "first": first}
    summary = Summary()
    summary.add(answer, is_kept=False)

    print_summary(summary)

    shown = capsys.readouterr().out
    assert "the dataset is 5f12" in shown
    assert shown.count("x") < 70
