"""README's comparison: our cells name a test, each of theirs a line of code."""

from __future__ import annotations

import ast
import re
import sys

import pytest
from bench.rows import ROWS
from support.documents import ROOT

sys.path.append(str(ROOT / "docs/generate"))

import comparison

COMPARED = comparison.read()
FEATURES = COMPARED["features"]
HELPERS = {helper["name"]: helper for helper in COMPARED["helper"]}


def test_readme_shows_the_table() -> None:
    assert comparison.table() in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", HELPERS)
def test_what_is_compared_is_held_by_a_test_of_ours(name: str) -> None:
    ours = HELPERS[name]["ours"]
    assert set(ours) == set(FEATURES) & set(HELPERS[name])
    for named in ours.values():
        file, _, test = named.partition("::")
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        assert test in {node.name for node in tree.body if hasattr(node, "name")}, named


@pytest.mark.parametrize("name", HELPERS)
def test_what_they_do_is_said_by_their_code(name: str) -> None:
    """Links name a commit, as a line on a branch may change."""
    for feature in set(FEATURES) & set(HELPERS[name]):
        said, place = HELPERS[name][feature]
        assert re.match(r"yes|no|kubelet does", said)
        assert re.fullmatch(r"[\w./-]+\.go(#L\d+(-L\d+)?)?", place)
        assert re.search(r"/blob/[0-9a-f]{40}(/|$)", HELPERS[name]["code"])


@pytest.mark.parametrize("name", HELPERS)
def test_a_ratio_is_one_that_was_measured(name: str) -> None:
    measured = comparison.ratios()
    for column in ("cached", "first"):
        if row := HELPERS[name].get(column):
            assert row in measured
            start = row.partition(", cached;")[0]
            assert [each for each in ROWS if each.name.startswith(start)], row
