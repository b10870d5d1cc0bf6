"""Where a launcher enters Python: the program's module, told that tickets are read."""

from __future__ import annotations

import sys

from dockcred.launcher import ticket


def run(module: str, short: str) -> None:
    """Run a program's main; `short` names its tickets, nothing for one without."""
    ticket.expect(short)
    sys.argv[0] = module.replace("_", "-")
    __import__(module).main()
