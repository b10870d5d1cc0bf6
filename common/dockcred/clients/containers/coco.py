"""Check auth.json as image-rs reads it in a guest of Confidential Containers.

image-rs parses with serde. `auths` must be there, and each entry must have an `auth`.
One entry without it makes the whole file invalid: for example the empty entry that
`docker login` leaves when a store keeps the login.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
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
from dockcred.clients.reference import HUB, HUB_NAMES

READER = "image-rs"
_INVALID = (Severity.ERROR, "image-rs refuses the whole file")
_REFUSED = (Severity.ERROR, "image-rs cannot log in with it")
_FAULTS: Consequences = {
    Fault.EMPTY: _INVALID,
    Fault.NOT_BASE64: _REFUSED,
    Fault.UNPADDED: _REFUSED,
    Fault.NOT_TEXT: _REFUSED,
    Fault.NO_COLON: _REFUSED,
    Fault.NEWLINE: (Severity.WARNING, "image-rs cuts it off, others do not"),
    Fault.TOKEN: (Severity.ERROR, "image-rs knows user and password alone"),
}


def check(data: bytes) -> Iterator[Finding]:
    """Check the file as a guest reads it."""
    found, twice = findings.read_json(data)
    for name in twice:
        yield error(KEY, f"{findings.shown(name)} stands twice: one of them is lost")
    for name in found:
        if name != "auths":
            yield warning(KEY, f"{findings.shown(name)} is passed over by {READER}")
    entries = found.get("auths")
    if not isinstance(entries, dict):
        yield error(KEY, f"auths is not there: {READER} refuses the whole file")
        return
    for key, entry in entries.items():
        yield from _entry(f'auths["{findings.shown(key)}"]', entry)
    alike = Counter(map(_normal, entries))
    for name, times in sorted(alike.items()):
        if times > 1:
            yield error(
                KEY,
                f"{findings.shown(name)} stands under {times} keys:"
                f" {READER} takes either",
                "keep one",
            )


def _entry(where: str, entry: Any) -> Iterator[Finding]:
    fields = findings.table(entry)
    for name in sorted(fields.keys() - {"auth"}):
        yield note(ENTRY, f"{where}: {findings.shown(name)} is passed over")
    found = decode_auth(fields.get("auth"))
    yield findings.judge(where, found, _FAULTS)


def _normal(key: str) -> str:
    """Return the registry that a key means; a key with a scheme loses its path."""
    _, scheme, rest = key.rpartition("://")
    host, slash, path = rest.partition("/")
    host = HUB if host in HUB_NAMES else host
    return host if scheme else f"{host}{slash}{path}"
