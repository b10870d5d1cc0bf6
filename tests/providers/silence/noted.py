"""Launchers on a machine whose packets are dropped, and their notes (note_ends.py).

Each launcher has a twin that exits with HANDED_OVER instead of starting the full
program. So a test sees which of the two answered, and waits for no cloud.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from support.program import Answer, Program

from dockcred.protocol.launcher import render
from dockcred.wiring import PROGRAMS, provider

from .laptop import HELPERS, Laptop

HANDED_OVER = 7
_RUN = re.compile(r"import sys; sys\.path \+= [^']*(?=')")
_MARK = f"import posix; posix._exit({HANDED_OVER})"


class Noted(Laptop):
    """The machine, with our launchers and their twins in its home directory."""

    def __init__(self, programs: Path, home: Path) -> None:
        """Write the launchers; the firmware's files are missing."""
        super().__init__(programs, home)
        self.twins = home / "twins"
        self.twins.mkdir()
        self.launchers = home / "launchers"
        self.launchers.mkdir()
        say = (
            "import sys, dockcred as d; print(sys.executable, d.__path__[0], sep='\\n')"
        )
        python, package = subprocess.run(
            [programs / "python", "-c", say], check=True, capture_output=True, text=True
        ).stdout.split()
        self.python = os.path.realpath(python)
        root = Path(package).parents[0]
        self.imports = tuple(str(each) for each in (root, root.with_name("helpers")))
        for program, _ in HELPERS.values():
            text = render.launcher(
                program, self.python, self.imports, provider(PROGRAMS[program])
            )
            self._write(self.launchers / program, text)
            stopped = _RUN.sub(_MARK, text)
            assert stopped.count(_MARK) == 2
            self._write(self.twins / program, stopped)

    @staticmethod
    def _write(path: Path, text: str) -> None:
        path.write_text(text)
        path.chmod(0o755)

    def variables(self, **more: str) -> dict[str, str]:
        """Return a person's variables without DOCKCRED_LOG: with it, Python answers."""
        found = super().variables()
        del found["DOCKCRED_LOG"]
        return found | {"PATH": f"{self.home}/bin:/usr/bin:/bin"} | more

    def ask(self, which: str, variables: Mapping[str, str]) -> Answer:
        """Run a get of a helper's launcher for its registry."""
        program, host = HELPERS[which]
        return Program(str(self.launchers / program)).get(variables, host)

    def twin(self, which: str, **more: str) -> Answer:
        """Run a get of a launcher's twin, which has no full program."""
        program, host = HELPERS[which]
        return Program(str(self.twins / program)).get(self.variables(**more), host)

    def note(self, which: str) -> Path:
        """Return the path of a helper's note."""
        program, host = HELPERS[which]
        short = program.removeprefix("docker-credential-")
        (found,) = self.memory.parent.glob(f"front,{short},{host},*.silent")
        return found

    def prime(self, *which: str) -> None:
        """Run helpers that find nobody, so that they write their notes."""
        for each in which or HELPERS:
            assert self.get(each).status == 1
            assert self.is_told_again(each)

    def is_told_again(self, which: str, **more: str) -> bool:
        """Return whether a launcher answers without the full program."""
        status = self.twin(which, **more).status
        assert status in {1, HANDED_OVER}
        return status == 1

    @contextmanager
    def edited(self, which: str, old: str, new: str) -> Iterator[None]:
        """Change a note in place, and restore it at the end."""
        note = self.note(which)
        text = note.read_text()
        assert old in text, (old, text)
        note.write_text(text.replace(old, new))
        yield
        note.write_text(text)
