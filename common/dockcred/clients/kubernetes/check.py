"""Check an imagePullSecret as kubelet reads it (kubernetes, pkg/credentialprovider).

From each entry kubelet reads user and password, `auth` first, and ignores all else
silently. With one `auth` that it cannot decode, it pulls nothing for a pod that names
the Secret. The API server comes first, with its own rules (pkg/apis/core/validation).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from dockcred.clients import findings, kubernetes
from dockcred.clients.entries import Fault
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
from dockcred.clients.kubernetes.render import (
    EXPIRES_AT,
    MAX_BYTES,
    TYPE,
    check_names,
)
from dockcred.errors import InvalidInputError

SECRET = "secret"  # noqa: S105 - a step's name
_SOON = timedelta(minutes=10)


def secrets(data: bytes) -> Iterator[Mapping[str, Any]]:
    """Yield each Secret; raise InvalidInputError if there is none."""
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
    """Return the name of a Secret, as NAMESPACE/NAME if it has a namespace."""
    metadata = findings.table(secret.get("metadata"))
    namespace = metadata.get("namespace")
    called = findings.word(metadata.get("name"))
    return f"{findings.word(namespace)}/{called}" if namespace else called


def content(secret: Mapping[str, Any], key: str) -> bytes | None:
    """Return the decoded value of a key, or None if there is none."""
    plain = findings.table(secret.get("stringData")).get(key)
    if isinstance(plain, str):
        return plain.encode(errors="replace")
    return _decoded(findings.table(secret.get("data")).get(key))


def _decoded(encoded: object) -> bytes | None:
    """Return a decoded value of `data`; None if the API server refuses it."""
    if not isinstance(encoded, str):
        return None
    # Line ends are ignored: `base64` without -w0 writes them.
    text = encoded.replace("\r", "").replace("\n", "")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def check_end(secret: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield a finding about a credential's expiry, if the Secret names it."""
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
_REFUSED = (
    Severity.ERROR,
    "kubelet cannot use the whole Secret, and pulls nothing for a pod that names it",
)
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
    """Check each Secret, or a file that is to be put into one."""
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
    name, kind = name_of(secret), secret.get("type") or "Opaque"
    yield from _refusals(secret)
    key = kubernetes.KEYS.get(kind) if isinstance(kind, str) else None
    if key is None:
        yield error(
            SECRET,
            f"{name} has the type {findings.word(kind)}: kubelet passes it over",
            f"make it one of {TYPE}; the type of a Secret cannot be changed",
        )
        key = kubernetes.JSON_KEY
    yield from check_end(secret)
    payload = content(secret, key)
    if payload is None:
        yield error(SECRET, f"{name} has no {key} that can be decoded")
        return
    yield from _payload(payload, old=key == kubernetes.OLD_KEY)


_REFUSES = "the API server refuses it"
_MAX_ANNOTATIONS = 256 * 1024
_DATA_KEY = re.compile(r"(?!\.{1,2}$|\.\.)[-._a-zA-Z0-9]{1,253}", re.ASCII)
_LABEL = re.compile(r"[a-z0-9A-Z]([-a-z0-9A-Z_.]{0,61}[a-z0-9A-Z])?")


def _refusals(secret: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield the reasons why the API server would refuse a Secret."""
    name = name_of(secret)
    metadata = findings.table(secret.get("metadata"))
    yield from _names(metadata)
    if not isinstance(secret.get("immutable"), bool | None):
        yield error(SECRET, f"immutable is neither true nor false: {_REFUSES}")
    size = 0
    texts = findings.table(secret.get("stringData"))
    for key in findings.table(secret.get("data")).keys() | texts.keys():
        held = content(secret, key)
        size += len(held or b"")
        if not _DATA_KEY.fullmatch(key):
            yield error(SECRET, f"{findings.shown(key)} is no key: {_REFUSES}")
        if held is None and findings.table(secret.get("data")).get(key) is not None:
            yield error(
                SECRET,
                f"{name}: data.{findings.shown(key)} is not base64: {_REFUSES}",
                "encode it with base64 -w0, or put it in stringData as it is",
            )
    if size > MAX_BYTES:
        yield error(
            SECRET,
            f"{name} holds {size:,} bytes, and a Secret may hold {MAX_BYTES:,}:"
            f" {_REFUSES}",
            "put fewer registries into it, and name several Secrets at the pod",
        )
    elif size * 4 // 3 > _MAX_ANNOTATIONS:
        yield note(
            SECRET,
            f"{name} is too large for `kubectl apply`, which keeps a copy in an"
            " annotation",
            "run: kubectl apply --server-side -f FILE",
        )


def _names(metadata: Mapping[str, Any]) -> Iterator[Finding]:
    named = metadata.get("name") or metadata.get("generateName", "").rstrip("-.")
    if not isinstance(named, str) or not named:
        yield error(SECRET, f"it has no name: {_REFUSES}", "write metadata.name")
        return
    namespace = metadata.get("namespace") or "default"
    try:
        check_names(named, [str(namespace)])
    except InvalidInputError as broken:
        yield error(SECRET, f"{broken.cause}: {_REFUSES}", broken.remedy)
    annotations = findings.table(metadata.get("annotations"))
    labels = findings.table(metadata.get("labels"))
    for key in (*annotations, *labels):
        if not _is_qualified(key):
            yield error(SECRET, f"{findings.shown(key)} is no key: {_REFUSES}")
    for key, value in labels.items():
        if value and not _LABEL.fullmatch(str(value)):
            yield error(
                SECRET,
                f"the label {findings.shown(key)} has no label's value: {_REFUSES}",
                "use 63 letters, digits, -, _ and . at most",
            )
    size = sum(len(f"{key}{value}".encode()) for key, value in annotations.items())
    if size > _MAX_ANNOTATIONS:
        yield error(
            SECRET,
            f"its annotations have {size:,} bytes of {_MAX_ANNOTATIONS:,}: {_REFUSES}",
            "take out kubectl.kubernetes.io/last-applied-configuration, and use"
            " kubectl apply --server-side",
        )


def _is_qualified(key: str) -> bool:
    prefix, slash, name = key.rpartition("/")
    try:
        if slash:
            check_names(prefix.lower(), ())
    except InvalidInputError:
        return False
    return bool(_LABEL.fullmatch(name))


def _payload(data: bytes, *, old: bool = False) -> Iterator[Finding]:
    entries, beside = kubernetes.read(data, old=old)
    for key in ("credHelpers", "credsStore"):
        if key.lower() in beside:
            yield warning(
                findings.KEY,
                f"{key} is passed over: kubelet runs no helper for a Secret",
                "render the credential itself: dockcred render kubernetes-secret",
            )
    table = "" if old else "auths"
    for entry in entries:
        where = f'{table}["{findings.shown(entry.key)}"]'
        yield from _key(where, entry.key)
        for name in ("identitytoken", "registrytoken"):
            if name in entry.names:
                yield warning(ENTRY, f"{where}: {name} is passed over by kubelet")
        yield findings.judge(where, entry.auth, _FAULTS)
    if not entries:
        yield error(ENTRY, "it has no login: kubelet pulls anonymously")


def _key(where: str, key: str) -> Iterator[Finding]:
    found = kubernetes.place(key)
    if found is None:
        yield warning(
            findings.KEY,
            f"{where} is no address: kubelet passes it over",
            "write HOST[:PORT][/NAMESPACE]",
        )
        return
    host, path = found
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
    if remedy := kubernetes.never(host, path):
        yield warning(findings.KEY, f"{where} is found for no image", remedy)
