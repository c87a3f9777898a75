"""What holds for all tests."""

import os
from collections.abc import Generator
from typing import Any

import pytest

from support.tables import lines, tables


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,  # noqa: ARG001  the hook's signature
    call: pytest.CallInfo[Any],  # noqa: ARG001  the hook's signature
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """On CI everything that a test needs is there: a skipped one is a failed one."""
    report = yield
    if os.environ.get("CI") == "true" and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped on CI: {report.longrepr}"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests counted, as one table each."""
    reports = [
        report for name in ("passed", "failed") for report in terminalreporter.getreports(name)
    ]
    properties = [found for report in reports for found in report.user_properties]
    for title, cells in tables(properties).items():
        terminalreporter.section(title)
        for line in lines(cells):
            terminalreporter.write_line(line)
