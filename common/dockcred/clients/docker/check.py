"""Check config.json as docker, crane and docker-py read it; `helm` has oras's rules.

At an `auth` that is not the base64 of user:password, docker stops reading entries. It
reads them in a random order (docker/cli, cli/config/configfile/file.go). crane has the
same reader, and fails at such an entry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from dockcred.clients import docker, findings, go_json
from dockcred.clients.docker import read as docker_read
from dockcred.clients.entries import UNREADABLE, Fault, decode_auth
from dockcred.clients.findings import (
    ENTRY,
    KEY,
    Consequences,
    Finding,
    Severity,
    error,
    note,
    warning,
)
from dockcred.clients.reference import HUB_KEY, HUB_NAMES, host_of
from dockcred.errors import InvalidInputError

READER = "docker"
_API_PATHS = {"", "v1", "v2"}
_REFUSED = (
    Severity.ERROR,
    "docker warns, and may lose other logins with it; crane stops",
)
_FAULTS: Consequences = {
    Fault.EMPTY: (Severity.WARNING, "docker asks anonymously"),
    Fault.NOT_BASE64: _REFUSED,
    Fault.UNPADDED: _REFUSED,
    Fault.NOT_TEXT: (Severity.WARNING, "no registry is known to take it"),
    Fault.NO_COLON: _REFUSED,
    Fault.NEWLINE: (Severity.ERROR, "the registry refuses it"),
    Fault.TOKEN: (Severity.WARNING, "it belongs into identitytoken"),
}
KNOWN = frozenset(
    name.lower() for name in (*docker_read.FIELDS, "filename", "stackOrchestrator")
)


def check(data: bytes) -> Iterator[Finding]:
    """Check the file as docker reads it: helpers first, then entries."""
    decoded = _read(data)
    found = {name: value for name, value in decoded.value.items() if value is not None}
    names = [place[0] for place in decoded.unknown if not place[1:]]
    yield from findings.unknown("", names, KNOWN, READER)
    yield from findings.twice_there(sorted(decoded.twice))
    for place, wanted in decoded.wrong:
        yield error(
            KEY,
            f"{findings.place(place)} is no {wanted}: docker warns, and decodes no auth"
            " of the whole file; crane stops",
        )
    helpers = findings.table(found.get("credHelpers"))
    store = found.get("credsStore")
    entries = findings.table(found.get("auths"))
    yield from keys("credHelpers", helpers)
    yield from keys("auths", entries)
    yield from _empty(helpers)
    for where, key, entry in findings.entries(found):
        if entry and (helper := helpers.get(key, store)):
            yield warning(
                ENTRY,
                f"{where} is not read: docker-credential-{findings.word(helper)} is"
                " asked instead; docker pull alone sends it, where that helper fails",
                "keep it there: log out and in again, or see dockcred import docker",
            )
        yield from _entry(where, entry, has_store=bool(store))
    if store:
        said = "podman, skopeo, buildah and Kubernetes do not read credsStore"
        yield Finding(Severity.NOTE, KEY, said, client="podman")
    if not entries and not helpers and not store:
        yield error(ENTRY, "it has no login and no helper: docker asks anonymously")


def _read(data: bytes) -> go_json.Decoded:
    """Return what docker decodes; raise InvalidInputError if it can decode nothing."""
    try:
        decoded = docker_read.read(data)
    except go_json.TooDeepError:
        raise InvalidInputError("it is nested too deeply", "make it flatter") from None
    except go_json.BrokenJSONError as broken:
        raise findings.refusal(broken) from None
    if any(not place for place, _ in decoded.wrong):
        raise InvalidInputError("it is not a JSON object", "fix it first")
    return decoded


def _empty(helpers: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield warnings for an empty helper name, which only docker understands."""
    for name, helper in helpers.items():
        if not helper:
            yield warning(
                KEY,
                f'credHelpers["{findings.shown(name)}"] is empty: docker reads auths'
                " for it, and podman, skopeo and buildah fail",
                "take it out, and log in again",
            )


def keys(
    table: str,
    names: Mapping[str, Any],
    reader: str = READER,
    hostname: Callable[[str], str] = docker.hostname,
) -> Iterator[Finding]:
    """Yield findings for keys that a reader never looks up.

    `hostname` returns the host that the reader derives from a key of `auths`.
    """
    hosts = {host_of(name) for name in names}
    taken = [hostname(name) for name in names]
    for name in names:
        where = f'{table}["{findings.shown(name)}"]'
        path = name.partition("://")[2] or name
        if "*" in name:
            yield error(
                KEY,
                f"{where} is never found: {reader} knows no wildcards",
                "name each registry, or use credsStore: auto",
            )
        elif hosts & HUB_NAMES and host_of(name) in HUB_NAMES and HUB_KEY not in names:
            yield warning(
                KEY,
                f"{where} is not found: docker, oras, helm and crane look Docker Hub up"
                f" as {HUB_KEY}",
                "have both keys",
            )
        elif (
            table == "auths"
            and (host := hostname(name)) not in names
            and taken.count(host) > 1
        ):
            yield error(
                KEY,
                f"{where} is one of several that {reader} takes for"
                f" {findings.shown(host)}: any of them, another each time",
                f"have one entry, under {findings.shown(host)}",
            )
        elif path.partition("/")[2].strip("/") not in _API_PATHS:
            yield warning(
                KEY,
                f"{where} is {_path_is(table, hostname(name), names)}:"
                f" {reader} looks up hosts, podman alone paths",
                f"write {findings.shown(host_of(name))}",
            )
        elif table == "credHelpers" and "/" in name and name != HUB_KEY:
            yield warning(
                KEY,
                f"{where} is not found: a helper's key is the host alone",
                f"write {findings.shown(host_of(name))}",
            )


def _path_is(table: str, host: str, names: Mapping[str, Any]) -> str:
    """Return words for what the reader does with a key that has a path."""
    if table == "auths" and host not in names:
        return f"taken for all of {findings.shown(host)}"
    return "not found"


def _entry(
    where: str, entry: Mapping[str, Any], *, has_store: bool
) -> Iterator[Finding]:
    if entry.get("identitytoken"):
        yield note(
            ENTRY,
            f"{where} has an identity token: docker and podman use it; Kubernetes,"
            " Nomad, Contrast and Confidential Containers do not",
        )
        return
    if not entry.get("auth") and (entry.get("username") or entry.get("password")):
        yield warning(
            ENTRY,
            f"{where} has username and password, and no auth: docker reads them, podman"
            " does not",
        )
        return
    found = decode_auth(entry.get("auth"))
    if found.fault is not Fault.EMPTY and docker_read.is_refused(entry["auth"]):
        found.fault = found.fault if found.fault in UNREADABLE else Fault.NO_COLON
    if found.fault is Fault.EMPTY and has_store:
        yield note(ENTRY, f"{where} is docker's mark for a login in credsStore")
    else:
        yield findings.judge(where, found, _FAULTS)
