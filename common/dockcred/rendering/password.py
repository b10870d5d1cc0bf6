"""The password alone, without a newline, for --password-stdin and password files."""

from __future__ import annotations

from collections.abc import Sequence

from dockcred.rendering import entries
from dockcred.rendering.login import Login
from dockcred.rendering.options import Options

FILE = "password"
TAKES: tuple[str, ...] = ()
READERS: tuple[str, ...] = ()


def render(logins: Sequence[Login], _options: Options) -> bytes:
    """Write it."""
    entries.refuse_tokens(logins, "who reads a password")
    return entries.only(logins, "a password").credential.secret.encode()
