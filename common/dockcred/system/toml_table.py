"""Parse TOML, and read a table strictly: values by type, and no unknown keys."""

from __future__ import annotations

from enum import Enum, auto

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from dockcred.errors import InvalidInputError


class BrokenTOMLError(ValueError):
    """A text is not TOML; the message says why and at which line, without values."""


def loads(text: str) -> dict[str, Any]:
    """Parse a TOML document; raise BrokenTOMLError if it is none.

    tomllib's own error is only for broken grammar. A number with too many digits raises
    Python's ValueError, and too many brackets raise RecursionError.
    """
    import tomllib  # noqa: PLC0415 - once per change of a file

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BrokenTOMLError(str(error)) from None
    except ValueError:
        raise BrokenTOMLError("a number has too many digits") from None
    except RecursionError:
        raise BrokenTOMLError("it is nested too deep") from None


class ValueKind(Enum):
    """The type that a value must have."""

    TEXT = auto()
    TEXTS = auto()
    TEXTS_BY_NAME = auto()
    NUMBER = auto()
    SWITCH = auto()
    TABLE = auto()
    TABLES = auto()


class Table:
    """One table; each kind of file has a subclass, which writes its error messages.

    Every getter raises what `wrong` or `missing` return.
    """

    def __init__(self, fields: dict[str, Any]) -> None:
        self.fields = fields
        self._read: set[str] = set()

    def wrong(self, name: str, kind: ValueKind) -> InvalidInputError:
        """Return the error for a value that is not of its kind."""
        raise NotImplementedError

    def missing(self, name: str) -> InvalidInputError:
        """Return the error for a text that must be there and is not."""
        return self.wrong(name, ValueKind.TEXT)

    def unknown(self, name: str, known: list[str]) -> InvalidInputError:
        """Return the error for a setting that nobody reads."""
        raise NotImplementedError

    def is_text(self, value: Any) -> bool:
        """Return whether a value is a text in this kind of file."""
        return isinstance(value, str)

    def refuse_others(self, known: Iterable[str] | None = None) -> None:
        """Raise `unknown` for a setting that is not known, or was not read so far."""
        names = sorted(self._read if known is None else known)
        for name in self.fields:
            if name not in names:
                raise self.unknown(name, names)

    def text(self, name: str, default: str | None = None) -> str:
        """Return a text; without a default it must be there, and not be empty."""
        value = self._value(name, default)
        if value is None:
            raise self.missing(name)
        if value == default or (self.is_text(value) and value):
            return str(value)
        raise self.wrong(name, ValueKind.TEXT)

    def texts(
        self, name: str, default: tuple[str, ...] = (), *, or_one: bool = False
    ) -> tuple[str, ...]:
        """Return a list of texts; with `or_one`, a single text counts as a list."""
        value = self._value(name, list(default))
        if or_one and self.is_text(value):
            value = [value]
        if isinstance(value, list) and all(map(self.is_text, value)):
            return tuple(value)
        raise self.wrong(name, ValueKind.TEXTS)

    def texts_by_name(self, name: str) -> dict[str, str]:
        """Return a table of texts, empty where it is missing."""
        value = self._value(name, {})
        if isinstance(value, dict) and all(map(self.is_text, value.values())):
            return value
        raise self.wrong(name, ValueKind.TEXTS_BY_NAME)

    def number(self, name: str, default: int) -> int:
        """Return a whole number."""
        value = self._value(name, default)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        raise self.wrong(name, ValueKind.NUMBER)

    def switch(self, name: str) -> bool:
        """Return true or false; false where it is missing."""
        value = self._value(name, default=False)
        if isinstance(value, bool):
            return value
        raise self.wrong(name, ValueKind.SWITCH)

    def table(self, name: str) -> dict[str, Any]:
        """Return a table, empty where it is missing."""
        value = self._value(name, {})
        if isinstance(value, dict):
            return value
        raise self.wrong(name, ValueKind.TABLE)

    def tables(self, name: str) -> list[Any]:
        """Return a list of what should be tables, empty where it is missing."""
        value = self._value(name, [])
        if isinstance(value, list):
            return value
        raise self.wrong(name, ValueKind.TABLES)

    def _value(self, name: str, default: Any) -> Any:
        self._read.add(name)
        return self.fields.get(name, default)
