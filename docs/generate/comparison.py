"""Write README's table that compares helpers, from tests/docs/comparison.toml."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "tests/docs/comparison.toml"
BENCH = ROOT / "bench/README.md"
NONE = "-"
_BEGIN, _END = (
    "<!-- comparison: make docs writes it -->\n",
    "<!-- comparison ends -->\n",
)
_RATIOS = ("cached", "first")
_ROW = re.compile(
    r"^\| \**(?P<name>[^|*]+?)\** \| \**(?P<ratio>[\d.; to]+?)\** \|", re.MULTILINE
)


def read() -> dict[str, Any]:
    """Return the content of comparison.toml."""
    return tomllib.loads(TABLE.read_text(encoding="utf-8"))


def ratios() -> dict[str, str]:
    """Return the measured ratios (ours ÷ theirs) of bench/README.md, by row name."""
    text = BENCH.read_text(encoding="utf-8")
    return {row["name"]: row["ratio"] for row in _ROW.finditer(text)}


def readme() -> str:
    """Return README.md with the current table."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    before, _, rest = text.partition(_BEGIN)
    return f"{before}{_BEGIN}\n{table()}\n{_END}{rest.partition(_END)[2]}"


def table() -> str:
    """Return README's table: cells of a helper link to its code; ratios come last."""
    compared, measured = read(), ratios()
    features = compared["features"]
    heads = ["helper", *features.values(), "cached `get`", "first `get`"]
    lines = [heads, ["---"] * (1 + len(features)) + ["---:"] * len(_RATIOS)]
    lines += [
        ["**dockcred**, for each of them", *["**yes**"] * len(features), "1", "1"]
    ]
    for helper in compared["helper"]:
        cells = [f"[{helper['name']}]({_short(helper['code'])})"]
        for feature in features:
            said = helper.get(feature)
            cells += [f"[{said[0]}]({helper['code']}/{said[1]})" if said else NONE]
        for column, name in enumerate(_RATIOS):
            cells += [_figure(helper.get(name, ""), column, measured)]
        lines += [cells]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _short(code: str) -> str:
    """Return the URL of a repository, or of the page about a program."""
    return re.sub(r"/blob/.*", "", code)


def _figure(row: str, column: int, measured: dict[str, str]) -> str:
    """Return a row's ratio; if it has two ("a; b"), the one for this column."""
    if not row:
        return NONE
    return measured[row].split("; ")[column if ";" in row else 0]
