"""The file of targets, read strictly."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Iterable
from typing import Any

from dockcred.api import sources
from dockcred.api.resolve import Policy
from dockcred.clients import formats
from dockcred.clients.entries import check_name
from dockcred.clients.formats import Options
from dockcred.clients.kubernetes import render as kubernetes_render
from dockcred.commands.refresh.cluster import WORKLOADS
from dockcred.commands.refresh.command import CommandDestination
from dockcred.commands.refresh.file import FileDestination
from dockcred.commands.refresh.secret import SecretsDestination
from dockcred.commands.refresh.target import Destination, RefreshTarget
from dockcred.errors import DockcredError, InvalidInputError
from dockcred.identity.config.load import check_owner


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
        """Return a text; without a default it must be there."""
        value = self.fields.get(name, default)
        if value is None:
            raise InvalidInputError(f"it has no {name}", f'write {name} = "…"')
        if value == default or _is_text(value):
            return str(value)
        raise InvalidInputError(f"{name} is not a text", "write it in quotes")

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts, none where it is missing."""
        value = self.fields.get(name, [])
        if isinstance(value, list) and all(map(_is_text, value)):
            return tuple(value)
        raise InvalidInputError(
            f"{name} is not a list of texts", f'write {name} = ["…", "…"]'
        )

    def map(self, name: str) -> dict[str, str]:
        """Return texts by name, none where it is missing."""
        value = self.fields.get(name, {})
        if isinstance(value, dict) and all(map(_is_text, value.values())):
            return value
        raise InvalidInputError(
            f"{name} is not a table of texts", f'write {name} = {{ "…" = "…" }}'
        )


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != "" and value.isprintable()


SECRETS = ("kubernetes-secret", "contrast-secret")
"""The formats that are a Secret themselves."""

_OF_TARGET = ("format", "registries", "sources", "for", "name")
_OF_FORMAT = ("ca_certs", "insecure", "extra_env")
_OF_PLACE = {
    "file": ("file", "mode"),
    "secret": ("secret", "key", "namespaces", "namespace_selector", "rollout"),
    "command": ("command",),
}
_WORKLOAD = re.compile(rf"({'|'.join(WORKLOADS)})/([a-z0-9][a-z0-9.-]*)")
_MAX_ANNOTATION = 63


def read(path: str) -> list[RefreshTarget]:
    """Read the targets; raise InvalidInputError with the file and the target's number.

    Only its reader and root may be able to write it: a command in it is run.
    """
    try:
        with open(path, "rb") as file:
            check_owner(path, os.fstat(file.fileno()))
            content = tomllib.loads(file.read().decode())
    except OSError as error:
        raise InvalidInputError(
            f"{path} cannot be read: {error.strerror}", "name a file of targets"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"{path} is not TOML: {error}", "fix it") from None
    written = content.pop("target", None)
    if content or not isinstance(written, list) or not written:
        raise InvalidInputError(
            f"{path} is no list of targets", "write [[target]] above each of them"
        )
    targets: list[RefreshTarget] = []
    for number, each in enumerate(written, 1):
        target = _numbered(path, number, each)
        _refuse_overlap(path, targets, target)
        targets.append(target)
    return targets


def _refuse_overlap(
    path: str, before: list[RefreshTarget], target: RefreshTarget
) -> None:
    """Refuse two targets that would take turns in one place."""
    for number, other in enumerate(before, 1):
        if target.destination.overlaps(other.destination):
            raise InvalidInputError(
                f"{path}: target {len(before) + 1}: it goes where target {number} goes"
                f" ({target.destination.name})",
                "make them one, or name another place",
            )


def _numbered(path: str, number: int, written: Any) -> RefreshTarget:
    try:
        return _target(Table(written))
    except DockcredError as error:
        raise InvalidInputError(
            f"{path}: target {number}: {error.cause}", error.remedy
        ) from None


def _target(table: Table) -> RefreshTarget:
    kinds = [kind for kind in _OF_PLACE if kind in table.fields]
    if len(kinds) != 1:
        raise InvalidInputError(
            "it goes to no place, or to several", f"write one of {', '.join(_OF_PLACE)}"
        )
    (kind,) = kinds
    table.refuse_others((*_OF_TARGET, *_OF_FORMAT, *_OF_PLACE[kind]))
    form = table.text("format")
    named_by = "secret" if kind == "secret" and form in SECRETS else "name"
    if named_by != "name" and "name" in table.fields:
        raise InvalidInputError(f"a {form} is named by secret", "leave name out")
    target = RefreshTarget(
        format=form,
        registries=_registries(table),
        destination=_DESTINATIONS[kind](table),
        options=Options(
            consumer=table.text("for", ""),
            name=table.text(named_by, ""),
            ca_certs=table.map("ca_certs"),
            insecure=table.texts("insecure"),
            extra_env=table.map("extra_env"),
        ),
        policy=_policy(table),
    )
    formats.check_options(form, target.options)
    return target


def _registries(table: Table) -> tuple[str, ...]:
    registries = table.texts("registries")
    if not registries:
        raise InvalidInputError("it names no registry", 'write registries = ["HOST"]')
    for registry in registries:
        check_name(registry)
    return registries


def _policy(table: Table) -> Policy:
    order = table.texts("sources")
    for name in order:
        sources.named(name)
    return Policy(order=order) if order else Policy()


def _file(table: Table) -> FileDestination:
    path, mode = table.text("file"), table.text("mode", "0600")
    if not os.path.isabs(path) or path.endswith("/"):
        raise InvalidInputError(f"{path} is no file", "write its absolute path")
    if not re.fullmatch("0?[46][04]0", mode):
        raise InvalidInputError(
            f"mode {mode!a} lets others read a secret, or its owner not",
            "write 0600, 0640, 0400 or 0440",
        )
    return FileDestination(path, int(mode, 8))


def _secrets(table: Table) -> SecretsDestination:
    name, form = table.text("secret"), table.text("format")
    namespaces = table.texts("namespaces")
    selector = table.text("namespace_selector", "")
    kubernetes_render.check_names(name, namespaces)
    if not namespaces and not selector:
        raise InvalidInputError(
            "it names no namespace",
            'write namespaces = ["NAME"], or namespace_selector = "LABEL=VALUE"',
        )
    if form in SECRETS and "key" in table.fields:
        raise InvalidInputError(f"a {form} has its own key", "leave key out")
    key = "" if form in SECRETS else formats.load(form).FILE
    rollout = tuple(map(_workload, table.texts("rollout")))
    if rollout and len(name) > _MAX_ANNOTATION:
        raise InvalidInputError(
            f"{name} is too long a name for the annotation of a rollout",
            f"use one of {_MAX_ANNOTATION} characters at most",
        )
    return SecretsDestination(
        name, table.text("key", key), namespaces, selector, rollout
    )


def _workload(text: str) -> tuple[str, str]:
    found = _WORKLOAD.fullmatch(text)
    if not found:
        raise InvalidInputError(
            f"{text!a} is no workload",
            f"write KIND/NAME, with a kind of {', '.join(WORKLOADS)}",
        )
    return found[1], found[2]


def _command(table: Table) -> CommandDestination:
    words = table.texts("command")
    if not words:
        raise InvalidInputError("the command is empty", 'write ["PROGRAM", "…"]')
    if "/" in words[0] and not os.path.isabs(words[0]):
        raise InvalidInputError(
            f"{words[0]} is a relative path", "write its absolute path, or its name"
        )
    return CommandDestination(words)


_DESTINATIONS: dict[str, Callable[[Table], Destination]] = {
    "file": _file,
    "secret": _secrets,
    "command": _command,
}
