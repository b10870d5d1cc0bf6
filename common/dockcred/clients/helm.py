"""helm and oras: read their files as oras-go does (registry/remote/credentials).

The files have docker's form, but the reader differs: names are case-sensitive, an entry
is decoded only when it is looked up, and it fails where docker only warns. oras reads
docker's file. helm first reads registry/config.json, or HELM_REGISTRY_CONFIG.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dockcred import system
from dockcred.clients import files, findings, go_json
from dockcred.clients.docker import check as docker_check
from dockcred.clients.docker import edit as docker_edit
from dockcred.clients.docker.read import default_store, one_of
from dockcred.clients.entries import UNREADABLE, Fault, Login, decode_auth
from dockcred.clients.files import ClientFile, Found
from dockcred.clients.findings import (
    ENTRY,
    KEY,
    Finding,
    Severity,
    error,
    note,
    warning,
)
from dockcred.clients.formats import Options
from dockcred.clients.go_json import TEXT, Map, Raw
from dockcred.clients.reference import HUB as HUB_HOST
from dockcred.clients.reference import HUB_KEY, HUB_REGISTRY, Reference
from dockcred.errors import InvalidInputError
from dockcred.system import people
from dockcred.system.environment import Environment

HUB = (HUB_KEY,)
HELM, ORAS = "helm", "oras"

_LOGIN = ("username", "password", "identitytoken", "registrytoken")
_FORM: dict[str, Any] = {
    "auths": Raw(Map(dict.fromkeys(("auth", *_LOGIN), TEXT))),
    "credsStore": TEXT,
    "credHelpers": Map(TEXT),
}
_BROKEN: Mapping[str, Any] = {"auth": "!"}
"""Stands for an entry at which the reader fails."""


class OrasFile(ClientFile):
    """A file as oras-go decodes it.

    `wrong` are the faults that make the whole file useless. `broken` has the reason for
    each entry at which the reader fails. `whole` is the undecoded content, and `twice`
    are the names that occur twice in an object.
    """

    __slots__ = ("broken", "twice", "whole", "wrong")

    def __init__(self, path: str) -> None:
        """Read the file; a failure is not raised, but becomes the state."""
        self.wrong: list[tuple[go_json.Place, str]] = []
        self.broken: dict[str, str] = {}
        self.twice: list[str] = []
        self.whole: dict[str, Any] = {}
        super().__init__(path)

    @classmethod
    def of(cls, data: bytes) -> OrasFile:
        """Return a file with this content; raise InvalidInputError if not JSON."""
        file = cls(os.devnull)
        try:
            file.content = file.parse(data)
        except go_json.BrokenJSONError as broken:
            raise findings.refusal(broken) from None
        return file

    def parse(self, data: bytes) -> Mapping[str, Any]:
        """Return the fields that are read; raise BrokenJSONError if not JSON."""
        found = go_json.decode(data, Raw(_FORM), whole=False)
        every = go_json.decode(data, Raw({}), whole=False).unknown
        self.whole = {place[0]: value for place, value in every.items()}
        self.twice = found.twice
        for place, wanted in found.wrong:
            if place[:1] == ("auths",) and place[1:]:
                self.broken.setdefault(
                    place[1], f"{findings.place(place)} is no {wanted}"
                )
            else:
                self.wrong.append((place, wanted))
        for key, entry in (found.value.get("auths") or {}).items():
            if (auth := (entry or {}).get("auth")) and _pair(auth) is None:
                where = f'auths["{findings.shown(key)}"]'
                why = f"{where} is not the base64 of user:password"
                self.broken.setdefault(key, why)
        return found.value

    @property
    def fault(self) -> str:
        """Return why the whole file is useless, or "" if it is not."""
        if self.state not in {files.READ, files.ABSENT}:
            return f"is {self.state_in_words}"
        for where, wanted in self.wrong[:1]:
            return f"is wrong: {findings.place(where) or 'all of it'} is no {wanted}"
        return ""


def path(variables: Environment) -> str:
    """Return the path of helm's own file (helm.sh/docs, `helm env`)."""
    if named := variables.get("HELM_REGISTRY_CONFIG"):
        return named
    if not (directory := variables.get("HELM_CONFIG_HOME")):
        config = variables.get("XDG_CONFIG_HOME")
        if not config and sys.platform == "darwin":
            config = f"{variables.home()}/Library/Preferences"
        directory = f"{config or variables.folder('settings')}/helm"
    return f"{directory}/registry/config.json"


def path_to_edit(variables: Environment) -> str:
    """Return the path for writing; raise InvalidInputError without a home directory."""
    others = "HELM_REGISTRY_CONFIG", "HELM_CONFIG_HOME"
    people.require_home(variables, *others, *system.FOLDERS["settings"][0])
    return path(variables)


def _dockers(variables: Environment) -> str:
    """Return the path of docker's file for helm and oras, or "".

    They take the home only from the environment variable.
    """
    named, home = variables.get("DOCKER_CONFIG"), variables.get(system.HOME)
    directory = named or (f"{home}/.docker" if home else "")
    return f"{directory}/config.json" if directory else ""


def key_of(reference: Reference) -> str:
    """Return the key for a registry, in a file and for a helper."""
    is_hub = reference.authority in {HUB_HOST, HUB_REGISTRY}
    return HUB_KEY if is_hub else reference.authority


def look_up(
    client: str, reference: Reference, environment: Environment
) -> Iterator[Found]:
    """Yield what helm or oras tries for a registry, in order, until one has a login.

    Raises InvalidInputError if the client stops with an error.
    """
    key = key_of(reference)
    search_path = environment.get("PATH") if client == HELM else ""
    if client == HELM:
        yield from _in(OrasFile(path(environment)), client, key, search_path)
    if place := _dockers(environment):
        file = OrasFile(place)
        # helm ignores docker's file if that is useless.
        if client == ORAS or not file.fault:
            yield from _in(file, client, key, search_path)


def _in(file: OrasFile, client: str, key: str, search_path: str) -> Iterator[Found]:
    if why := file.fault:
        raise InvalidInputError(
            f"{file.path} {why}: {client} stops with an error, whatever the registry",
            "fix it, or take it out",
        )
    auths, helpers = file.table("auths"), file.table("credHelpers")
    if helper := helpers.get(key) or store_of(file, search_path):
        where = "credsStore" if file.text("credsStore") else "credsStore by default"
        where = f'credHelpers["{key}"]' if helpers.get(key) else where
        yield Found(file.path, where, helper=helper, asks=key)
        return
    names = [key] if key in auths else [name for name in auths if _host(name) == key]
    if names:
        yield one_of(file.path, names[0], [_decoded(file, name) for name in names])


def store_of(file: OrasFile, search_path: str) -> str:
    """Return the store for registries that are not in credHelpers, or "".

    If the file has no login and no helper, helm looks for one on the search path.
    """
    if file.table("credHelpers") or file.table("auths") or not search_path:
        return file.text("credsStore")
    return file.text("credsStore") or default_store(search_path)


def _decoded(file: OrasFile, name: str) -> Mapping[str, Any]:
    if name in file.broken:
        return _BROKEN
    entry = file.table("auths")[name] or {}
    found = {field: entry.get(field) or "" for field in _LOGIN}
    if pair := _pair(entry.get("auth") or ""):
        found["username"], found["password"] = pair
    return found


def _pair(auth: str) -> tuple[str, str] | None:
    """Return user and password of an `auth`, or None if it cannot be decoded."""
    plain = go_json.read_base64(auth)
    if plain is None or b":" not in plain:
        return None
    user, _, password = go_json.as_text(plain).partition(":")
    return user, password


def _host(key: str) -> str:
    return key.removeprefix("http://").removeprefix("https://").partition("/")[0]


FILE = "config.json"
OPTIONS: tuple[str, ...] = ()
CONSUMERS: tuple[str, ...] = ()


def render(logins: Sequence[Login], options: Options) -> bytes:
    """Return the same file as for docker, which helm's library oras-go can read."""
    return docker_edit.render(logins, options)


READER = "helm"
_STOPS = (Severity.ERROR, f"{READER} and oras stop with an error")
_FAULTS: findings.Consequences = {
    Fault.EMPTY: (Severity.WARNING, f"{READER} and oras ask anonymously"),
    Fault.NOT_TEXT: (Severity.WARNING, "no registry is known to take it"),
    Fault.NEWLINE: (Severity.ERROR, "the registry refuses it"),
    Fault.TOKEN: (Severity.WARNING, "it belongs into identitytoken"),
    **dict.fromkeys((Fault.NOT_BASE64, Fault.UNPADDED, Fault.NO_COLON), _STOPS),
}


def check(data: bytes) -> Iterator[Finding]:
    """Check the file as helm and oras read it: helpers first, then entries."""
    file = OrasFile.of(data)
    yield from findings.twice_there(sorted(file.twice))
    for place, wanted in file.wrong:
        what = f"{findings.place(place) or 'the file'} is no {wanted}"
        yield error(KEY, f"{what}: {_STOPS[1]}")
    for name in file.whole:
        if name not in _FORM and (meant := _MEANT.get(go_json.folded(name))):
            yield warning(
                KEY,
                f"{findings.shown(name)} is no {meant}: {READER} and oras take names as"
                " they are written, and pass it over",
                f"write {meant}",
            )
        elif name not in _FORM:
            yield from findings.unknown("", [name], docker_check.KNOWN, READER)
    helpers, store = file.table("credHelpers"), file.text("credsStore")
    auths = file.table("auths")
    yield from docker_check.keys("credHelpers", helpers, READER)
    yield from docker_check.keys("auths", auths, READER, _host)
    for key, entry in auths.items():
        where = f'auths["{findings.shown(key)}"]'
        if entry and (helper := helpers.get(key) or store):
            yield warning(
                ENTRY,
                f"{where} is not read: docker-credential-{findings.word(helper)} is"
                " asked instead",
                "keep it there: log out and in again",
            )
        yield from _entry(where, key, file, has_store=bool(store))
    if not (helpers or store or auths or file.wrong):
        yield error(
            ENTRY, f"it has no login and no helper: {READER} asks docker's file alone"
        )


_MEANT = {go_json.folded(name): name for name in _FORM}


def _entry(
    where: str, key: str, file: OrasFile, *, has_store: bool
) -> Iterator[Finding]:
    entry = file.table("auths")[key] or {}
    found = decode_auth(entry.get("auth"))
    if key in file.broken and found.fault not in UNREADABLE:
        yield error(ENTRY, f"{file.broken[key]}: {_STOPS[1]} for that registry")
    elif entry.get("identitytoken"):
        yield note(ENTRY, f"{where} has an identity token, which is sent")
    elif found.fault is Fault.EMPTY and (
        entry.get("username") or entry.get("password")
    ):
        yield note(ENTRY, f"{where} has username and password, and no auth")
    elif found.fault is Fault.EMPTY and has_store:
        yield note(ENTRY, f"{where} is a mark for a login in credsStore")
    else:
        yield findings.judge(where, found, _FAULTS)
