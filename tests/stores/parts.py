"""Find real programs and ours; a missing one skips the test, or fails it in CI."""

from __future__ import annotations

import sys
from pathlib import Path

from support.real import SYSTEM_PATH, missing, program

__all__ = ["PROGRAMS", "SYSTEM_PATH", "missing", "ours", "program"]

PROGRAMS = Path(sys.executable).parent


def ours(name: str) -> str:
    """Return the absolute path of a console script of this distribution."""
    return str(PROGRAMS / name)
