"""A password alone, in one line."""

from __future__ import annotations

from collections.abc import Iterator

from dockcred.checking.text import ENTRY
from dockcred.doctor.finding import Finding, error, fine, note

READER = "who reads a password"


def check(data: bytes) -> Iterator[Finding]:
    """Look at its ends; of what is between nothing is told."""
    password = data.removesuffix(b"\n")
    if not password.strip():
        yield error(ENTRY, "there is no password")
    elif b"\n" in password or b"\r" in password:
        yield error(
            ENTRY, "it has more than one line: the password goes on in the next"
        )
    else:
        yield fine(ENTRY, "there is a password")
    if data.endswith(b"\n"):
        yield note(
            ENTRY, "it ends in a newline: `docker login` cuts it off, others may not"
        )
