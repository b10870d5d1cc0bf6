"""The formats by name. Modules that render or check a format are loaded on use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from importlib import import_module
from typing import Protocol, cast

from dockcred.clients.entries import Login
from dockcred.clients.findings import Finding, error
from dockcred.errors import InvalidInputError


@dataclass(frozen=True, slots=True)
class Options:
    """The options of `dockcred render`; an empty field means the default.

    consumer    the client whose stricter rules apply (--for)
    name        the name of the Kubernetes object, or the path of Nomad's variable
    namespaces  Kubernetes namespaces, one Secret each; without any, kubectl decides
    ca_certs    for each registry, the PEM text of the authorities to trust
    insecure    registries whose certificates are not verified
    extra_env   HTTP_PROXY, HTTPS_PROXY and NO_PROXY, with their values
    """

    consumer: str = ""
    name: str = ""
    namespaces: tuple[str, ...] = ()
    ca_certs: Mapping[str, str] = field(default_factory=dict)
    insecure: tuple[str, ...] = ()
    extra_env: Mapping[str, str] = field(default_factory=dict)


def read_pem(path: str) -> str:
    """Return a file of authorities as text; raise InvalidInputError if it is binary."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except UnicodeDecodeError:
        raise InvalidInputError(f"{path} is not text", "name a PEM file") from None


class Format(Protocol):
    """One format: a module, or an object in a module.

    FILE       the file name that its readers look for
    OPTIONS    the fields of Options that it uses
    CONSUMERS  the values of Options.consumer that it knows

    It may also have a function `cautions(logins)`.
    """

    FILE: str
    OPTIONS: tuple[str, ...]
    CONSUMERS: tuple[str, ...]

    def render(self, logins: Sequence[Login], options: Options, /) -> bytes:
        """Return the logins in this format. Their order does not change the bytes.

        Raises InvalidInputError for a login or an option that the reader cannot use.
        """


FORMATS = {
    "argocd": "plain:ARGOCD",
    "containers-auth": "containers.edit",
    "contrast-secret": "contrast",
    "contrast-toml": "contrast.toml",
    "docker-config": "docker.edit",
    "env": "plain.environment",
    "helm": "helm",
    "kubernetes-secret": "kubernetes.render",
    "nomad": "nomad",
    "password": "plain:PASSWORD",
    "user-pass": "plain",
}


def load(name: str) -> Format:
    """Return a format by its name; raise InvalidInputError for an unknown name."""
    if name not in FORMATS:
        raise InvalidInputError(
            f"there is no format {name!a}", f"choose of {', '.join(FORMATS)}"
        )
    return cast("Format", _load(FORMATS[name]))


def _load(place: str) -> object:
    """Return a module below `clients`, or for MODULE:NAME an object in it."""
    module, _, name = place.partition(":")
    found = import_module(f"dockcred.clients.{module}")
    return getattr(found, name) if name else found


def render(name: str, logins: Sequence[Login], options: Options | None = None) -> bytes:
    """Return logins in a format; raise InvalidInputError for an option it ignores."""
    given = options or Options()
    check_options(name, given)
    return load(name).render(logins, given)


def check_options(name: str, given: Options) -> None:
    """Raise InvalidInputError for an option that the format does not use."""
    form = load(name)
    for option in fields(Options):
        is_given = bool(getattr(given, option.name))
        known = (
            form.CONSUMERS if option.name == "consumer" else option.name in form.OPTIONS
        )
        if is_given and not known:
            raise InvalidInputError(f"{name} takes no {option.name}", "leave it out")
    if given.consumer and given.consumer not in form.CONSUMERS:
        raise InvalidInputError(
            f"{name} knows no reader {given.consumer!a}",
            f"choose of {', '.join(form.CONSUMERS)}",
        )


def cautions(name: str, logins: Sequence[Login]) -> Iterable[str]:
    """Return warnings about rendering these logins, one sentence each."""
    tell = getattr(load(name), "cautions", None)
    return tell(logins) if tell else ()


class Checker(Protocol):
    """A checker of one format; `READER` is the name of the program that reads it."""

    READER: str

    def check(self, data: bytes, /) -> Iterator[Finding]:
        """Yield findings about how the reader uses the file; they show no secret.

        Raises InvalidInputError if the reader cannot read the file at all.
        """


CHECKERS = {
    "argocd": "plain",
    "containers-auth": "containers.check",
    "contrast-secret": "contrast",
    "contrast-toml": "contrast.toml",
    "docker-config": "docker.check",
    "env": "plain.environment",
    "helm": "helm",
    "kubelet-config": "kubelet",
    "kubernetes-secret": "kubernetes.check",
    "nomad": "nomad",
    "password": "plain:PASSWORD",
    "user-pass": "plain",
}
_FOR = {("containers-auth", "coco"): "containers.coco"}
CONSUMERS = tuple(reader for _, reader in _FOR)


def knows(name: str, reader: str) -> bool:
    """Return whether a format has special rules for a reader."""
    return (name, reader) in _FOR


def check(name: str, data: bytes, reader: str = "") -> list[Finding]:
    """Return the findings about a file; `reader` is one with stricter rules, or "".

    Raises InvalidInputError for an unknown format or reader.
    """
    if name not in CHECKERS:
        raise InvalidInputError(
            f"there is no format {name!a}", f"choose of {', '.join(CHECKERS)}"
        )
    if reader and not knows(name, reader):
        raise InvalidInputError(f"{name} knows no reader {reader!a}", "leave it out")
    place = _FOR[name, reader] if reader else CHECKERS[name]
    checker = cast("Checker", _load(place))
    try:
        return list(checker.check(data))
    except InvalidInputError as broken:
        text = f"{broken.cause}: {checker.READER} cannot use it"
        return [error("file", text, broken.remedy)]
