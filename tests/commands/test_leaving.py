"""A command with threads ends at once when it leaves, and loses no output."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from support.program import BUSY_S

CODE = """
import threading
from dockcred.commands.console import leave
threading.Thread(target=threading.Event().wait).start()
print("printed")
leave(3)
"""


def test_no_thread_is_waited_for_and_nothing_printed_is_lost():
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, timeout=BUSY_S, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (3, b"printed\n", b"")


WORKING = """
import os, threading
from dockcred.commands.console import progress
with progress("asking") as tell:
    tell("asking another")
    os.write(1, b"%d" % threading.active_count())
"""


@pytest.mark.parametrize("shown", [False, True])
def test_a_thread_draws_the_progress_where_a_terminal_shows_it(shown):
    """Without a terminal no thread is started.

    Once, on a bare machine, `doctor --self-test` did not end after a signal.
    """
    done = subprocess.run(
        [sys.executable, "-c", WORKING],
        env={**os.environ, "FORCE_COLOR": "1" if shown else "", "TERM": "xterm"},
        capture_output=True,
        timeout=BUSY_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (b"asking another" in done.stderr) == shown
    assert done.stdout == (b"2" if shown else b"1")
