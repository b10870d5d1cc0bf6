"""An imagePullSecret as kubelet reads it (kubernetes, pkg/credentialprovider).

From each entry kubelet takes user and password, `auth` first; all else is passed over
without a word. One `auth` that it cannot decode makes it pass over the whole Secret.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dockcred.checking import auth, kubernetes, text
from dockcred.checking.auth import Consequences
from dockcred.checking.text import ENTRY
from dockcred.doctor.finding import Finding, Severity, error, note, warning
from dockcred.errors import InvalidInputError
from dockcred.lookup.auths import Auth, Fault, decode_auth
from dockcred.outputs.kubelet import is_shared
from dockcred.reference import host_of
from dockcred.rendering.kubernetes_secret import KEY, TYPE

READER = "kubelet"
_REFUSED = (Severity.ERROR, "kubelet cannot use the whole Secret")
_FAULTS: Consequences = {
    Fault.EMPTY: (Severity.WARNING, "kubelet pulls anonymously"),
    Fault.NOT_BASE64: _REFUSED,
    Fault.UNPADDED: (Severity.NOTE, "kubelet takes it, skopeo and docker do not"),
    Fault.NOT_TEXT: (Severity.WARNING, "no registry is known to take it"),
    Fault.NO_COLON: _REFUSED,
    Fault.NEWLINE: (Severity.ERROR, "the registry refuses it"),
    Fault.TOKEN: (Severity.ERROR, "kubelet hands it on as user and password"),
}


def check(data: bytes) -> Iterator[Finding]:
    """Go through each Secret, or through the file that is to be in one."""
    if _is_payload(data):
        yield from _payload(data)
        return
    for secret in kubernetes.secrets(data):
        yield from _secret(secret)


def _is_payload(data: bytes) -> bool:
    try:
        found, _ = text.read_json(data)
    except InvalidInputError:
        return False
    return "auths" in found and "kind" not in found


def _secret(secret: Mapping[str, Any]) -> Iterator[Finding]:
    name = kubernetes.name(secret)
    if secret.get("type") != TYPE:
        yield error(
            kubernetes.SECRET,
            f"{name} has the type {text.word(secret.get('type', 'Opaque'))}:"
            " kubelet passes it over",
            f"make it one of {TYPE}; the type of a Secret cannot be changed",
        )
    yield from kubernetes.check_end(secret)
    payload = kubernetes.content(secret, KEY)
    if payload is None:
        yield error(kubernetes.SECRET, f"{name} has no {KEY} that can be decoded")
        return
    yield from _payload(payload)


def _payload(data: bytes) -> Iterator[Finding]:
    found, _ = text.read_json(data)
    for key in ("credHelpers", "credsStore"):
        if found.get(key):
            yield warning(
                text.KEY,
                f"{key} is passed over: kubelet runs no helper for a Secret",
                "render the credential itself: dockcred render kubernetes-secret",
            )
    for where, key, entry in text.entries(found):
        yield from _key(where, host_of(key))
        yield from _entry(where, entry)
    if not found.get("auths"):
        yield error(ENTRY, "it has no login: kubelet pulls anonymously")


def _key(where: str, host: str) -> Iterator[Finding]:
    name = host.partition(":")[0]
    if is_shared(name.removeprefix("*.")) and (name.startswith("*.") or name == "*"):
        yield error(
            text.KEY,
            f"{where} hands the credential to every registry of that domain, whoever"
            " has it",
            "name the registry itself",
        )
    elif "*" in name:
        yield note(text.KEY, f"{where} is for every host that it matches")


def _entry(where: str, entry: Mapping[str, Any]) -> Iterator[Finding]:
    for name in ("identitytoken", "registrytoken"):
        if entry.get(name):
            yield warning(ENTRY, f"{where}: {name} is passed over by kubelet")
    if not entry.get("auth") and entry.get("username") and entry.get("password"):
        has_newline = str(entry["password"]).endswith(("\n", "\r"))
        fault = Fault.NEWLINE if has_newline else None
        held = Auth(str(entry["username"]), fault=fault)
        yield auth.judge(where, held, _FAULTS)
        return
    found = decode_auth(entry.get("auth"))
    yield auth.judge(where, found, _FAULTS)
