"""Count the instructions of a `get` whose metadata service was silent a moment ago.

    unshare --net --map-root-user python -m bench.silent_instructions PYTHON

It runs in its own network, whose packets vanish. Prints the count of one `get`, without
that of the launcher's shell.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from bench import world
from bench.instructions import PLAIN, ROOTS, SILENT, total
from dockcred.protocol.launcher import render
from dockcred.wiring import PROGRAMS, provider

SAID = "was silent"


def main() -> None:
    """Run a `get` that finds no metadata service, and count a second one."""
    python = sys.argv[1]
    program, host = SILENT
    world.lay_addresses()
    with tempfile.TemporaryDirectory() as name, world.silence():
        home = Path(name)
        launcher = home / program
        served = provider(PROGRAMS[program])
        launcher.write_text(render.launcher(program, python, ROOTS, served))
        launcher.chmod(0o755)
        variables = {"PATH": "/usr/bin:/bin", "HOME": name, **PLAIN}
        out = home / "callgrind.out"
        # The launcher's shell becomes Python by exec, and Python writes the file.
        counted = ("valgrind", "--tool=callgrind", "--trace-children=yes")
        _ask(launcher, host, variables)
        done = _ask(launcher, host, variables, *counted, f"--callgrind-out-file={out}")
        if done.returncode != 1 or SAID not in done.stdout:
            sys.exit(f"bench: {done.stdout}{done.stderr}")
        print(total(out))


def _ask(
    launcher: Path, host: str, variables: dict[str, str], *tool: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*tool, launcher, "get"],
        input=f"{host}\n",
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )


if __name__ == "__main__":
    main()
