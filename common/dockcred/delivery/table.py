"""One table of a TOML file, whose settings are asked for by their types."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dockcred.errors import InvalidInputError


class Table:
    """The settings of one table; each getter raises InvalidInputError for a wrong type.

    A text is printable and not empty: no setting of ours has a use for another.
    """

    def __init__(self, written: Any) -> None:
        if not isinstance(written, dict):
            raise InvalidInputError("it is not a table", "write [[target]] above it")
        self.fields: dict[str, Any] = written

    def refuse_others(self, known: Iterable[str]) -> None:
        """Raise InvalidInputError for a setting that nobody will read."""
        names = sorted(known)
        for name in self.fields:
            if name not in names:
                raise InvalidInputError(
                    f"there is no setting {name!a} here",
                    f"choose of {', '.join(names)}",
                )

    def text(self, name: str, default: str | None = None) -> str:
        """Answer a text; without a default it must be there."""
        value = self.fields.get(name, default)
        if value is None:
            raise InvalidInputError(f"it has no {name}", f'write {name} = "…"')
        if value == default or _is_text(value):
            return str(value)
        raise InvalidInputError(f"{name} is not a text", "write it in quotes")

    def texts(self, name: str) -> tuple[str, ...]:
        """Answer a list of texts, none where it is missing."""
        value = self.fields.get(name, [])
        if isinstance(value, list) and all(map(_is_text, value)):
            return tuple(value)
        raise InvalidInputError(
            f"{name} is not a list of texts", f'write {name} = ["…", "…"]'
        )

    def map(self, name: str) -> dict[str, str]:
        """Answer texts by name, none where it is missing."""
        value = self.fields.get(name, {})
        if isinstance(value, dict) and all(map(_is_text, value.values())):
            return value
        raise InvalidInputError(
            f"{name} is not a table of texts", f'write {name} = {{ "…" = "…" }}'
        )


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != "" and value.isprintable()
