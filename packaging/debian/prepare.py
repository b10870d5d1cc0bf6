"""Write what the Debian packages have that is no module: launchers, manual pages.

prepare.py DIRECTORY    makes bin/ and man/ in it
"""

import os
import sys

from dockcred.launcher import names, render
from dockcred.manual.pages import all_pages
from dockcred.registry_table import PROGRAMS, provider

# Debian's Python and its directory of modules are the only ones that launchers know.
PYTHON = "/usr/bin/python3"
MODULES = ("/usr/lib/python3/dist-packages",)


def launcher(program: str) -> str:
    """Render one as `dockcred install` does; but it is dpkg's to renew and remove."""
    served = provider(PROGRAMS[program]) if PROGRAMS[program] else None
    text = render.launcher(program, PYTHON, MODULES, served)
    return text.replace(names.MARK, "of its Debian package")


def write(directory: str, name: str, text: str, mode: int) -> None:
    """Write a new file."""
    os.makedirs(directory, exist_ok=True)
    with open(f"{directory}/{name}", "x", encoding="utf-8") as file:
        file.write(text)
    os.chmod(f"{directory}/{name}", mode)


target = sys.argv[1]
for program in PROGRAMS:
    write(f"{target}/bin", program, launcher(program), 0o755)
for name, text in all_pages().items():
    is_helper = name.removesuffix(".1") in PROGRAMS
    write(f"{target}/man/{'helpers' if is_helper else 'dockcred'}", name, text, 0o644)
