"""Fail a run that leaves anything in the caches of this machine's own programs.

A program under test gets a home of its own, and as root a /run of its own where it has no
home (`Program.with_run`). One that gets neither keeps its entries where this machine's
docker and kubelet look for them. So does a docker that pulls meanwhile from a registry
that is new to it, for which we cannot be blamed: what is new is named, with the test that
has ended before it was seen.
"""

from __future__ import annotations

import os

import pytest

from dockcred.system.machine import RUN_DIRECTORY

_KEY = "left_behind"
_PLACES = (RUN_DIRECTORY, os.path.expanduser("~/.cache/dockcred"))
_before: set[str] = set()
_found: dict[str, str] = {}


def pytest_sessionstart() -> None:
    """Note what is there before the first test."""
    _before.update(_files())


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Note what is new after a test that this process has run."""
    _look(item.nodeid)


def _look(nodeid: str) -> None:
    for path in _files() - _before:
        _found.setdefault(path, nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node) -> None:
    """Take over what a worker has found."""
    for path, nodeid in getattr(node, "workeroutput", {}).get(_KEY, {}).items():
        _found.setdefault(path, nodeid)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run, or hand what was found over to whom this process works for."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[_KEY] = _found
        return
    _look("the last test")
    if _found and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print each new file, and when it was seen first."""
    if _found:
        terminalreporter.section("left in the caches of this machine's own programs")
    for path, nodeid in sorted(_found.items()):
        terminalreporter.line(f"LEFT BEHIND {path}: seen after {nodeid}")


def _files() -> set[str]:
    """Return what is in the places; nothing for one that is absent or another's."""
    found = set()
    for place in _PLACES:
        try:
            found.update(os.path.join(place, name) for name in os.listdir(place))
        except OSError:
            continue
    return found
