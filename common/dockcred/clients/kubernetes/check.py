"""An imagePullSecret as kubelet reads it (kubernetes, pkg/credentialprovider).

From each entry kubelet takes user and password, `auth` first; all else is passed over
without a word. One `auth` that it cannot decode makes it pass over the whole Secret.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from dockcred.clients import findings
from dockcred.clients.entries import Auth, Fault, decode_auth
from dockcred.clients.findings import (
    ENTRY,
    Consequences,
    Finding,
    Severity,
    error,
    fine,
    note,
    warning,
)
from dockcred.clients.kubelet import is_shared
from dockcred.clients.kubernetes.render import EXPIRES_AT, KEY, TYPE
from dockcred.clients.reference import host_of
from dockcred.errors import InvalidInputError

SECRET = "secret"  # noqa: S105 - a step's name
_SOON = timedelta(minutes=10)


def secrets(data: bytes) -> Iterator[Mapping[str, Any]]:
    """Return each Secret; raise InvalidInputError where there is none."""
    for document in findings.read(data):
        is_list = document.get("kind") in ("List", "SecretList")
        items = document.get("items") if is_list else [document]
        if not isinstance(items, list) or not items:
            raise InvalidInputError("it is a list of no Secrets", "name one")
        for item in items:
            if findings.table(item).get("kind") != "Secret":
                raise InvalidInputError("it is no Secret", "name a manifest of one")
            yield item


def name_of(secret: Mapping[str, Any]) -> str:
    """Return the name of a Secret as kubectl does."""
    metadata = findings.table(secret.get("metadata"))
    namespace = metadata.get("namespace")
    called = findings.word(metadata.get("name"))
    return f"{findings.word(namespace)}/{called}" if namespace else called


def content(secret: Mapping[str, Any], key: str) -> bytes | None:
    """Return what stands under a key; None where nothing can be read."""
    plain = findings.table(secret.get("stringData")).get(key)
    if isinstance(plain, str):
        return plain.encode()
    encoded = findings.table(secret.get("data")).get(key)
    try:
        return base64.b64decode(encoded, validate=True) if encoded else None
    except (binascii.Error, ValueError, TypeError):
        return None


def check_end(secret: Mapping[str, Any]) -> Iterator[Finding]:
    """Return a finding where a credential has expired, or nearly so."""
    metadata = findings.table(secret.get("metadata"))
    ends = findings.table(metadata.get("annotations")).get(EXPIRES_AT)
    if not isinstance(ends, str):
        return
    try:
        moment = datetime.fromisoformat(ends)
        left = moment - datetime.now(UTC)
    except (ValueError, TypeError):
        yield note(SECRET, f"{EXPIRES_AT} is no time")
        return
    if left <= timedelta(0):
        yield error(
            SECRET,
            f"{name_of(secret)}: its credential ended at {ends}",
            "render it again, or have `dockcred refresh` renew it",
        )
    elif left < _SOON:
        yield note(SECRET, f"{name_of(secret)}: its credential ends soon, at {ends}")
    else:
        yield fine(SECRET, f"{name_of(secret)}: good until {ends}")


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
    """Check each Secret, or the file that is to be in one."""
    if _is_payload(data):
        yield from _payload(data)
        return
    for secret in secrets(data):
        yield from _secret(secret)


def _is_payload(data: bytes) -> bool:
    try:
        found, _ = findings.read_json(data)
    except InvalidInputError:
        return False
    return "auths" in found and "kind" not in found


def _secret(secret: Mapping[str, Any]) -> Iterator[Finding]:
    name = name_of(secret)
    if secret.get("type") != TYPE:
        yield error(
            SECRET,
            f"{name} has the type {findings.word(secret.get('type', 'Opaque'))}:"
            " kubelet passes it over",
            f"make it one of {TYPE}; the type of a Secret cannot be changed",
        )
    yield from check_end(secret)
    payload = content(secret, KEY)
    if payload is None:
        yield error(SECRET, f"{name} has no {KEY} that can be decoded")
        return
    yield from _payload(payload)


def _payload(data: bytes) -> Iterator[Finding]:
    found, _ = findings.read_json(data)
    for key in ("credHelpers", "credsStore"):
        if found.get(key):
            yield warning(
                findings.KEY,
                f"{key} is passed over: kubelet runs no helper for a Secret",
                "render the credential itself: dockcred render kubernetes-secret",
            )
    for where, key, entry in findings.entries(found):
        yield from _key(where, host_of(key))
        yield from _entry(where, entry)
    if not found.get("auths"):
        yield error(ENTRY, "it has no login: kubelet pulls anonymously")


def _key(where: str, host: str) -> Iterator[Finding]:
    name = host.partition(":")[0]
    if is_shared(name.removeprefix("*.")) and (name.startswith("*.") or name == "*"):
        yield error(
            findings.KEY,
            f"{where} hands the credential to every registry of that domain, whoever"
            " has it",
            "name the registry itself",
        )
    elif "*" in name:
        yield note(findings.KEY, f"{where} is for every host that it matches")


def _entry(where: str, entry: Mapping[str, Any]) -> Iterator[Finding]:
    for name in ("identitytoken", "registrytoken"):
        if entry.get(name):
            yield warning(ENTRY, f"{where}: {name} is passed over by kubelet")
    if not entry.get("auth") and entry.get("username") and entry.get("password"):
        has_newline = str(entry["password"]).endswith(("\n", "\r"))
        fault = Fault.NEWLINE if has_newline else None
        held = Auth(str(entry["username"]), fault=fault)
        yield findings.judge(where, held, _FAULTS)
        return
    found = decode_auth(entry.get("auth"))
    yield findings.judge(where, found, _FAULTS)
