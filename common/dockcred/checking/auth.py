"""What each reader does about a fault of an `auth`."""

from __future__ import annotations

from collections.abc import Mapping

from dockcred.checking.text import ENTRY, shown
from dockcred.doctor.finding import Finding, Severity, fine
from dockcred.lookup.auths import Auth, Fault

Consequences = Mapping[Fault, tuple[Severity, str]]
"""What a reader does about each fault."""

_REMEDIES = {
    Fault.NEWLINE: "encode it with printf %s, or render the file",
    Fault.UNPADDED: "encode it with base64 -w0",
}


def judge(where: str, found: Auth, readers: Consequences) -> Finding:
    """Say whose it is, or what a reader does about its fault."""
    if found.fault is None:
        return fine(ENTRY, f"{where}: the user {shown(found.username)}")
    severity, consequence = readers[found.fault]
    said = f"{where} {found.fault.value}: {consequence}"
    remedy = _REMEDIES.get(found.fault, "") if severity >= Severity.WARNING else ""
    return Finding(severity, ENTRY, said, remedy)
