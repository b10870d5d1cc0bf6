"""Where the helper is that clients are to call: the one of the running installation."""

from __future__ import annotations

import os
import sys

from dockcred import child_program
from dockcred.environment import Environment
from dockcred.errors import InvalidInputError

SUFFIX = "auto"
PROGRAM = f"docker-credential-{SUFFIX}"


def path(variables: Environment) -> str:
    """Answer the program's path; raise InvalidInputError where there is none.

    It stands beside us or beside our Python, or we are the one file that is every
    program by its name. PATH comes last: what it has may be of another version.
    """
    for entry in sys.path:
        if os.path.isfile(entry) and os.access(entry, os.X_OK):
            return os.path.abspath(entry)
    beside = [os.path.dirname(sys.executable)]
    # A launcher gives a bare name, which says nothing of where it is.
    if os.sep in sys.argv[0]:
        beside.insert(0, os.path.dirname(os.path.realpath(sys.argv[0])))
    places = os.pathsep.join((*beside, variables.get("PATH")))
    found = child_program.find(PROGRAM, variables.with_values({"PATH": places}))
    if not found:
        raise InvalidInputError(
            f"{PROGRAM} is neither beside dockcred nor on PATH",
            "run: dockcred install",
        )
    return found
