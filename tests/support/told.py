"""What a test has counted, told at the end of a run, whichever worker has run it.

    def test_every_call(tell):
        tell("points", "12 of 12")

prints under the heading "points" the test's name and the line.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator

import pytest

_MARK = "told: "


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Callable[[str, str], None]:
    """Return what takes a heading, and a line to be told under it."""
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
