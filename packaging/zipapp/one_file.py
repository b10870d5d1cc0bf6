"""Start the program by whose name the one file was called.

If it was called by another name, its first argument names the program. build.py writes
the module `programs`.
"""

from __future__ import annotations

import os
import sys

from programs import PROGRAMS


def main() -> None:
    """Run the program; sys.argv[0] is the path of the one file."""
    if os.path.basename(sys.argv[0]) not in PROGRAMS:
        del sys.argv[0]
    name = os.path.basename(sys.argv[0]) if sys.argv else ""
    if name not in PROGRAMS:
        known = ", ".join(PROGRAMS)
        said = f"dockcred: {name!a} is no program of this file; name one of {known}"
        print(said)  # noqa: T201 - clients quote stdout
        sys.exit(said)
    sys.argv[0] = name
    module = PROGRAMS[name]
    if name == "dockcred":
        __import__(module)
        sys.modules[module].main()
        return
    from dockcred.system.process import run  # noqa: PLC0415 - for the helpers

    run(module, "")
