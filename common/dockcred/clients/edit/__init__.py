"""What a set-up changes in a text, and how that is undone key by key.

client_file  one file, with its lock and its backup
past         what it was before us
json_text  JSON's syntax; TOML's and that of whole texts are here

Which keys a client has is the client's.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from dockcred.errors import InvalidInputError

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

Path = tuple[str, ...]


class _Absent(Enum):
    ABSENT = "absent"


ABSENT = _Absent.ABSENT
"""The value of a key that is not there."""


class Syntax(Protocol):
    """One syntax: reads, writes and drops a key, and keeps all the rest.

    Each raises InvalidInputError for a text that is not of this syntax.
    """

    def get(self, text: str, path: Path, /) -> Any:
        """Return the value at a path, or ABSENT."""

    def put(self, text: str, path: Path, value: Any, /) -> str:
        """Return the text with a value at a path whose parent is there."""

    def drop(self, text: str, path: Path, /) -> str:
        """Return the text without the key at a path that is there."""

    def is_blank(self, text: str, /) -> bool:
        """Return whether the text says nothing."""


class WholeText:
    """The syntax of a text that is all ours: nothing of anybody else's stands in it."""

    WHOLE: Path = ()

    def get(self, text: str, _path: Path, /) -> Any:
        """Return the text, or ABSENT."""
        return text or ABSENT

    def put(self, _text: str, _path: Path, value: Any, /) -> str:
        """Return what is to be the text."""
        return str(value)

    def drop(self, _text: str, _path: Path, /) -> str:
        """Return nothing."""
        return ""

    def is_blank(self, text: str, /) -> bool:
        """Return whether the text says nothing."""
        return not text


class TomlText:
    """The syntax of TOML, of which top-level keys are set; all else stays as it is."""

    def get(self, text: str, path: Path, /) -> Any:
        """Return the value of a key, or ABSENT; InvalidInputError if not TOML."""
        (name,) = path
        found: Any = parse(text).unwrap().get(name, ABSENT)
        return found

    def put(self, text: str, path: Path, value: Any, /) -> str:
        """Return the text with a value for a key; a new one comes first.

        Behind the tables it would belong to the last of them.
        """
        import tomlkit  # noqa: PLC0415 - an edit only

        (name,) = path
        document = parse(text)
        if name in document:
            document[name] = value
            return document.as_string()
        line = tomlkit.dumps({name: value})
        newline = "\r\n" if "\r\n" in text else "\n"
        return line.replace("\n", newline) + text

    def drop(self, text: str, path: Path, /) -> str:
        """Return the text without a key that is there."""
        (name,) = path
        document = parse(text)
        del document[name]
        return document.as_string()

    def is_blank(self, text: str, /) -> bool:
        """Return whether the text says nothing."""
        return not text.strip()


toml_text = TomlText()


def parse(text: str) -> TOMLDocument:
    """Read TOML, to be written again as it is; InvalidInputError for what is none."""
    import tomlkit  # noqa: PLC0415 - an edit only
    from tomlkit.exceptions import TOMLKitError  # noqa: PLC0415

    try:
        return tomlkit.parse(text)
    except TOMLKitError as error:
        raise InvalidInputError(f"it is not TOML: {error}", "fix it first") from None


class WantedValue(NamedTuple):
    """A value that is to stand at a path."""

    path: Path
    value: Any


class Change(NamedTuple):
    """What stood at a path, ABSENT for nothing, and what we have put there."""

    path: Path
    was: Any
    now: Any


def apply(
    syntax: Syntax, text: str, wanted: Iterable[WantedValue]
) -> tuple[str, list[Change]]:
    """Set every value at its place; what is there already is no change."""
    changes = []
    for path, value in wanted:
        was = syntax.get(text, path)
        if was != value:
            text = syntax.put(text, path, value)
            changes.append(Change(path, was, value))
    return text, changes


def revert(
    syntax: Syntax, text: str, changes: Iterable[Change]
) -> tuple[str, list[Change]]:
    """Undo changes, the last one first; return those that others changed since.

    A table that we have made and others have filled stays without a word.
    """
    lost = []
    for change in reversed(list(changes)):
        now = syntax.get(text, change.path)
        if now == change.now:
            if change.was is ABSENT:
                text = syntax.drop(text, change.path)
            else:
                text = syntax.put(text, change.path, change.was)
        elif now is not ABSENT and change.now != {}:
            lost.append(change)
    return text, lost
