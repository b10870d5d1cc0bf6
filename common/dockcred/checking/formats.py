"""The formats that can be checked, each a module of this package, loaded on use."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Protocol, cast

from dockcred.doctor.finding import Finding, error
from dockcred.errors import InvalidInputError


class Checker(Protocol):
    """What a module of a format declares; `READER` is who it speaks of."""

    READER: str

    def check(self, data: bytes, /) -> Iterator[Finding]:
        """Say what the reader does with the file, step by step; show no secret.

        Raises InvalidInputError for what it cannot read at all.
        """


FORMATS = {
    "argocd": "pair",
    "containers-auth": "containers_auth",
    "contrast-secret": "contrast_secret",
    "contrast-toml": "contrast_toml",
    "docker-config": "docker_config",
    "env": "environment",
    "helm": "docker_config",
    "kubelet-config": "kubelet_config",
    "kubernetes-secret": "kubernetes_secret",
    "nomad": "nomad",
    "password": "password",
    "user-pass": "pair",
}
_FOR = {("containers-auth", "coco"): "coco"}
READERS = tuple(reader for _, reader in _FOR)


def knows(name: str, reader: str) -> bool:
    """Tell whether a format has rules of a reader's own."""
    return (name, reader) in _FOR


def check(name: str, data: bytes, reader: str = "") -> list[Finding]:
    """Say what becomes of a file; `reader` is one with stricter rules."""
    if name not in FORMATS:
        raise InvalidInputError(
            f"there is no format {name!a}", f"choose of {', '.join(FORMATS)}"
        )
    if reader and not knows(name, reader):
        raise InvalidInputError(f"{name} knows no reader {reader!a}", "leave it out")
    module = _FOR[name, reader] if reader else FORMATS[name]
    checker = cast("Checker", import_module(f"dockcred.checking.{module}"))
    try:
        return list(checker.check(data))
    except InvalidInputError as broken:
        text = f"{broken.cause}: {checker.READER} cannot use it"
        return [error("file", text, broken.remedy)]
