"""The password alone, without a newline, for --password-stdin and password files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dockcred.clients import entries
from dockcred.clients.entries import Login
from dockcred.clients.findings import ENTRY, Finding, error, fine, note
from dockcred.clients.formats import Options

FILE = "password"
OPTIONS: tuple[str, ...] = ()
CONSUMERS: tuple[str, ...] = ()


def render(logins: Sequence[Login], _options: Options) -> bytes:
    """Write it."""
    entries.refuse_tokens(logins, "who reads a password")
    return entries.only(logins, "a password").credential.secret.encode()


READER = "who reads a password"


def check(data: bytes) -> Iterator[Finding]:
    """Check its ends; of what is between nothing is shown."""
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
