"""Where a launcher enters Python: the program's module, told that tickets are read."""

from __future__ import annotations

import gc
import sys

short = ""
"""By what name the launcher asks for tickets; nothing where no launcher asked."""


def run(module: str, name: str) -> None:
    """Run a program's main; `name` is its short name, nothing for one without front."""
    global short  # noqa: PLW0603 - one process, one program
    short = name
    # One request and the end: what is garbage then goes with the process. Looking for
    # it while imports run is 3.5 of the 115 M instructions of a cold get.
    gc.disable()
    sys.argv[0] = module.replace("_", "-")
    __import__(module).main()
