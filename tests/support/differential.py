"""Compare how our code and the original code read the same generated inputs.

    def test_whom_the_files_name(side_by_side):
        side_by_side(compare, homes())

`compare` is called with one generated input. It runs both sides on it, and fails if
they disagree. If they differ on purpose, it returns the name of the difference, or
several names, each from `meant`: rows of docs/differences.md. It returns nothing if
they agree.

`shows` checks that the inputs covered enough. It is asked only for the fixed seed: a
fresh seed may by chance draw no input of some kind.

Each test runs twice: with a seed that is always the same, and with a new one. The end
of a run prints both; DOCKCRED_SEED=N repeats one. Each run is bounded: EXAMPLES inputs,
and NIGHT_EXAMPLES if DOCKCRED_NIGHT is set.
"""

from __future__ import annotations

import os
import re
import secrets
from collections import Counter
from collections.abc import Callable, Iterable

import pytest

from support.documents import ROOT

PAGE = ROOT / "docs/differences.md"
NIGHT = bool(os.environ.get("DOCKCRED_NIGHT"))
EXAMPLES = 300
NIGHT_EXAMPLES = 5_000
FIXED_SEED = 20_261_129
HEADING = "side by side with the clouds' own code"
_ROW = re.compile(r"^\| `([a-z0-9-]+)` \|", re.MULTILINE)


def rows() -> dict[str, list[str]]:
    """Return the table of intended differences: by name, each row's other cells."""
    found = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if match := _ROW.match(line):
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[2:-1]]
            assert match[1] not in found, f"two rows of the name {match[1]}"
            found[match[1]] = cells
    return found


def meant(name: str) -> str:
    """Return the name of an intended difference; raise KeyError if it has no row."""
    if name not in rows():
        raise KeyError(f"docs/differences.md has no row {name}")
    return name


Compare = Callable[..., str | Iterable[str] | None]


@pytest.fixture(params=("fixed seed", "fresh seed"))
def side_by_side(
    request: pytest.FixtureRequest, tell: Callable[[str, str], None]
) -> Callable[..., None]:
    """Return a function that calls `compare` with generated inputs and counts the ends.

    Called as side_by_side(compare, strategy, ..., share=1.0, shows=...), with a
    strategy for each argument of `compare`. `share` lowers the number of inputs for a
    costly comparison: 0.5 is half of the usual number. `shows` gets the count of each
    intended difference and of "alike", and returns whether they are enough.
    """
    hypothesis = pytest.importorskip("hypothesis")
    again = os.environ.get("DOCKCRED_SEED")
    fresh = int(again) if again else secrets.randbelow(2**32)
    seed = FIXED_SEED if request.param == "fixed seed" else fresh

    def run(
        compare: Compare,
        *strategies,
        share: float = 1.0,
        shows: Callable[[Counter[str]], object] = lambda _: True,
    ) -> None:
        ends: Counter[str] = Counter()
        examples = max(10, int(share * (NIGHT_EXAMPLES if NIGHT else EXAMPLES)))

        def one(inputs) -> None:
            found = compare(*inputs)
            names = [found] if isinstance(found, str) else list(found or ["alike"])
            ends.update(names)

        bounded = hypothesis.settings(
            max_examples=examples,
            database=None,
            deadline=None,
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        given = hypothesis.given(hypothesis.strategies.tuples(*strategies))
        print(f"DOCKCRED_SEED={seed}")
        hypothesis.seed(seed)(bounded(given(one)))()
        told = ", ".join(f"{count} {name}" for name, count in sorted(ends.items()))
        tell(HEADING, f"DOCKCRED_SEED={seed}: {told}")
        assert seed != FIXED_SEED or shows(ends), f"too little was shown: {told}"

    return run
