"""Count how many lines of a target's modules some inputs reach.

    python -m fuzz.reached TARGET FOLDER...

Only lines in functions are counted, not those that run when a module is imported.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from fuzz.targets import TARGETS, Tried

Line = tuple[str, int]


def lines(name: str, folders: list[str]) -> tuple[int, int]:
    """Return how many lines in functions were reached, and how many there are."""
    tried = Tried(name)
    files = {file for module in TARGETS[name].about for file in _files(module)}
    found: set[Line] = set()

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        file = frame.f_code.co_filename
        if file not in files:
            return None
        if event == "line":
            found.add((file, frame.f_lineno))
        return trace

    inputs = [path for folder in folders for path in sorted(Path(folder).iterdir())]
    sys.settrace(trace)
    try:
        for path in inputs:
            tried(path.read_bytes())
    finally:
        sys.settrace(None)
    there = {line for file in files for line in _lines(file)}
    return len(found & there), len(there)


def _files(module: str) -> Iterator[str]:
    """Yield the file of a module, and the files of its imported submodules."""
    import_module(module)
    for name in sorted(sys.modules):
        if name == module or name.startswith(f"{module}."):
            spec = find_spec(name)
            if spec and spec.origin:
                yield spec.origin


def _lines(file: str) -> Iterator[Line]:
    """Yield the lines of each function in a file."""
    pending = [compile(Path(file).read_bytes(), file, "exec")]
    while pending:
        code = pending.pop()
        pending += [each for each in code.co_consts if isinstance(each, CodeType)]
        if "__qualname__" not in code.co_names and code.co_name != "<module>":
            first = code.co_firstlineno
            yield from ((file, n) for *_, n in code.co_lines() if n and n != first)


if __name__ == "__main__":
    print(*lines(sys.argv[1], sys.argv[2:]))
