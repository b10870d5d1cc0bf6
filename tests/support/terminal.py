"""Programs on a pseudo terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

LIMIT_S = 30


def run(command: Sequence[str | Path], variables: Mapping[str, str]) -> tuple[int, str]:
    """Run a command there; return its status and all that it showed."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command, env=variables, stdin=theirs, stdout=theirs, stderr=theirs
    ) as child:
        os.close(theirs)
        shown = b""
        deadline = time.monotonic() + LIMIT_S
        while time.monotonic() < deadline:
            try:
                shown += os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
        os.close(ours)
    return child.returncode, shown.decode()
