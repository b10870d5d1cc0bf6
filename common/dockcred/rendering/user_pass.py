"""user:password without a newline, for what takes a pair and encodes it itself."""

from __future__ import annotations

from collections.abc import Sequence

from dockcred.rendering import entries
from dockcred.rendering.login import Login
from dockcred.rendering.options import Options

FILE = "user-pass"
TAKES: tuple[str, ...] = ()
READERS: tuple[str, ...] = ()


def render(logins: Sequence[Login], _options: Options) -> bytes:
    """Write the pair."""
    entries.refuse_tokens(logins, "who reads user:password")
    return entries.pair(entries.only(logins, "user:password")).encode()
