"""A child program may take as long as the call: no constant overrides the setting."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from support.documents import ROOT

from dockcred.providers.google import impersonation
from dockcred.stores.secretservice.names import MAX_WAIT_S, bounded
from dockcred.system import child_program, process

CODE = ROOT / "common/dockcred"
ROOMS = ("providers", "stores", "clients", "identity", "protocol")
RUNNERS = ("run", "ask")


@pytest.mark.parametrize(
    ("left", "patience"),
    [(float("inf"), 60.0), (300.0, 299.0), (30.0, 29.0), (8.0, 7.0), (1.2, 0.5)],
)
def test_it_is_waited_for_until_a_second_before_the_end(left, patience, monkeypatch):
    monkeypatch.setattr(process, "remaining_s", lambda: left)
    assert child_program.patience_s() == pytest.approx(patience)


@pytest.mark.parametrize(
    ("left", "step"), [(float("inf"), 5.0), (30.5, 15.0), (8.5, 5.0), (3.5, 3.0)]
)
def test_a_step_of_the_keyring_has_half_of_a_long_call(left, step, monkeypatch):
    """libsecret waits 25 s for an answer on the bus; a slow keyring is not absent."""
    monkeypatch.setattr(process, "remaining_s", lambda: left)
    assert bounded(MAX_WAIT_S) == pytest.approx(step)


@pytest.mark.parametrize(
    ("left", "asked", "one"),
    [(float("inf"), None, 5.0), (30.0, None, 15.0), (8.0, None, 5.0), (2.0, 3.0, 2.0)],
)
def test_a_request_of_google_auths_has_half_of_a_long_call(
    left, asked, one, monkeypatch
):
    monkeypatch.setattr(process, "remaining_s", lambda: left)
    assert impersonation._bounded(asked) == pytest.approx(one)


def calls(path: Path):
    """Yield the calls of child_program's functions in a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            holder = node.func.value
            if isinstance(holder, ast.Name) and holder.id == "child_program":
                yield node


def runs():
    files = (path for room in ROOMS for path in (CODE / room).rglob("*.py"))
    return [
        (path, call)
        for path in files
        for call in calls(path)
        if call.func.attr in RUNNERS
    ]


def test_there_are_programs_that_are_run():
    assert len(runs()) >= 4


@pytest.mark.parametrize(
    ("path", "call"), runs(), ids=lambda it: it.stem if isinstance(it, Path) else ""
)
def test_who_runs_a_program_names_no_time_of_his_own(path, call):
    """Calls have no `timeout_s`, or one from child_program.patience_s."""
    named = [one.value for one in call.keywords if one.arg == "timeout_s"]
    if named:
        (value,) = named
        text = path.read_text(encoding="utf-8")
        assert isinstance(value, ast.Name)
        assert f"{value.id} = child_program.patience_s()" in text
