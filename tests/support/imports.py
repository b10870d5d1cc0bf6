"""Find which modules a program imports while it answers a get."""

from __future__ import annotations

import importlib
import subprocess
import sys

import dockcred
from support.program import BUSY_S

HEAVY = {
    "argparse",
    "dataclasses",
    "datetime",
    "enum",
    "google",
    "hashlib",
    "http",
    "json",
    "jwt",
    "logging",
    "pathlib",
    "re",
    "requests",
    "selectors",
    "socket",
    "ssl",
    "subprocess",
    "typing",
    "urllib",
}
# Run without the module site, which imports start-up hooks of other packages.
CODE = (
    "import sys; sys.path[:0] = {}; sys.argv[1:] = ['get']; from {} import main; main()"
)


def of_get(module: str, host: str, environment) -> set[str]:
    """Run a helper's module; return the top-level names of the modules it imported."""
    found = in_full(module, host, environment)
    return {name.partition(".")[0] for name in found}


def in_full(module: str, host: str, environment, *, answered=True) -> set[str]:
    """Return the full names of these modules; with answered=False the get must fail."""
    helper = importlib.import_module(module)
    roots = [helper.__file__, dockcred.__path__[0]]
    code = CODE.format([path.rpartition("/")[0] for path in roots], module)
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-X", "importtime", "-c", code],
        env=environment,
        input=host,
        capture_output=True,
        text=True,
        timeout=BUSY_S,
        check=False,
    )
    assert (done.returncode == 0) is answered, done.stdout
    return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
