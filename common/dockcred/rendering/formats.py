"""The formats by name, each a module of this package, loaded on use."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Protocol, cast

from dockcred.errors import InvalidInputError
from dockcred.rendering.login import Login
from dockcred.rendering.options import Options


class Format(Protocol):
    """One format, as its module declares it.

    FILE     the name that its readers look for
    TAKES    the fields of Options that it reads
    READERS  the values of Options.consumer that it knows
    """

    FILE: str
    TAKES: tuple[str, ...]
    READERS: tuple[str, ...]

    def render(self, logins: Sequence[Login], options: Options, /) -> bytes:
        """Write the logins: the same bytes for the same logins, in whatever order.

        Raises InvalidInputError for a login or an option that the reader cannot use.
        """


FORMATS = {
    "docker-config": "docker_config",
}


def load(name: str) -> Format:
    """Load a format by its name; raise InvalidInputError where there is none."""
    if name not in FORMATS:
        raise InvalidInputError(
            f"there is no format {name!a}", f"choose of {', '.join(FORMATS)}"
        )
    return cast("Format", import_module(f"dockcred.rendering.{FORMATS[name]}"))


def render(name: str, logins: Sequence[Login], options: Options | None = None) -> bytes:
    """Write logins in a format, and refuse an option that it does not read."""
    chosen = load(name)
    given = options or Options()
    default = Options()
    for field in Options.__slots__:
        if field not in chosen.TAKES and getattr(given, field) != getattr(
            default, field
        ):
            raise InvalidInputError(f"{name} takes no {field}", "leave it out")
    if given.consumer and given.consumer not in chosen.READERS:
        raise InvalidInputError(
            f"{name} knows no reader {given.consumer!a}",
            f"choose of {', '.join(chosen.READERS)}",
        )
    return chosen.render(logins, given)
