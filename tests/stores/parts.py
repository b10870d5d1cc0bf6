"""Find the real programs; what is missing is a skip, or a failure in CI."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import NoReturn

import pytest

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PROGRAMS = Path(sys.executable).parent


def missing(what: str) -> NoReturn:
    """Skip for want of `what`; fail where DOCKCRED_REQUIRE_REAL is set."""
    if os.environ.get("DOCKCRED_REQUIRE_REAL"):
        pytest.fail(f"DOCKCRED_REQUIRE_REAL is set, but {what}", pytrace=False)
    pytest.skip(what)


def program(name: str) -> str:
    """Return the absolute path of a program: PATH chooses among several versions."""
    path = f"{os.environ['PATH']}:{SYSTEM_PATH}"
    return shutil.which(name, path=path) or missing(f"{name} is not installed")


def ours(name: str) -> str:
    """Return the absolute path of a console script of this distribution."""
    return str(PROGRAMS / name)
