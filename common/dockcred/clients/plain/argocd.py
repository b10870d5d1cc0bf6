"""The line that Argo CD Image Updater's `credentials: ext:/script` is to print."""

from __future__ import annotations

from collections.abc import Sequence

from dockcred.clients import entries
from dockcred.clients.entries import Login
from dockcred.clients.formats import Options

FILE = "user-pass"
OPTIONS: tuple[str, ...] = ()
CONSUMERS: tuple[str, ...] = ()


def render(logins: Sequence[Login], _options: Options) -> bytes:
    """Write user:password in one line."""
    entries.refuse_tokens(logins, "Argo CD Image Updater")
    line = entries.pair(entries.only(logins, "a script"))
    entries.refuse_lines(line, "the password")
    return f"{line}\n".encode()
