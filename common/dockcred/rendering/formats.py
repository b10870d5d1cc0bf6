"""The formats by name, each a module of this package, loaded on use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
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

    A module may have `cautions(logins)` besides.
    """

    FILE: str
    TAKES: tuple[str, ...]
    READERS: tuple[str, ...]

    def render(self, logins: Sequence[Login], options: Options, /) -> bytes:
        """Write the logins: the same bytes for the same logins, in whatever order.

        Raises InvalidInputError for a login or an option that the reader cannot use.
        """


FORMATS = {
    "argocd": "argocd",
    "containers-auth": "containers_auth",
    "contrast-secret": "contrast_secret",
    "contrast-toml": "contrast_toml",
    "docker-config": "docker_config",
    "env": "environment",
    "helm": "helm",
    "kubernetes-secret": "kubernetes_secret",
    "nomad": "nomad",
    "password": "password",
    "user-pass": "user_pass",
}


def load(name: str) -> Format:
    """Load a format by its name; raise InvalidInputError where there is none."""
    if name not in FORMATS:
        raise InvalidInputError(
            f"there is no format {name!a}", f"choose of {', '.join(FORMATS)}"
        )
    return cast("Format", import_module(f"dockcred.rendering.{FORMATS[name]}"))


def render(name: str, logins: Sequence[Login], options: Options | None = None) -> bytes:
    """Write logins in a format; raise InvalidInputError for an option it ignores."""
    given = options or Options()
    check(name, given)
    return load(name).render(logins, given)


def check(name: str, given: Options) -> None:
    """Raise InvalidInputError for an option that the format has no use for."""
    form = load(name)
    for field in fields(Options):
        is_given = bool(getattr(given, field.name))
        known = form.READERS if field.name == "consumer" else field.name in form.TAKES
        if is_given and not known:
            raise InvalidInputError(f"{name} takes no {field.name}", "leave it out")
    if given.consumer and given.consumer not in form.READERS:
        raise InvalidInputError(
            f"{name} knows no reader {given.consumer!a}",
            f"choose of {', '.join(form.READERS)}",
        )


def cautions(name: str, logins: Sequence[Login]) -> Iterable[str]:
    """Answer what does not stop a format from being written, a sentence each."""
    tell = getattr(load(name), "cautions", None)
    return tell(logins) if tell else ()
