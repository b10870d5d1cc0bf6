"""docs/security.md: every promise names a test, and every named test exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/security.md").read_text()
NAMED = re.findall(
    r"`(tests/[\w/]+\.py)::(\w+)`", PAGE + (ROOT / "SECURITY.md").read_text()
)
PROMISES = [
    row
    for table in PAGE.split("| what holds | a test |\n|---|---|\n")[1:]
    for row in table.partition("\n\n")[0].splitlines()
]


@pytest.mark.parametrize("file, name", sorted(set(NAMED)))
def test_a_test_that_is_named_is_there(file: str, name: str) -> None:
    tree = ast.parse((ROOT / file).read_text())
    tests = {each.name for each in tree.body if isinstance(each, ast.FunctionDef)}
    assert name in tests


def test_every_promise_names_a_test() -> None:
    assert len(PROMISES) > 30
    for row in PROMISES:
        promise, test = row.strip("| ").rsplit(" | ", 1)
        assert promise.endswith("."), row
        assert re.fullmatch(
            r"`tests/[\w/]+\.py::\w+`(, `tests/[\w/]+\.py::\w+`)*", test
        )
