"""config.json as docker, oras, helm, crane and docker-py read it.

At one `auth` that is no base64 of user:password docker stops reading entries, and it
reads them in any order (docker/cli, cli/config/configfile/file.go).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dockcred.clients import findings
from dockcred.clients.entries import Fault, decode_auth
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

READER = "docker"
_API_PATHS = {"", "v1", "v2"}
_REFUSED = (Severity.ERROR, "docker warns, and may lose other logins with it")
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
    "aliases auths cliPluginsExtraDirs configFormat credHelpers credsStore"
    " currentContext detachKeys experimental features filename HttpHeaders"
    " imagesFormat networksFormat nodesFormat pluginsFormat plugins proxies"
    " pruneFilters psFormat secretFormat serviceInspectFormat servicesFormat"
    " stackOrchestrator statsFormat tasksFormat volumesFormat".lower().split()
)


def check(data: bytes) -> Iterator[Finding]:
    """Check the file as docker reads it: helpers first, then entries."""
    found, twice = findings.read_json(data)
    yield from findings.unknown("", found, KNOWN, READER)
    yield from findings.twice_there(twice)
    yield from findings.check(found)
    helpers = findings.table(found.get("credHelpers"))
    store = found.get("credsStore")
    entries = findings.table(found.get("auths"))
    yield from _keys("credHelpers", helpers)
    yield from _keys("auths", entries)
    for where, key, entry in findings.entries(found):
        if entry and (helper := helpers.get(key, store)):
            yield warning(
                ENTRY,
                f"{where} is not read: docker-credential-{findings.word(helper)} is"
                " asked instead, and alone",
                'for the file\'s own entry set its credHelpers to ""',
            )
        yield from _entry(where, entry, has_store=bool(store))
    if store:
        said = "podman, skopeo, buildah and Kubernetes do not read credsStore"
        yield Finding(Severity.NOTE, KEY, said, client="podman")
    if not entries and not helpers and not store:
        yield error(ENTRY, "it has no login and no helper: docker asks anonymously")


def _keys(table: str, names: Mapping[str, Any]) -> Iterator[Finding]:
    """Return findings of keys that docker never looks up."""
    hosts = {host_of(name) for name in names}
    for name in names:
        where = f'{table}["{findings.shown(name)}"]'
        path = name.partition("://")[2] or name
        if "*" in name:
            yield error(
                KEY,
                f"{where} is never found: docker knows no wildcards",
                "name each registry, or use credsStore: auto",
            )
        elif hosts & HUB_NAMES and host_of(name) in HUB_NAMES and HUB_KEY not in names:
            yield warning(
                KEY,
                f"{where} is not found: docker, oras, helm and crane look Docker Hub up"
                f" as {HUB_KEY}",
                "have both keys",
            )
        elif path.partition("/")[2].strip("/") not in _API_PATHS:
            yield warning(
                KEY,
                f"{where} is not found: docker looks up hosts, podman alone paths",
                f"write {findings.shown(host_of(name))}",
            )
        elif table == "credHelpers" and "/" in name and name != HUB_KEY:
            yield warning(
                KEY,
                f"{where} is not found: a helper's key is the host alone",
                f"write {findings.shown(host_of(name))}",
            )


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
    if found.fault is Fault.EMPTY and has_store:
        yield note(ENTRY, f"{where} is docker's mark for a login in credsStore")
    else:
        yield findings.judge(where, found, _FAULTS)
