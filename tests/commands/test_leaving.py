"""A command with threads ends when it is told to, with what it has printed."""

from __future__ import annotations

import subprocess
import sys

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
