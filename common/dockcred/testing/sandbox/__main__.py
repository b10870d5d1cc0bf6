"""Run `dockcred sandbox` where only this package is installed."""

from __future__ import annotations

from dockcred.commands.sandbox import sandbox

if __name__ == "__main__":
    sandbox(prog_name="python -m dockcred.testing.sandbox")
