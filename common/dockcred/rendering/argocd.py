"""The line that Argo CD Image Updater's `credentials: ext:/script` is to print."""

from __future__ import annotations

from collections.abc import Sequence

from dockcred.rendering import entries
from dockcred.rendering.login import Login
from dockcred.rendering.options import Options

FILE = "user-pass"
TAKES: tuple[str, ...] = ()
READERS: tuple[str, ...] = ()


def render(logins: Sequence[Login], _options: Options) -> bytes:
    """Write user:password in one line."""
    entries.refuse_tokens(logins, "Argo CD Image Updater")
    line = entries.pair(entries.only(logins, "a script"))
    entries.refuse_lines(line, "the password")
    return f"{line}\n".encode()
