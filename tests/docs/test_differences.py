"""The table of intended differences: complete rows, each expected by some test."""

from __future__ import annotations

import re

import pytest
from support.differential import rows
from support.documents import ROOT

EXPECTED = re.compile(r'\bmeant\(\s*"([a-z0-9-]+)"')
CELLS = ("input", "the SDK", "here", "why")


def _expected() -> set[str]:
    """Return every name that some test expects."""
    texts = (path.read_text(encoding="utf-8") for path in ROOT.glob("tests/**/*.py"))
    return {name for text in texts for name in EXPECTED.findall(text)}


def test_each_row_is_expected_by_a_test_and_each_expectation_has_a_row() -> None:
    assert set(rows()) == _expected()


@pytest.mark.parametrize("name", [*rows()] or ["none yet"])
def test_a_row_says_input_both_sides_and_why_with_a_link(name: str) -> None:
    if name == "none yet":
        pytest.skip("the table has no rows yet")
    cells = rows()[name]
    assert len(cells) == len(CELLS)
    assert all(cells), f"{name}: {dict(zip(CELLS, cells, strict=True))}"
    assert "](" in cells[-1], f"{name} has no link"
