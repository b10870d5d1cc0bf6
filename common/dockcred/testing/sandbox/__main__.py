"""Run `dockcred sandbox` where only this package is installed."""

from __future__ import annotations

from dockcred.commands.sandbox import sandbox
from dockcred.system import process

if __name__ == "__main__":
    process.harden(for_good=False)
    sandbox(prog_name="python -m dockcred.testing.sandbox")
