"""Where the helper is that clients are to call: the one of the running installation."""

from __future__ import annotations

import os
import sys

from dockcred.errors import InvalidInputError
from dockcred.lookup import helper

SUFFIX = "auto"
PROGRAM = helper.PREFIX + SUFFIX


def path(variables_path: str) -> str:
    """Answer the program's path; raise InvalidInputError where there is none.

    It stands beside us or beside our Python, or we are the one file that is every
    program by its name. PATH comes last: what it has may be of another version.
    """
    for entry in sys.path:
        if os.path.isfile(entry) and os.access(entry, os.X_OK):
            return os.path.abspath(entry)
    beside = os.path.dirname(os.path.realpath(sys.argv[0]))
    places = (beside, os.path.dirname(sys.executable), variables_path)
    found = helper.chosen(PROGRAM, os.pathsep.join(places))
    if not found:
        raise InvalidInputError(f"{PROGRAM} is nowhere", "run: dockcred install")
    return os.path.abspath(found)
