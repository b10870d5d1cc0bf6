"""What a helper's file starts: an interpreter and packages that may be gone."""

from __future__ import annotations

import os
import re

_READ_BYTES = 64 * 1024
_PYTHON = re.compile(rb"exec '([^']+)' -I -S -c ")
_DIRECTORIES = re.compile(rb"sys\.path \+= \[([^\]]*)\]; from dockcred\.launcher")
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
    python = _PYTHON.search(text)
    if python and not os.access(os.fsdecode(python[1]), os.X_OK):
        return os.fsdecode(python[1])
    launched = _DIRECTORIES.search(text)
    if launched is None:
        return ""
    directories = [os.fsdecode(found) for found in _DIRECTORY.findall(launched[1])]
    holders = [d for d in directories if os.path.isdir(os.path.join(d, "dockcred"))]
    return "" if holders else "the package dockcred in its directories"
