"""Change keys in a client's file, and undo the changes key by key.

client_file    one file, with its lock and its backup
past           the file's state before our changes
json_text      the syntax of JSON; those of TOML and of whole texts are in this module
provider_list  the syntax of kubelet's list of providers

Each client's own package knows which keys to change.
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
"""Stands for the value of a missing key."""


class Syntax(Protocol):
    """One syntax: reads, sets and removes a key, and keeps all other text.

    Each method raises InvalidInputError for a text that is not of this syntax.
    """

    def get(self, text: str, path: Path, /) -> Any:
        """Return the value at a path, or ABSENT."""

    def put(self, text: str, path: Path, value: Any, /) -> str:
        """Return the text with a value at a path; the path's parent must exist."""

    def drop(self, text: str, path: Path, /) -> str:
        """Return the text without the key at a path, which must exist."""

    def is_blank(self, text: str, /) -> bool:
        """Return whether the text has no content."""


class WholeText:
    """The syntax of a file that is ours as a whole: its one key is the whole text."""

    WHOLE: Path = ()

    def get(self, text: str, _path: Path, /) -> Any:
        """Return the text, or ABSENT if it is empty."""
        return text or ABSENT

    def put(self, _text: str, _path: Path, value: Any, /) -> str:
        """Return the value as the new text."""
        return str(value)

    def drop(self, _text: str, _path: Path, /) -> str:
        """Return an empty text."""
        return ""

    def is_blank(self, text: str, /) -> bool:
        """Return whether the text is empty."""
        return not text


class TomlText:
    """The syntax of TOML, for top-level keys only; all other text stays as it is."""

    def get(self, text: str, path: Path, /) -> Any:
        """Return the value of a key, or ABSENT; InvalidInputError if not TOML."""
        (name,) = path
        found: Any = parse(text).unwrap().get(name, ABSENT)
        return found

    def put(self, text: str, path: Path, value: Any, /) -> str:
        """Return the text with a value for a key; a new key is put at the start.

        After the tables, the key would belong to the last of them.
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
        """Return the text without a key, which must exist."""
        (name,) = path
        document = parse(text)
        del document[name]
        return document.as_string()

    def is_blank(self, text: str, /) -> bool:
        """Return whether the text has no content."""
        return not text.strip()


toml_text = TomlText()


def parse(text: str) -> TOMLDocument:
    """Return parsed TOML that keeps its layout; raise InvalidInputError if not TOML."""
    import tomlkit  # noqa: PLC0415 - an edit only
    from tomlkit.exceptions import TOMLKitError  # noqa: PLC0415

    try:
        return tomlkit.parse(text)
    except TOMLKitError as error:
        raise InvalidInputError(f"it is not TOML: {error}", "fix it first") from None


class WantedValue(NamedTuple):
    """A value to set at a path."""

    path: Path
    value: Any


class Change(NamedTuple):
    """A path, its value before our change (or ABSENT), and the value we have set."""

    path: Path
    was: Any
    now: Any


def apply(
    syntax: Syntax, text: str, wanted: Iterable[WantedValue]
) -> tuple[str, list[Change]]:
    """Return the text with every value set, and the changes.

    A value that is there already is no change.
    """
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
    """Return the text with the changes undone, and those that cannot be.

    The last change is undone first. A change cannot be undone if others have changed
    the value since. A table that we made and others filled stays, and is not returned.
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
