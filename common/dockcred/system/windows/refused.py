"""Why this user cannot write a file on Windows, and the remedy."""

from __future__ import annotations

import os
import stat
import sys

from dockcred.system.windows import access

if sys.platform != "win32":
    raise ImportError("this is Windows' half")


def remedy(path: str, home: str) -> str:
    """Return what to do about a file that could not be written, for PowerShell.

    Only below the home may an administrator take over a directory of another user.
    Elsewhere the access may be denied on purpose. Raises OSError.
    """
    if os.path.isfile(path) and _is_read_only(path):
        return f"run: attrib -r {_quoted(path)}"
    directory = os.path.dirname(path)
    if not os.path.isdir(directory):
        return ""
    if _takes_files(directory):
        return "close the program that has it open, and try again"
    opens = f'icacls {_quoted(directory)} /grant "${{env:USERNAME}}:(OI)(CI)F"'
    if access.seen(os.stat(directory), directory).st_uid == access.US:
        return f"run: {opens}"
    if home and _is_within(directory, home):
        taken = f"takeown /f {_quoted(directory)}"
        return f"run as administrator: {taken}; if ($?) {{ {opens} }}"
    return f"ask the owner of {directory} to let you write there"


def _is_read_only(path: str) -> bool:
    return bool(os.stat(path).st_file_attributes & stat.FILE_ATTRIBUTE_READONLY)


def _takes_files(directory: str) -> bool:
    """Return whether this user can make a file in a directory; make one to try."""
    trial = os.path.join(directory, f"{os.urandom(8).hex()}.dockcred-trial")
    try:
        os.close(os.open(trial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOINHERIT))
        os.unlink(trial)
    except PermissionError:
        return False
    return True


def _is_within(place: str, home: str) -> bool:
    below = os.path.normcase(os.path.join(os.path.realpath(home), ""))
    return os.path.normcase(place).startswith(below)


def _quoted(path: str) -> str:
    return "'" + path.replace("'", "''") + "'"
