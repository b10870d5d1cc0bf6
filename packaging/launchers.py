"""Write the launchers of a package, as `dockcred install` writes them for a machine.

    launchers.py DIRECTORY PYTHON MODULES [PROGRAM...]

The launchers start PYTHON, with only the directory MODULES in its path. Both are paths
on the machine where the package will be installed.
"""

from __future__ import annotations

import os
import sys

from dockcred.protocol.launcher import render as launcher_render
from dockcred.wiring import PROGRAMS, provider


def launcher(program: str, python: str, modules: str) -> str:
    """Return a launcher's text, marked as the package's own."""
    served = provider(PROGRAMS[program]) if PROGRAMS[program] else None
    text = launcher_render.launcher(program, python, (modules,), served)
    # `dockcred install` overwrites and removes only files with its own mark.
    return text.replace(launcher_render.MARK, "of its package")


def main(directory: str, python: str, modules: str, *programs: str) -> None:
    """Write the launchers of these programs, or of all if none is named."""
    os.makedirs(directory, exist_ok=True)
    for program in programs or PROGRAMS:
        path = os.path.join(directory, program)
        with open(path, "x", encoding="ascii") as file:
            file.write(launcher(program, python, modules))
        os.chmod(path, 0o755)  # noqa: S103 - a program is for all to run


if __name__ == "__main__":
    main(*sys.argv[1:])
