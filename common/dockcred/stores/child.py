"""Child programs of a store: absolute path, few variables, a time limit, no shell."""

from __future__ import annotations

import os
import subprocess

from dockcred import watchdog
from dockcred.stores.problems import KeychainAbsentError, KeychainError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from dockcred.environment import Environment

_SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin"
_MAX_WAIT_S = 60.0
_LAST_WORDS_S = 0.5


def search_path(environment: Environment) -> str:
    """Answer PATH without its relative parts, which a working directory could fill."""
    parts = environment.get("PATH", _SYSTEM_PATH).split(":")
    return ":".join(part for part in parts if part.startswith("/"))


def find(name: str, environment: Environment, remedy: str) -> str:
    """Answer a program's absolute path; KeychainAbsentError where it is missing."""
    for directory in search_path(environment).split(":"):
        path = f"{directory}/{name}"
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    raise KeychainAbsentError(f"{name} is not installed", remedy)


def variables(environment: Environment, names: Sequence[str]) -> dict[str, str]:
    """Answer the variables that a child may see: these, PATH, and plain English."""
    passed = {name: value for name in names if (value := environment.get(name))}
    return {
        "HOME": environment.home(),
        "PATH": search_path(environment),
        "LC_ALL": "C.UTF-8",
        **passed,
    }


def run(
    arguments: Sequence[str], environment: dict[str, str], text: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Run to the end, as long as the call has time; KeychainError if it hangs."""
    name = os.path.basename(arguments[0])
    watchdog.doing(f"waiting for {name}")
    seconds = max(0.1, min(_MAX_WAIT_S, watchdog.remaining_s() - _LAST_WORDS_S))
    try:
        return subprocess.run(
            arguments,
            input=text,
            capture_output=True,
            env=environment,
            cwd="/",
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise KeychainError(
            f"{name} did not end in {seconds:.0f} s",
            "it may wait for a passphrase: unlock the key in a terminal first",
        ) from None
    except OSError as error:
        raise KeychainError(f"{name} cannot be run: {error.strerror}") from None
