"""Each message in docs/errors.md is a sentence, and its placeholders have names."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from support.documents import ROOT

sys.path.append(str(ROOT / "docs/generate"))

import wording

ROWS = re.findall(
    r"^\| (.*?) \| (.*) \|$", (ROOT / "docs/errors.md").read_text(), re.MULTILINE
)
PLACEHOLDER = re.compile(r"(?<!\\)\*([^*]+)\*")
ENDS = re.compile(r"(\b(a|an|the|of|to|at|and|or)|[,:(;])$")
"""Words and marks that cannot end a sentence."""


def faults(cell: str) -> list[str]:
    """Return what makes a cell unclear to a reader."""
    texts = PLACEHOLDER.split(cell)
    found = ["an empty one"] if not "".join(texts[::2]).strip(" :") else []
    for before, name, after in zip(texts[::2], texts[1::2], texts[2::2], strict=False):
        if re.search(r"[a-z]$", before) or re.match(r"[a-z]", after):
            found.append(f"{name} is glued to a word")
        if not re.fullmatch(r"[A-Za-z]+( [A-Za-z]+)*", name):
            found.append(f"{name} is no name")
    found += ["nothing between two placeholders" for each in texts[2:-1:2] if not each]
    found += [] if not ENDS.search(texts[-1]) else ["it is cut off"]
    return found


def test_each_row_is_a_sentence() -> None:
    assert len(ROWS) > 500
    wrong = {cell: why for row in ROWS for cell in row if (why := faults(cell))}
    assert wrong == {}


@pytest.mark.parametrize(
    "cell",
    ["*action**place*", "denies*user*", "*a*s", "*reason*", "", "see the", "*_x*"],
)
def test_a_fault_is_seen(cell: str) -> None:
    assert faults(cell)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("def f(action): return f'AWS denies {action}'", "AWS denies *action*"),
        ("def f(e): return f'no {e.strerror} at {e.netloc}'", "no *reason* at *host*"),
        (
            "def f(p):\n    of = f' of {p}' if p else ''\n    return f'a profile{of}'",
            "a profile of *p*",
        ),
        (
            """class C:
    def g(self, p): self.at = f' at {p}' if p else ''
    def f(self): return f'stop{self.at}'
""",
            "stop at *p*",
        ),
        (
            "def g(p): return f' of {p}' if p else ''\ndef f(x): return f'one{g(x)}'",
            "one of *p*",
        ),
        ("NAMES = ('a', 'b')\ndef f(): return f'of {\", \".join(NAMES)}'", "of a, b"),
        ("A, LIMIT_S = 1, 5\ndef f(): return f'after {LIMIT_S} s'", "after 5 s"),
        ("from pack.other import HINT\ndef f(): return HINT", "look there"),
        ("from pack import other\ndef f(): return other.HINT", "look there"),
        ("def f(): return 'write * before _it'", r"write \* before \_it"),
        ("def f(names): return f'{len(names)} of {names[0]}'", "*number* of *name*"),
    ],
)
def test_a_text_of_the_code_is_read_with_names(
    tmp_path: Path, code: str, said: str
) -> None:
    (package := tmp_path / "pack").mkdir()
    (package / "other.py").write_text("HINT = 'look there'\n")
    (file := package / "one.py").write_text(code)
    read = wording.Wording(file, package)
    (function,) = (
        n for n in wording.ast.walk(read.tree) if getattr(n, "name", "") == "f"
    )
    assert read.texts(function.body[-1].value, function) == [said]


def test_a_text_that_may_be_one_of_two_is_both(tmp_path: Path) -> None:
    (file := tmp_path / "one.py").write_text("def f(x): return 'no' if x else 'yes'")
    read = wording.Wording(file, tmp_path)
    (function,) = read.tree.body
    assert read.texts(function.body[0].value, function) == ["no", "yes"]
