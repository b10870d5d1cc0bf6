"""Import our modules from the one file's bytecode: an index into one block of bytes.

zipimport reads the archive's directory in Python, and looks for every module under four
names. That is a third of the time of a cached `get` (bench/README.md).

head.sh runs this module; build.py appends the index to it, as the last line.
"""

from __future__ import annotations

import marshal
import sys
from types import ModuleType

# importlib.machinery.ModuleSpec, without its import.
ModuleSpec = type(sys.__spec__)


class Bytecode:
    """A finder and loader for the modules in a block of bytecode."""

    def __init__(
        self, held: memoryview, index: dict[str, tuple[bool, int, int]]
    ) -> None:
        """Keep the bytecode, and of each module: is it a package, its begin and end."""
        self._held = held
        self._index = index
        self._archive = sys.argv[0]

    def find_spec(
        self, name: str, path: object = None, target: object = None
    ) -> object | None:
        """Return the spec of one of our modules; None for others."""
        del path, target
        if name not in self._index:
            return None
        # No subclass of importlib.abc.Loader: its import would take time.
        spec = ModuleSpec(name, self, is_package=self._index[name][0])  # type: ignore[arg-type]
        place = f"{self._archive}/{name.replace('.', '/')}"
        spec.origin = f"{place}.py"
        spec.has_location = True
        if spec.submodule_search_locations is not None:
            spec.submodule_search_locations.append(place)  # `dockcred`'s commands
        return spec

    def create_module(self, spec: object) -> None:
        """Return None: the import system creates the module."""

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's code."""
        _, begin, end = self._index[module.__name__]
        code = marshal.loads(self._held[begin:end])  # noqa: S302 - from this file
        exec(code, module.__dict__)  # noqa: S102 - an import is just that
