"""A row without a result says why, and in CI it fails the run."""

from __future__ import annotations

import json

import pytest
from bench.contest import RowResult
from bench.peers import PEERS
from bench.report import Result, write
from bench.rows import ROWS

ROW = ROWS[0]
NO_FIGURES = {"wall_ms": 1.0}


def outcome(ratio: float) -> RowResult:
    return RowResult(ratio, ratio, (ratio, ratio), NO_FIGURES, NO_FIGURES, rounds=4)


@pytest.mark.parametrize(
    ("result", "verdict", "here", "in_ci"),
    [
        (Result(ROW, outcome(ROW.must)), "must", False, False),
        (Result(ROW, outcome(ROW.moonshot)), "moonshot", False, False),
        (Result(ROW, outcome(ROW.must * 1.01)), "missed", True, True),
        (Result(ROW, why="invalid: two passwords"), "invalid", True, True),
        (Result(ROW, why="missing: no such peer"), "missing", False, True),
        (Result(ROW, why="not built: no such program"), "not built", False, True),
    ],
)
def test_what_fails_a_run(result, verdict, here, in_ci, monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    assert (result.verdict, result.failed) == (verdict, here)
    monkeypatch.setenv("CI", "true")
    assert result.failed == in_ci


def test_every_row_has_a_peer_that_can_be_asked():
    assert {row.theirs for row in ROWS} - {""} <= PEERS.keys()
    assert {row.api_ms for row in ROWS} == {0, 40}


def test_the_json_holds_rows_and_instructions(tmp_path):
    file = tmp_path / "results.json"
    write([Result(ROW, outcome(0.5))], {"front hit": 1.82}, file, {"python": "3"})
    found = json.loads(file.read_text())
    assert found["rows"][0]["outcome"]["ratio"] == 0.5
    assert found["million_instructions"] == {"front hit": 1.82}
