"""Write launchers for a package: as `dockcred install` does, but for another place.

    launchers.py DIRECTORY PYTHON MODULES [PROGRAM...]

They start PYTHON with the directory MODULES alone, as both will be where they run.
"""

from __future__ import annotations

import os
import sys

from dockcred.protocol.launcher import render as launcher_render
from dockcred.wiring import PROGRAMS, provider


def launcher(program: str, python: str, modules: str) -> str:
    """Render one that is its package's to renew and to remove."""
    served = provider(PROGRAMS[program]) if PROGRAMS[program] else None
    text = launcher_render.launcher(program, python, (modules,), served)
    # By its mark `dockcred install` knows what it may write over.
    return text.replace(launcher_render.MARK, "of its package")


def main(directory: str, python: str, modules: str, *programs: str) -> None:
    """Write those that are named, or all."""
    os.makedirs(directory, exist_ok=True)
    for program in programs or PROGRAMS:
        path = os.path.join(directory, program)
        with open(path, "x", encoding="ascii") as file:
            file.write(launcher(program, python, modules))
        os.chmod(path, 0o755)  # noqa: S103 - a program is for all to run


if __name__ == "__main__":
    main(*sys.argv[1:])
