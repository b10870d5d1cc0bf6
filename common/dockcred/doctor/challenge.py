"""A registry's WWW-Authenticate header (RFC 9110, 11.6.1)."""

from __future__ import annotations

import re

_PARAMETER = re.compile(r'([a-z_]+)="([^"]*)"|([a-z_]+)=([^\s,"]+)', re.IGNORECASE)


class Challenge:
    """The scheme that a registry asks for, in lower case, and its parameters."""

    __slots__ = ("parameters", "scheme")

    def __init__(self, header: str) -> None:
        """Read the first challenge of a header."""
        scheme, _, rest = header.strip().partition(" ")
        self.scheme = scheme.lower()
        self.parameters = {
            (name or bare).lower(): value or word
            for name, value, bare, word in _PARAMETER.findall(rest)
        }
