"""Print results of tests, such as counts, at the end of a run, also from workers.

    def test_every_call(tell):
        tell("points", "12 of 12")

prints the test's name and the line under the heading "points".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator

import pytest

_MARK = "told: "


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Callable[[str, str], None]:
    """Return a function that takes a heading and a line to print under it."""
    return lambda heading, line: record_property(f"{_MARK}{heading}", line)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print each heading once, with the lines of all tests under it."""
    lines = defaultdict(list)
    for heading, line in _lines(terminalreporter):
        lines[heading].append(line)
    for heading, found in sorted(lines.items()):
        terminalreporter.section(heading)
        for line in sorted(found):
            terminalreporter.line(line)


def _lines(terminalreporter: pytest.TerminalReporter) -> Iterator[tuple[str, str]]:
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if name.startswith(_MARK) and report.when == "call":
                    yield name.removeprefix(_MARK), f"{report.nodeid} {value}"
