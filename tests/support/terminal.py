"""Run programs on a pseudo terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from support.program import BUSY_S
from support.real import missing

_TALK_S = 120
_QUESTION = r"\? \[[^\]\r\n]*\](: ?| ?)$"
_MOST_QUESTIONS = 20


def run(command: Sequence[str | Path], variables: Mapping[str, str]) -> tuple[int, str]:
    """Run a command on a pseudo terminal; return its exit status and its output."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command, env=variables, stdin=theirs, stdout=theirs, stderr=theirs
    ) as child:
        os.close(theirs)
        shown = b""
        deadline = time.monotonic() + BUSY_S
        while time.monotonic() < deadline:
            try:
                shown += os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
        os.close(ours)
    return child.returncode, shown.decode()


def talk(
    command: Sequence[str | Path],
    variables: Mapping[str, str],
    answers: Mapping[str, str],
    *,
    width: int = 100,
) -> tuple[int, str, list[str]]:
    """Run a command on a pseudo terminal and answer its questions.

    `answers` has an answer for a part of a question's text; Enter answers all others.
    Returns the exit status, the output, and the questions.
    """
    try:
        import pexpect
    except ImportError:
        missing("pexpect is not installed: pip install pexpect")
    name, *arguments = map(str, command)
    child = pexpect.spawn(
        name,
        arguments,
        env=dict(variables) | {"TERM": "xterm"},
        encoding="utf-8",
        dimensions=(50, width),
        timeout=_TALK_S,
    )
    shown, asked = "", []
    try:
        while child.expect([_QUESTION, pexpect.EOF]) == 0:
            shown += child.before + child.after
            question = (child.before + child.after).splitlines()[-1]
            asked.append(question)
            assert len(asked) < _MOST_QUESTIONS, asked
            child.send(
                next((a for part, a in answers.items() if part in question), "\r")
            )
        shown += child.before
        child.wait()
    finally:
        child.close(force=True)
    status = child.exitstatus if child.exitstatus is not None else -child.signalstatus
    return status, shown.replace("\r\n", "\n"), asked
