"""Writes man(7): titles, paragraphs, tagged lists and what stays as it is."""

from __future__ import annotations

from collections.abc import Iterable


class Page:
    """One page of section 1, written from top to bottom."""

    def __init__(self, name: str, version: str, summary: str) -> None:
        """Begin with the title and NAME, which apropos(1) reads."""
        title = name.upper().replace("-", "\\-")
        self._lines = [f'.TH {title} 1 "" "dockcred {version}" "User Commands"']
        self.section("NAME")
        self._lines.append(f"{_text(name)} \\- {_text(summary)}")

    def section(self, title: str) -> None:
        """Begin a section."""
        self._lines.append(f".SH {title}")

    def paragraph(self, text: str) -> None:
        """Write one paragraph, filled."""
        self._lines += [".PP", _line(" ".join(text.split()))]

    def as_it_is(self, lines: Iterable[str]) -> None:
        """Write lines that keep their ends and blanks, such as commands."""
        self._lines += [".PP", ".nf", *map(_line, lines), ".fi"]

    def item(self, tag: str, text: str) -> None:
        """Write one entry of a list: the tag, and below it what it means."""
        self._lines += [".TP", f"\\fB{_text(tag)}\\fR", _line(" ".join(text.split()))]

    def __str__(self) -> str:
        """Answer the page's source."""
        return "\n".join([*self._lines, ""])


def _text(text: str) -> str:
    """Write characters that roff would take for its own; a hyphen stays a hyphen."""
    for plain, written in (("\\", "\\e"), ("-", "\\-"), ("'", "\\(aq"), ("`", "\\(ga")):
        text = text.replace(plain, written)
    return text.replace("…", "...").encode("ascii", "replace").decode("ascii")


def _line(text: str) -> str:
    """Write a line of text, which must not look like a request."""
    written = _text(text)
    return f"\\&{written}" if written.startswith(".") else written
