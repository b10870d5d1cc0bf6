"""Fail a run that leaves files in the caches of this machine's own programs.

A program under test gets its own home directory; as root without a home it gets its own
/run (`Program.with_run`). One that gets neither writes its cache entries where docker
and kubelet of this machine look for them. A docker that pulls from a new registry
during the run writes there too, and that is no fault of a test. So each new file is
printed with the test after which it was first seen.
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
    """Note which files are there before the first test."""
    _before.update(_files())


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Note which files are new after a test of this process."""
    _look(item.nodeid)


def _look(nodeid: str) -> None:
    for path in _files() - _before:
        _found.setdefault(path, nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node) -> None:
    """Add the files that a worker of pytest-xdist has found."""
    for path, nodeid in getattr(node, "workeroutput", {}).get(_KEY, {}).items():
        _found.setdefault(path, nodeid)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """In a worker, pass the new files to the controller; else fail the run if any."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[_KEY] = _found
        return
    _look("the last test")
    if _found and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print each new file, and the test after which it was first seen."""
    if _found:
        terminalreporter.section("left in the caches of this machine's own programs")
    for path, nodeid in sorted(_found.items()):
        terminalreporter.line(f"LEFT BEHIND {path}: seen after {nodeid}")


def _files() -> set[str]:
    """Return the files in _PLACES; none of a directory that is absent or unreadable."""
    found = set()
    for place in _PLACES:
        try:
            found.update(os.path.join(place, name) for name in os.listdir(place))
        except OSError:
            continue
    return found
