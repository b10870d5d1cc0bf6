"""What a helper's file starts: an interpreter and packages that may be gone."""

from __future__ import annotations

import os
import re

_READ_BYTES = 64 * 1024
_LAUNCHED = re.compile(rb"exec '([^']+)' -I -S -c '([^']*)'")
_DIRECTORY = re.compile(rb'"([^"]+)"')
_SHEBANG = re.compile(rb"#! *([^\s]+)(?: +(\S+))?")


def missing_part(file: str) -> str:
    """Name what a program needs and has not: an interpreter, or our package.

    Nothing for a binary, for a script whose parts are there, and for a file that
    cannot be read.
    """
    try:
        with open(file, "rb") as script:
            text = script.read(_READ_BYTES)
    except OSError:
        return ""
    shebang = _SHEBANG.match(text)
    if shebang is None:
        return ""
    if text.partition(b"\n")[0].endswith(b"\r"):
        return "an interpreter by that name: its lines end in CR LF"
    interpreter = os.fsdecode(shebang[1])
    if not os.access(interpreter, os.X_OK):
        return interpreter
    launched = _LAUNCHED.search(text)
    if launched is None:
        return ""
    python = os.fsdecode(launched[1])
    if not os.access(python, os.X_OK):
        return python
    directories = [os.fsdecode(found) for found in _DIRECTORY.findall(launched[2])]
    holders = [d for d in directories if os.path.isdir(os.path.join(d, "dockcred"))]
    return "" if holders else "the package dockcred in its directories"
