"""A near side with AWS keys of the sandbox in variables, which allows its registry."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.program import HOST

from .near import Near, forwarding

OPEN = ("--allow", HOST, "--allow", "registry.example.com:5000", "--allow", "plain")


@pytest.fixture
def start(cloud, helper_bin: Path, tmp_path: Path) -> Iterator[Callable[..., Near]]:
    """Return a function that starts a near side; all of them end with the test."""
    with ExitStack() as stack:

        def started(*options: str, allowed=OPEN, **variables: str) -> Near:
            environment = cloud.environment("env-keys") | variables
            found = forwarding(helper_bin, environment, tmp_path, *allowed, *options)
            return stack.enter_context(found)

        yield started


@pytest.fixture
def near(start) -> Near:
    return start()
