"""Reading a TOML table key by key; what nobody asked for at the end is a mistake."""

from __future__ import annotations

from typing import Any

from dockcred.errors import InvalidInputError


class Table:
    """One table; each key is taken once, by the type that it must have."""

    def __init__(self, content: Any, where: str) -> None:
        if not isinstance(content, dict):
            raise InvalidInputError(f"{where} is not a table", f"write [{where}]")
        self._left = dict(content)
        self._where = where

    def text(self, key: str, default: str | None = None) -> str:
        """Take a string; without a default it must be there and not be empty."""
        value = self._left.pop(key, default)
        if not isinstance(value, str) or not (value or default == ""):
            raise self._wrong(key, "a string")
        return value

    def number(self, key: str, default: int) -> int:
        """Take a whole number."""
        value = self._left.pop(key, default)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self._wrong(key, "a whole number")
        return value

    def switch(self, key: str) -> bool:
        """Take true or false; false where it is not there."""
        value = self._left.pop(key, False)
        if not isinstance(value, bool):
            raise self._wrong(key, "true or false")
        return value

    def texts(self, key: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Take a list of strings, or the one string that it would hold."""
        value = self._left.pop(key, list(default))
        listed = [value] if isinstance(value, str) else value
        if not isinstance(listed, list) or not all(
            isinstance(item, str) for item in listed
        ):
            raise self._wrong(key, "a string or a list of strings")
        return tuple(listed)

    def table(self, key: str) -> dict[str, Any]:
        """Take a table, empty where it is not there."""
        value = self._left.pop(key, {})
        if not isinstance(value, dict):
            raise self._wrong(key, "a table")
        return value

    def tables(self, key: str) -> list[Any]:
        """Take a list of tables, empty where it is not there."""
        value = self._left.pop(key, [])
        if not isinstance(value, list):
            raise self._wrong(key, "a list of tables")
        return value

    def end(self) -> None:
        """Raise InvalidInputError for keys that nobody took: a typo opens no door."""
        if self._left:
            raise InvalidInputError(
                f"{self._where} has {min(self._left)!a}, which means nothing",
                "see docs/token-service.md for the keys that there are",
            )

    def _wrong(self, key: str, what: str) -> InvalidInputError:
        return InvalidInputError(
            f"{key} of {self._where} is not {what}", "mend the configuration"
        )
