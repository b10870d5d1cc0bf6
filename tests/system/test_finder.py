"""Our finder loads the same modules as Python's own, whatever bytecode is there."""

from __future__ import annotations

import importlib.util
import json
import os
import py_compile
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.program import BUSY_S

import dockcred

if TYPE_CHECKING:
    from collections.abc import Callable

MODULES = (
    "dockcred.errors",
    "dockcred.identity.cache.files",
    "dockcred.providers.ecr.machine",
    "dockcred.transport",
)
OURS, PYTHONS = "Loader", "SourceFileLoader"
"""The names of the loader classes: ours and Python's."""
TELL = """
import importlib, json, sys
sys.path.insert(0, sys.argv[1])
if sys.argv[2] == "ours":
    from dockcred.system import process
    process._find_ours_faster()
told = {}
for name in sys.argv[3:]:
    module = importlib.import_module(name)
    spec = module.__spec__
    told[name] = [
        module.__file__, module.__cached__, module.__package__, module.__doc__,
        getattr(module, "__path__", None), spec.origin, spec.parent, spec.cached,
        spec.has_location, spec.submodule_search_locations, sorted(vars(module)),
        spec.loader.get_source(name), isinstance(spec.loader, type(json.__loader__)),
        module.__name__, repr(module),
    ]
print(json.dumps([told, type(sys.modules[sys.argv[3]].__loader__).__name__]))
"""


def tell(root: Path, who: str, *names: str) -> tuple[object, str]:
    """Return attributes of modules, and the class name of the first one's loader."""
    command = [sys.executable, "-B", "-S", "-I", "-c", TELL, str(root), who, *names]
    told, loader = json.loads(
        subprocess.run(command, capture_output=True, check=True, timeout=BUSY_S).stdout
    )
    return told, loader


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with a copy of our package, compiled as an installer does."""
    root = tmp_path_factory.mktemp("finder")
    leave_out = shutil.ignore_patterns("testing", "__pycache__")
    shutil.copytree(Path(dockcred.__file__).parent, root / "dockcred", ignore=leave_out)
    subprocess.run(
        [sys.executable, "-m", "compileall", "-q", root], check=True, timeout=120
    )
    return root


def test_modules_and_packages_are_as_python_loads_them(root: Path) -> None:
    """Each attribute that Python sets is there, and submodules can be imported."""
    ours, loader = tell(root, "ours", *MODULES)
    theirs, other = tell(root, "python", *MODULES)
    assert ours == theirs
    assert (loader, other) == (OURS, PYTHONS)


def newer(source: Path, cached: Path) -> None:
    """Change the source after it was compiled."""
    del cached
    source.write_text('"""Changed."""\nCHANGED = 1\n')


def longer_in_the_same_second(source: Path, cached: Path) -> None:
    """Change the source, and restore its mtime."""
    del cached
    seen = source.stat()
    source.write_text(f"{source.read_text()}\nCHANGED = 1\n")
    os.utime(source, ns=(seen.st_atime_ns, seen.st_mtime_ns))


def of_another_python(source: Path, cached: Path) -> None:
    """Write bytecode with the magic number of another Python version."""
    source.write_text('"""Of this one."""\n')
    py_compile.compile(str(source), str(cached))
    data = cached.read_bytes()
    cached.write_bytes(bytes([data[0] ^ 1]) + data[1:])


def by_sum(source: Path, cached: Path) -> None:
    """Compile with a checked hash of the source, and then change the source."""
    mode = py_compile.PycInvalidationMode.CHECKED_HASH
    py_compile.compile(str(source), str(cached), invalidation_mode=mode)
    source.write_text('"""Changed."""\n')


def by_nothing(source: Path, cached: Path) -> None:
    """Compile with an unchecked hash, and then change the source."""
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    py_compile.compile(str(source), str(cached), invalidation_mode=mode)
    source.write_text('"""Changed."""\n')


def absent(source: Path, cached: Path) -> None:
    """Remove the bytecode."""
    del source
    cached.unlink()


def empty(source: Path, cached: Path) -> None:
    """Make the bytecode empty, as a full disk does."""
    del source
    cached.write_bytes(b"")


@pytest.mark.parametrize(
    ("change", "who"),
    [
        (newer, PYTHONS),
        (longer_in_the_same_second, PYTHONS),
        (of_another_python, PYTHONS),
        (by_sum, PYTHONS),
        (by_nothing, OURS),
        (absent, PYTHONS),
        (empty, PYTHONS),
    ],
)
def test_what_is_not_of_this_source_is_left_to_python(
    root: Path, change: Callable[[Path, Path], None], who: str
) -> None:
    """Stale, foreign or missing bytecode has the same result as with Python."""
    source = root / "dockcred/errors.py"
    before, seen = source.read_bytes(), source.stat()
    cached = Path(importlib.util.cache_from_source(str(source)))
    bytecode = cached.read_bytes()
    try:
        change(source, cached)
        ours, loader = tell(root, "ours", MODULES[0])
        theirs, _ = tell(root, "python", MODULES[0])
    finally:
        source.write_bytes(before)
        os.utime(source, ns=(seen.st_atime_ns, seen.st_mtime_ns))
        cached.write_bytes(bytecode)
    assert ours == theirs
    assert loader == who
