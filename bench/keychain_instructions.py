"""Count the instructions of a `get` from a keychain, and of Python's start alone.

    python -m bench.keychain_instructions [--python PROGRAM]

Only our own process is counted, not gpg and not the keyring's daemon.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import tempfile
from pathlib import Path

import jeepney

from bench import keychains
from bench.instructions import PLAIN, ROOTS
from bench.rows import KEYRING
from dockcred.protocol.launcher import render as launcher_render

HOST = "registry.example.com"
PATH = "/usr/bin:/bin"
BARE = "import os; os._exit(0)"


def measure(python: str) -> dict[str, float]:
    """Return millions of instructions by path; first of Python's start with `os`."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        launcher = directory / KEYRING
        # jeepney is needed to store the item; reading it needs no library.
        library = str(Path(jeepney.__file__).parents[1])
        launcher.write_text(
            launcher_render.launcher(KEYRING, python, (*ROOTS, library), None)
        )
        launcher.chmod(0o755)
        isolated = [python, "-I", "-S"]
        bare = _count([*isolated, "-c", BARE], {"PATH": PATH}, directory)
        figures = {"bare": bare}
        for store in keychains.NAMES:
            with keychains.open_store(store, str(launcher), HOST, PATH) as environment:
                # The first run writes bytecode.
                command = [*isolated, str(launcher), "get"]
                assert keychains.SECRET in _run(command, environment)
                figures[f"{store} get"] = _count(command, environment, directory)
        return figures


def _count(command: list[str], environment: dict[str, str], directory: Path) -> float:
    out = directory / "callgrind.out"
    tool = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}"]
    _run([*tool, *command], environment | PLAIN)
    total, *_ = re.findall(r"^totals: (\d+)", out.read_text(), re.MULTILINE)
    return round(int(total) / 1e6, 2)


def _run(command: list[str], environment: dict[str, str]) -> str:
    return subprocess.run(
        command,
        env=environment,
        input=HOST,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="bench.keychain_instructions")
    parser.add_argument("--python", default="/usr/bin/python3")
    for path, million in measure(parser.parse_args().python).items():
        print(f"{path:18} {million:6.2f} M")


if __name__ == "__main__":
    main()
