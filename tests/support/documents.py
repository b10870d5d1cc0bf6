"""Read the documentation: its pages and its blocks of commands.

A block of commands is a fence of `console`. A comment right above it may say who runs
it and how it ends:

    <!-- run: as sso-expired, fails -->

    as NAME         the identity of the sandbox (env-keys)
    with a login    docker's config.json holds one, in the clear
    in the project  the tree is the working directory, not an empty home
    fails           the last command must fail
    elsewhere FILE  this test file (tests/…) runs it

In a block, `$ ` begins a command, which goes on while a line ends in `|`, `\\` or `&&`.
The lines after it are its stdout, or its stderr if stdout is empty. A number stands for
any number, `…` for any text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(
    r"^ *(?:<!-- run: (?P<how>[^>]*) -->\n+)? *```(?P<kind>\w+)\n(?P<text>.*?)^ *```$",
    re.MULTILINE | re.DOTALL,
)
_GOES_ON = ("|", "\\", "&&")


@dataclass
class Block:
    """A fence of the documentation, with what the comment above it says."""

    page: Path
    line: int
    kind: str
    text: str
    how: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def identity(self) -> str:
        named = [
            word.removeprefix("as ") for word in self.how if word.startswith("as ")
        ]
        return named[0] if named else "env-keys"

    @property
    def elsewhere(self) -> str:
        """The test file that runs this block; "" if it runs as most blocks do."""
        found = [w.split()[1] for w in self.how if w.startswith("elsewhere")]
        return found[0] if found else ""

    def steps(self) -> list[tuple[str, str]]:
        """The commands, each with the output that it must have."""
        found: list[list[str]] = []
        goes_on = False
        for line in self.text.splitlines():
            if line.startswith("$ "):
                found.append([line.removeprefix("$ "), ""])
            elif goes_on:
                found[-1][0] += "\n" + line
            else:
                found[-1][1] += line + "\n"
            goes_on = (line.startswith("$ ") or goes_on) and line.endswith(_GOES_ON)
        return [(command, shown) for command, shown in found]


def pages() -> list[Path]:
    """Every page of the documentation."""
    places = ("*.md", "docs/**/*.md", "bench/*.md", "packaging/**/*.md")
    return sorted(page for place in places for page in ROOT.glob(place))


def blocks(kind: str) -> list[Block]:
    """Every fence of a kind."""
    return [
        Block(
            page,
            text.count("\n", 0, found.start("text")),
            kind,
            found["text"],
            [word.strip() for word in (found["how"] or "").split(",") if word.strip()],
        )
        for page in pages()
        for text in [page.read_text(encoding="utf-8")]
        for found in _FENCE.finditer(text)
        if found["kind"] == kind
    ]


def written(how: str, page: str) -> list[str]:
    """Return the commands of the one block on a page whose comment has these words."""
    (block,) = (b for b in blocks("console") if b.page.name == page and how in b.how)
    return [command for command, _ in block.steps()]


def agrees(shown: str, printed: str) -> bool:
    """Return whether a page shows what was printed; numbers and `…` may differ."""
    pattern = ".*".join(re.escape(part) for part in _plain(shown).split("…"))
    return re.fullmatch(pattern, _plain(printed), re.DOTALL) is not None


def _plain(text: str) -> str:
    lines = (" ".join(line.split()) for line in text.splitlines())
    return re.sub(r"\d+(?:[.,]\d+)*", "0", "\n".join(filter(None, lines)))
