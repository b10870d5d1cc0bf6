"""Fixtures: a cloud for the API. Calls get variables as arguments, none inherited."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dockcred.testing.sandbox import Sandbox


@pytest.fixture
def cloud() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox
