"""Read the file of targets, and refuse what is unknown in it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any

from dockcred import system
from dockcred.api import sources
from dockcred.api.resolve import Policy
from dockcred.clients import formats
from dockcred.clients.entries import check_name
from dockcred.clients.formats import Options
from dockcred.clients.kubernetes import render as kubernetes_render
from dockcred.commands.refresh.cluster import WORKLOADS
from dockcred.commands.refresh.command import CommandDestination
from dockcred.commands.refresh.file import FileDestination
from dockcred.commands.refresh.namespaces import SecretsDestination
from dockcred.commands.refresh.target import Destination, RefreshTarget
from dockcred.errors import DockcredError, InvalidInputError
from dockcred.system.environment import current
from dockcred.system.private_file import behind_links, check_owner
from dockcred.system.toml_table import Table, ValueKind, loads


class TargetTable(Table):
    """One [[target]]; a text is printable and not empty."""

    def __init__(self, written: Any) -> None:
        if not isinstance(written, dict):
            raise InvalidInputError("it is not a table", "write [[target]] above it")
        super().__init__(written)

    def wrong(self, name: str, kind: ValueKind) -> InvalidInputError:
        """Return the error for a value that is not of its kind."""
        if kind is ValueKind.TEXT:
            return InvalidInputError(f"{name} is not a text", "write it in quotes")
        if kind is ValueKind.TEXTS:
            return InvalidInputError(
                f"{name} is not a list of texts", f'write {name} = ["…", "…"]'
            )
        return InvalidInputError(
            f"{name} is not a table of texts", f'write {name} = {{ "…" = "…" }}'
        )

    def missing(self, name: str) -> InvalidInputError:
        """Return the error for a text that must be there and is not."""
        return InvalidInputError(f"it has no {name}", f'write {name} = "…"')

    def unknown(self, name: str, known: list[str]) -> InvalidInputError:
        """Return the error for a setting that does not exist."""
        return InvalidInputError(
            f"there is no setting {name!a} here", f"choose of {', '.join(known)}"
        )

    def is_text(self, value: Any) -> bool:
        """Return whether a value is a printable text that is not empty."""
        return super().is_text(value) and value != "" and value.isprintable()


SECRETS = ("kubernetes-secret", "contrast-secret")
"""The formats whose rendering is a whole Secret."""

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

    Only the user who runs us and root may be able to write the file, as its commands
    are run.
    """
    try:
        with open(path, "rb") as file:
            check_owner(path, system.fstat(file.fileno()))
            content = loads(file.read().decode())
    except OSError as error:
        raise InvalidInputError(
            f"{path} cannot be read: {error.strerror}", "name a file of targets"
        ) from None
    except ValueError as error:
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
    """Refuse two targets that would overwrite each other in one place."""
    for number, other in enumerate(before, 1):
        if target.destination.overlaps(other.destination):
            raise InvalidInputError(
                f"{path}: target {len(before) + 1}: it goes where target {number} goes"
                f" ({target.destination.name})",
                "make them one, or name another place",
            )


def _numbered(path: str, number: int, written: Any) -> RefreshTarget:
    try:
        return _target(TargetTable(written))
    except DockcredError as error:
        raise InvalidInputError(
            f"{path}: target {number}: {error.cause}", error.remedy
        ) from None


def _target(table: TargetTable) -> RefreshTarget:
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
            ca_certs=table.texts_by_name("ca_certs"),
            insecure=table.texts("insecure"),
            extra_env=table.texts_by_name("extra_env"),
        ),
        policy=_policy(table),
    )
    formats.check_options(form, target.options)
    return target


def _registries(table: TargetTable) -> tuple[str, ...]:
    registries = table.texts("registries")
    if not registries:
        raise InvalidInputError("it names no registry", 'write registries = ["HOST"]')
    for registry in registries:
        check_name(registry)
    return registries


def _policy(table: TargetTable) -> Policy:
    order = table.texts("sources")
    for name in order:
        sources.named(name, current())
    return Policy(order=order) if order else Policy()


def _file(table: TargetTable) -> FileDestination:
    path, mode = table.text("file"), table.text("mode", "0600")
    if not os.path.isabs(path) or path.endswith("/"):
        raise InvalidInputError(f"{path} is no file", "write its absolute path")
    if not re.fullmatch("0?[46][04]0", mode):
        raise InvalidInputError(
            f"mode {mode!a} lets others read a secret, or its owner not",
            "write 0600, 0640, 0400 or 0440",
        )
    return FileDestination(behind_links(path), int(mode, 8))


def _secrets(table: TargetTable) -> SecretsDestination:
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


def _command(table: TargetTable) -> CommandDestination:
    words = table.texts("command")
    if not words:
        raise InvalidInputError("the command is empty", 'write ["PROGRAM", "…"]')
    if os.path.dirname(words[0]) and not os.path.isabs(words[0]):
        raise InvalidInputError(
            f"{words[0]} is a relative path", "write its absolute path, or its name"
        )
    return CommandDestination(words)


_DESTINATIONS: dict[str, Callable[[TargetTable], Destination]] = {
    "file": _file,
    "secret": _secrets,
    "command": _command,
}
