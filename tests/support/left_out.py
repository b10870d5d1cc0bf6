"""Print the names of the tests that `-m` left out; pytest itself only counts them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pytest

_KEY = "left_out"
_found: set[str] = set()


def pytest_deselected(items: Iterable[pytest.Item]) -> None:
    """Collect the names; all workers of pytest-xdist have the same ones."""
    _found.update(item.nodeid for item in items)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In a worker of pytest-xdist, pass the names to the controller."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[_KEY] = sorted(_found)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node) -> None:
    """Add the names from a worker that ends."""
    _found.update(getattr(node, "workeroutput", {}).get(_KEY, ()))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print each test function once, with the number of its cases."""
    expression = config.getoption("markexpr")
    if not expression or not _found:
        return
    terminalreporter.section(f"{len(_found)} left out by -m '{expression}'")
    cases = Counter(name.partition("[")[0] for name in _found)
    for name, count in sorted(cases.items()):
        terminalreporter.line(f"LEFT OUT [{count}] {name}")
