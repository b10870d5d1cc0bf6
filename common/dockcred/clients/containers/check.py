"""Check auth.json as podman, skopeo and buildah read it.

The rules are those of containers/image, pkg/docker/config. Keys are hosts, or hosts
with namespaces. Of each entry only `auth` and `identitytoken` are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dockcred.clients import findings, go_json
from dockcred.clients.containers import decode, registry_of
from dockcred.clients.entries import Fault, decode_auth
from dockcred.clients.findings import (
    Consequences,
    Finding,
    Severity,
    error,
    note,
    warning,
)
from dockcred.errors import InvalidInputError

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
    """Check the file as podman reads it: one value of a wrong type makes it invalid."""
    read_as = _decoded(data)
    found, twice = findings.read_json(data.decode("utf-8", "replace").encode())
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
    helpers = read_as["credHelpers"]
    for name, helper in helpers.items():
        if not helper:
            yield error(
                findings.KEY,
                f'credHelpers["{findings.shown(name)}"] is "": podman runs a helper of'
                " no name, and fails",
                "take the key out",
            )
        if "/" in name:
            yield warning(
                findings.KEY,
                f'credHelpers["{findings.shown(name)}"] is not found: podman asks'
                " helpers by host",
                "name the host alone",
            )
    written = {key: entry for _, key, entry in findings.entries(found)}
    for where, key, entry in findings.entries(read_as):
        yield from _key(where, key)
        yield from _entry(where, entry, written.get(key) or entry)
    yield from _alike(read_as["auths"])
    if not read_as["auths"] and not helpers:
        yield error(
            findings.ENTRY, "it has no login and no helper: podman asks anonymously"
        )


def _decoded(data: bytes) -> dict[str, Any]:
    """Return what Go decodes; raise InvalidInputError as `decode`, and for non-JSON."""
    if not data.strip():
        raise InvalidInputError("it is empty", "remove it, or write {} into it")
    try:
        return decode(data)
    except go_json.BrokenJSONError as broken:
        raise findings.refusal(broken) from None


def _alike(auths: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield warnings for keys of which podman takes any: Go's maps have no order."""
    keys: dict[str, list[str]] = {}
    for key in auths:
        keys.setdefault(registry_of(key), []).append(key)
    for registry, several in keys.items():
        exact = {"docker.io"} if registry == "index.docker.io" else {registry}
        if len(several) > 1 and not exact & set(several):
            names = " and ".join(map(findings.shown, several))
            yield warning(
                findings.KEY,
                f"{names} stand for one registry: podman takes either, by chance",
                "keep one",
            )


def _key(where: str, key: str) -> Iterator[Finding]:
    scheme, _, rest = ("", "", key) if "://" not in key else key.partition("://")
    host, _, path = rest.partition("/")
    if scheme not in {"", "http", "https"} or (not scheme and key.endswith("/")):
        yield error(
            findings.KEY,
            f"{where} is never found: podman cuts off a path behind http:// and"
            " https:// alone",
            f"write {findings.shown(rest.rstrip('/'))}",
        )
    elif "*" in key:
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


def _entry(
    where: str, entry: Mapping[str, Any], written: Mapping[str, Any]
) -> Iterator[Finding]:
    found = decode_auth(entry.get("auth"))
    if entry.get("identitytoken") and found.username:
        yield note(findings.ENTRY, f"{where} has an identity token, which podman uses")
        return
    if found.fault is Fault.EMPTY and written:
        names = ", ".join(sorted(findings.shown(name) for name in written))
        yield error(
            findings.ENTRY,
            f"{where} has no auth, and podman passes over what it has ({names})",
            "encode user:password as auth, beside an identity token <token>:",
        )
    else:
        yield findings.judge(where, found, _FAULTS)
