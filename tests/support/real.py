"""What a test of a real program does where that program is not there."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def missing(what: str) -> NoReturn:
    """Skip the test for want of `what`; fail where DOCKCRED_REQUIRE_REAL is set."""
    if os.environ.get("DOCKCRED_REQUIRE_REAL"):
        pytest.fail(f"DOCKCRED_REQUIRE_REAL is set, but {what}", pytrace=False)
    pytest.skip(what)
