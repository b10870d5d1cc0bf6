"""Changes one key of a TOML text, and leaves comments, order and all else alone."""

from __future__ import annotations

from typing import Any

from dockcred.clients.edit import ABSENT, Path
from dockcred.errors import InvalidInputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tomlkit import TOMLDocument


def get(text: str, path: Path) -> Any:
    """Return the value of a top-level key, or ABSENT; InvalidInputError if not TOML."""
    (name,) = path
    found: Any = _parse(text).unwrap().get(name, ABSENT)
    return found


def put(text: str, path: Path, value: Any) -> str:
    """Return the text with a value for a top-level key; a new one comes first.

    Behind the tables it would belong to the last of them.
    """
    import tomlkit  # noqa: PLC0415 - an edit only

    (name,) = path
    document = _parse(text)
    if name in document:
        document[name] = value
        return document.as_string()
    line = tomlkit.dumps({name: value})
    newline = "\r\n" if "\r\n" in text else "\n"
    return line.replace("\n", newline) + text


def drop(text: str, path: Path) -> str:
    """Return the text without a top-level key that is there."""
    (name,) = path
    document = _parse(text)
    del document[name]
    return document.as_string()


def is_blank(text: str) -> bool:
    """Return whether the text says nothing."""
    return not text.strip()


def _parse(text: str) -> TOMLDocument:
    import tomlkit  # noqa: PLC0415 - an edit only
    from tomlkit.exceptions import TOMLKitError  # noqa: PLC0415

    try:
        return tomlkit.parse(text)
    except TOMLKitError as error:
        raise InvalidInputError(f"it is not TOML: {error}", "fix it first") from None
