"""Ask a docker client's own library which helper it would run, and what it would send.

Such a program is called an oracle. Each folder of tests/oracles is an oracle around one
library; tests/oracles/build makes them, once per machine.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support import real
from support.documents import ROOT
from support.program import BUSY_S

SOURCES = ROOT / "tests/oracles"
BUILT = Path(os.environ.get("DOCKCRED_ORACLES", "/usr/local/lib/dockcred-ci/oracles"))
_MODULE = re.compile(r"^(?:require )?\s*(\S+\.\S+/\S+) (v\S+)$", re.MULTILINE)
_CRATE = re.compile(r'^([\w-]+) = "=?([\d.]+)"', re.MULTILINE)
KEYS = ("asked", "with", "username", "secret", "token", "error")


def ask(
    name: str, home: Path | str, variables: dict[str, str], registry: str
) -> dict[str, Any]:
    """Return the answer of an oracle with exactly these variables and this HOME.

    It has every one of KEYS, None if one does not apply, and fields that an oracle
    adds. Skips the test if the oracle is not built.
    """
    done = subprocess.run(
        [program(name), registry],
        env={"HOME": str(home), **variables},
        cwd=home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=BUSY_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-2000:]
    answer = json.loads(done.stdout)
    return dict.fromkeys(KEYS) | answer


def program(name: str) -> Path:
    """Return the program of an oracle; skip the test if it is not built."""
    found = BUILT / name
    if not os.access(found, os.X_OK):
        real.missing(f"the oracle {name} is not built: tests/oracles/build makes it")
    return found


@contextmanager
def conversation(name: str) -> Iterator[Callable[[object], dict[str, Any]]]:
    """Start an oracle that reads one question per line; yield a function to ask it."""
    with subprocess.Popen(
        [program(name), "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={}
    ) as process:

        def one(question: object) -> dict[str, Any]:
            assert process.stdin
            assert process.stdout
            process.stdin.write(json.dumps(question).encode() + b"\n")
            process.stdin.flush()
            return dict.fromkeys(KEYS) | json.loads(process.stdout.readline())

        try:
            yield one
        finally:
            process.kill()


def versions(name: str) -> dict[str, str]:
    """Return the libraries that an oracle uses directly, with their versions."""
    go = SOURCES / name / "go.mod"
    if go.exists():
        text = go.read_text(encoding="utf-8")
        lines = [line for line in text.splitlines() if "// indirect" not in line]
        return dict(_MODULE.findall("\n".join(lines)))
    text = (SOURCES / name / "Cargo.toml").read_text(encoding="utf-8")
    return dict(_CRATE.findall(text.partition("[dependencies]")[2]))
