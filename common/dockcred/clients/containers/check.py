"""auth.json as podman, skopeo and buildah read it.

By the rules of containers/image, pkg/docker/config: hosts and namespaces in them, and
of each entry `auth` and `identitytoken` alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dockcred.clients import findings
from dockcred.clients.entries import Fault, decode_auth
from dockcred.clients.findings import (
    Consequences,
    Finding,
    Severity,
    error,
    note,
    warning,
)

READER = "podman"
_FAILS = (Severity.ERROR, "podman stops with an error")
_FAULTS: Consequences = {
    Fault.EMPTY: (Severity.WARNING, "podman asks anonymously, and looks no further"),
    Fault.NOT_BASE64: _FAILS,
    Fault.UNPADDED: _FAILS,
    Fault.NOT_TEXT: (Severity.WARNING, "no registry is known to take it"),
    Fault.NO_COLON: (Severity.ERROR, "podman asks anonymously"),
    Fault.NEWLINE: (Severity.ERROR, "the registry refuses it"),
    Fault.TOKEN: (Severity.WARNING, "it belongs into identitytoken"),
}


def check(data: bytes) -> Iterator[Finding]:
    """Check the file as podman reads it."""
    found, twice = findings.read_json(data)
    yield from findings.unknown(
        "", found, {"auths", "credhelpers", "credsstore"}, READER
    )
    yield from findings.twice_there(twice)
    if store := found.get("credsStore"):
        yield warning(
            findings.KEY,
            f"credsStore ({findings.word(store)}) is passed over: podman knows none",
            "name helpers in credHelpers, or run: dockcred configure podman --all",
        )
    helpers = findings.table(found.get("credHelpers"))
    for name in helpers:
        if "/" in name:
            yield warning(
                findings.KEY,
                f'credHelpers["{findings.shown(name)}"] is not found: podman asks'
                " helpers by host",
                "name the host alone",
            )
    for where, key, entry in findings.entries(found):
        yield from _key(where, key)
        yield from _entry(where, entry)
    if not found.get("auths") and not helpers:
        yield error(
            findings.ENTRY, "it has no login and no helper: podman asks anonymously"
        )


def _key(where: str, key: str) -> Iterator[Finding]:
    _, scheme, rest = key.rpartition("://")
    host, _, path = rest.partition("/")
    if "*" in key:
        yield error(
            findings.KEY,
            f"{where} is never found: podman knows no wildcards",
            "name each registry or namespace",
        )
    elif scheme and path.strip("/") not in {"", "v1", "v2"}:
        yield warning(
            findings.KEY,
            f"{where} stands for all of {findings.shown(host)}: with a scheme the path"
            " is cut off",
            "write it without the scheme",
        )
    elif ":" in path or "@" in path:
        yield warning(
            findings.KEY,
            f"{where} is not found: podman looks up names without tag and digest",
            "leave the tag out",
        )


def _entry(where: str, entry: Mapping[str, Any]) -> Iterator[Finding]:
    found = decode_auth(entry.get("auth"))
    if entry.get("identitytoken") and found.username:
        yield note(findings.ENTRY, f"{where} has an identity token, which podman uses")
        return
    if found.fault is Fault.EMPTY and entry:
        names = ", ".join(sorted(findings.shown(name) for name in entry))
        yield error(
            findings.ENTRY,
            f"{where} has no auth, and podman passes over what it has ({names})",
            "encode user:password as auth, beside an identity token <token>:",
        )
    else:
        yield findings.judge(where, found, _FAULTS)
