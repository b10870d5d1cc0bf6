"""Compiled modules beside our own, for all to read and nobody else to write.

Whoever cannot write beside the modules would compile them at every call. pip compiles
what it installs; uv does not, unless it is asked to.
"""

from __future__ import annotations

import compileall
import os
import shutil
import stat
from collections.abc import Iterable

_FOR_ALL = 0o755


def compile_package(path: str) -> None:
    """Compile a package and all below it."""
    for directory, _, files in os.walk(path):
        modules = [name for name in files if name.endswith(".py")]
        compile_modules(os.path.join(directory, name) for name in modules)


def compile_modules(paths: Iterable[str]) -> None:
    """Compile modules, each into the `__pycache__` beside it."""
    for path in paths:
        _drop_unless_for_all(os.path.join(os.path.dirname(path), "__pycache__"))
        compileall.compile_file(path, quiet=2)


def _drop_unless_for_all(cache: str) -> None:
    """Drop bytecode that others could write, or could not read.

    Python makes the directory at the first import, by the umask of whoever imports.
    """
    try:
        mode = stat.S_IMODE(os.stat(cache).st_mode)
    except FileNotFoundError:
        return
    if mode & 0o777 != _FOR_ALL:
        shutil.rmtree(cache)
