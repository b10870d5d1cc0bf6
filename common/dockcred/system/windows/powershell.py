"""Translate the commands of remedies from sh to PowerShell.

There `mv`, `rm`, `rmdir` and `cp` are aliases of commands that do the same.
https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_PATH = r"('[^']*'|\S.*?)(?='?$|'?[;,] |'? &&)"
_EVERYBODY = "*S-1-1-0 *S-1-5-32-545 *S-1-5-11"  # Everyone, Users, Authenticated Users


def translated(text: str) -> str:
    """Return a text with its commands of sh translated to PowerShell."""
    for pattern, words in _RULES:
        text = re.sub(pattern, words, text)
    first, joined, then = text.partition(" && ")
    return f"{first}; if ($?) {{ {then} }}" if joined else text


def _closed(found: re.Match[str]) -> str:
    """Translate a chmod that denies access to others, or to all but this user."""
    mode, path = found[1], _quoted(found[2])
    if mode.isdigit() or "u+" in mode:
        return f'icacls {path} /inheritance:r /grant:r "${{env:USERNAME}}:F"'
    return f"icacls {path} /inheritance:d /remove:g {_EVERYBODY}"


def _set(found: re.Match[str]) -> str:
    name, _, value = found[1].replace("'", "").partition("=")
    return f"$env:{name} = {_quoted(value)}"


def _led(found: re.Match[str]) -> str:
    return f"$env:Path = {_quoted(found[1])} + ';' + $env:Path"


def _quoted(text: str) -> str:
    return f"'{text.strip(chr(39))}'"


_RULES: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (r"\bsudo ", ""),
    (rf"\bchmod (\S+) {_PATH}", _closed),
    (r"\bexport PATH=('[^']*'|\S+):\"\$PATH\"", _led),
    (r"\bexport ('[^']*'|\w+='[^']*'|\w+=\S*)", _set),
    (r"\bunset (\w+)", r"Remove-Item Env:\1"),
    (r"\bsed -i ('[^']*'|\S+) ", "notepad "),
)
