"""The program, and Alibaba Cloud's part of the sandbox."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.program import Program

from dockcred.testing.sandbox import Sandbox
from dockcred.testing.sandbox.alibaba import Alibaba


@pytest.fixture(scope="session")
def program(helper_bin: Path) -> Program:
    """docker-credential-acr-helper as installed."""
    return Program(str(helper_bin / "docker-credential-acr-helper"))


@pytest.fixture
def alibaba(cloud: Sandbox) -> Alibaba:
    """The cloud's own state, to turn its switches."""
    (found,) = (each for each in cloud._clouds if isinstance(each, Alibaba))
    return found
