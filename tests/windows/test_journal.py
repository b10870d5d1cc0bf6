"""A program that Wine never began runs again; one that began and is silent fails."""

from __future__ import annotations

import pytest

from .conftest import Windows

pytestmark = pytest.mark.slow
BEGINS = "import os; os._exit(1)"


@pytest.fixture
def told(windows: Windows) -> list[str]:
    lines: list[str] = []
    windows.tell = lambda _, line: lines.append(line)
    return lines


def test_what_has_begun_may_not_fail_in_silence(windows, told):
    with pytest.raises(pytest.fail.Exception, match="its Python had begun"):
        windows.python(BEGINS)
    assert told == []


def test_what_was_not_begun_is_run_once_more(windows, told):
    """A program without our Python logs no start, like one that Wine has ended."""
    cmd = windows.profile.parents[1] / "windows/system32/cmd.exe"
    with pytest.raises(pytest.fail.Exception, match="its Python never began"):
        windows.other(cmd, "/c", "exit 1")
    assert len(told) == 1
    assert windows.other(cmd, "/c", "exit 0").status == 0
    assert len(told) == 1


def test_who_keeps_no_journal_does_not_know(windows):
    """This is so for the archive's own Python, which does not write the journal."""
    plain = Windows(windows.scripts)
    with pytest.raises(pytest.fail.Exception, match="its Python had begun"):
        plain.python(BEGINS)
