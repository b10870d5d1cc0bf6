"""Print the results as a table, and write them as JSON."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from bench.contest import RowResult
from bench.rows import Row

_COLOURS = {"moonshot": "green", "must": "cyan", "missed": "red", "invalid": "red"}


@dataclass(frozen=True)
class Result:
    """A row with its outcome; if None, `why` says what is missing or wrong."""

    row: Row
    outcome: RowResult | None = None
    why: str = ""

    @property
    def verdict(self) -> str:
        """Return the goal that was reached: moonshot, must, or missed for none.

        Without an outcome it is the part of `why` before the colon.
        """
        if self.outcome is None:
            return self.why.partition(":")[0]
        if self.row.moonshot is not None and self.outcome.ratio <= self.row.moonshot:
            return "moonshot"
        return "must" if self.outcome.ratio <= self.row.must else "missed"

    @property
    def failed(self) -> bool:
        """Return whether the row fails the run; in CI a row without a result does."""
        if os.environ.get("CI") == "true":
            return self.verdict not in {"moonshot", "must"}
        return self.verdict in {"missed", "invalid"}

    def as_json(self) -> dict[str, object]:
        """Return the row for the JSON file."""
        outcome = self.outcome.as_json() if self.outcome else None
        return {
            "row": self.row.name,
            "peer": self.row.theirs,
            "must": self.row.must,
            "moonshot": self.row.moonshot,
            "verdict": self.verdict,
            "why": self.why,
            "outcome": outcome,
        }


def show(results: list[Result]) -> None:
    """Print the table; below it, why some rows have no result."""
    table = Table(box=box.SIMPLE_HEAD, title="ours ÷ theirs, paired medians")
    table.add_column("path", no_wrap=True)
    for name in ("ratio", "of minimums", "quartiles", "ours", "theirs"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("must", "moonshot"):
        table.add_column(name, justify="right")
    table.add_column("verdict", no_wrap=True)
    for result in results:
        table.add_row(*_cells(result))
    console = Console(width=None if os.isatty(1) else 150, highlight=False)
    console.print(table)
    for result in results:
        if result.why:
            console.print(f"{result.row.name}: {result.why}", markup=False)


def show_instructions(counts: dict[str, float]) -> None:
    """Print the counts of instructions of our own code paths."""
    for path, million in counts.items():
        print(f"{path:24} {million:8.2f} M instructions")


def write(
    results: list[Result],
    counts: dict[str, float],
    path: Path,
    conditions: dict[str, str],
) -> None:
    """Write all measured values, and the conditions under which they were measured."""
    machine = {"cpus": os.cpu_count(), "kernel": platform.release()}
    everything = {
        "conditions": {**conditions, **machine},
        "rows": [result.as_json() for result in results],
        "million_instructions": counts,
    }
    path.write_text(json.dumps(everything, indent=1) + "\n")


def _cells(result: Result) -> list[str]:
    row, outcome = result.row, result.outcome
    colour = _COLOURS.get(result.verdict, "yellow")
    goals = [f"{row.must:g}", "" if row.moonshot is None else f"{row.moonshot:g}"]
    verdict = f"[{colour}]{result.verdict}[/]"
    if outcome is None:
        return [row.name, "", "", "", "", "", *goals, verdict]
    unit, key = ("MB", "peak_mb") if row.peak else ("ms", "wall_ms")
    low, high = outcome.quartiles
    return [
        row.name,
        f"{outcome.ratio:.3g}",
        f"{outcome.ratio_of_minimums:.3g}",
        f"{low:.3g}-{high:.3g}",
        f"{outcome.ours[key]:.1f} {unit}",
        f"{outcome.theirs[key]:.1f} {unit}",
        *goals,
        verdict,
    ]
