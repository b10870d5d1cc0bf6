"""Install our programs as a user does: the wheel, and then `dockcred install`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
DISTRIBUTION_PYTHON = "/usr/bin/python3"
PYTHON_SINCE = (3, 11)


def python() -> str:
    """Return the interpreter to use: BENCH_PYTHON, or the distribution's own.

    If the distribution's is too old or has no venv, the one that runs this.
    """
    named = os.environ.get("BENCH_PYTHON")
    if named:
        return named
    test = f"import sys, venv; sys.exit(sys.version_info < {PYTHON_SINCE})"
    try:
        done = subprocess.run([DISTRIBUTION_PYTHON, "-c", test], check=False)
    except OSError:
        return sys.executable
    return DISTRIBUTION_PYTHON if done.returncode == 0 else sys.executable


class Ours:
    """The wheel in a venv of `python()`, and the launchers made from it."""

    def __init__(self, cache: Path, checkout: Path = REPOSITORY) -> None:
        """Set the places; nothing is built yet."""
        cache.mkdir(parents=True, exist_ok=True)
        self._checkout = checkout
        self.interpreter = python()
        self._venv = cache / f"venv{self.interpreter.replace('/', '-')}"
        self.python = self._venv / "bin/python"
        self._launchers = cache / "launchers"

    def install(self) -> None:
        """Build and install the wheel; an existing venv is reused with its SDKs."""
        pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
        into = ("--python", str(self.python), "install")
        with tempfile.TemporaryDirectory() as wheels:
            _run(*pip, "wheel", "--no-deps", "--wheel-dir", wheels, str(self._checkout))
            (wheel,) = Path(wheels).iterdir()
            if not self.python.exists():
                _run(self.interpreter, "-m", "venv", "--without-pip", str(self._venv))
            _run(*pip, *into, f"{wheel}[all]")
            _run(*pip, *into, "--force-reinstall", "--no-deps", str(wheel))
        shutil.rmtree(self._launchers, ignore_errors=True)
        _run(str(self._venv / "bin/dockcred"), "install", "--dir", str(self._launchers))

    def program(self, name: str) -> Path | None:
        """Return a launcher; None if there is no such program."""
        path = self._launchers / name
        return path if path.exists() else None

    def version(self) -> str:
        """Return the path of the interpreter and its version."""
        argv = (self.interpreter, "-c", "import sys; print(sys.version.split()[0])")
        done = subprocess.run(argv, check=True, capture_output=True, text=True)
        return f"{self.interpreter} {done.stdout.strip()}"


def _run(*argv: str) -> None:
    # Bytecode must be written, as for any user, even if this shell forbids it.
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(argv, env=kept, check=False, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"bench: {' '.join(argv[:6])}: {done.stderr.strip()[-2000:]}")
