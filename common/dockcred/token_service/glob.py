"""A glob over names made of segments: `team/*`, `refs/heads/release-?`, `ci/**`.

`*` is any run of characters and `?` is one, but never `/` nor `:`, which part the
names inside a claim. `**`, alone between slashes and once in a pattern, is anything.
"""

from __future__ import annotations

import re

from dockcred.errors import InvalidInputError

MAX_CHARACTERS = 1024
"""Of a pattern and of a value; what is longer matches nothing."""


class Glob:
    """One pattern, compiled so that a value is read once for each `*`."""

    __slots__ = ("_regex", "text")

    def __init__(self, text: str) -> None:
        """Parse a pattern; raise InvalidInputError for one that means nothing."""
        segments = text.split("/")
        if not text or len(text) > MAX_CHARACTERS or not text.isprintable():
            raise InvalidInputError(
                "a pattern is empty, too long or not printable",
                "write a name, with * or ? in it",
            )
        if sum("**" in segment for segment in segments) > segments.count("**") or (
            segments.count("**") > 1
        ):
            raise InvalidInputError(
                f"{text!a} is not a pattern",
                "write ** alone between slashes, and once",
            )
        self.text = text
        self._regex = re.compile("/".join(map(_segment, segments)), re.DOTALL)

    def matches(self, value: str) -> bool:
        """Tell whether the whole value is one of those that are meant."""
        return (
            0 < len(value) <= MAX_CHARACTERS
            and self._regex.fullmatch(value) is not None
        )

    def names_literally(self, parts: int | None = None) -> bool:
        """Tell whether its first parts, or all, are written out.

        Slashes and colons are what parts them.
        """
        start = self.text.replace(":", "/").split("/")[:parts]
        return not set("".join(start)) & {"*", "?"}

    @property
    def starts_wild(self) -> bool:
        """Tell whether it leaves even the first character open."""
        return self.text[0] in {"*", "?"}


def _segment(glob: str) -> str:
    """Write one segment as a regular expression that never tries a way twice.

    All but the last `*` take the first place where the rest fits (an atomic group):
    a later one would leave less to those that follow.
    """
    if glob == "**":
        return ".+"
    first, *rest = map(_literal, glob.split("*"))
    if not rest:
        return first
    *middle, last = rest
    return first + "".join(f"(?>[^/:]*?{part})" for part in middle) + f"[^/:]*{last}"


def _literal(text: str) -> str:
    return "[^/:]".join(map(re.escape, text.split("?")))
