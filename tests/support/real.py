"""Skip tests of real programs that are not installed or do not run here.

A program on PATH may still not work: a client without its engine, a builder without its
tools, `unshare` where the kernel forbids it. So each program is tried before it is
used. If it does not work, the test is skipped with the program's name and its message.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import tempfile
from typing import NoReturn

import pytest

from support.program import BUSY_S

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# A trial has an empty home directory. cargo looks there for the Rust to start, unless
# RUSTUP_HOME is set.
_RUSTUP = {
    "RUSTUP_HOME": os.environ.get("RUSTUP_HOME") or os.path.expanduser("~/.rustup")
}
# The arguments with which a program must succeed to count as working. A program without
# a row gets `--version`.
_TRIALS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("sh", "dash", "bash", "zsh", "fish"), ("-c", "exit 0")),
    **dict.fromkeys(("crane", "go", "gopass", "openssl", "oras", "pass"), ("version",)),
    **dict.fromkeys(("ip", "ss"), ("-V",)),
    "busybox": ("true",),
    "docker-credential-pass": ("version",),
    "docker-credential-secretservice": ("version",),
    "kubectl": ("version", "--client"),
    "nginx": ("-v",),
    # Without an argument sshd would start to serve.
    **dict.fromkeys(("sshd", "ssh-keygen"), ("-?",)),
    "strace": ("-o", "/dev/null", "true"),  # --version needs no ptrace
    "valgrind": ("-q", "true"),
}
# These have no harmless option: they print their usage and end with this exit status.
_SAY_HOW = {"dbus-send": 1, "secret-tool": 2, "sshd": 1, "ssh-keygen": 1}


def missing(what: str) -> NoReturn:
    """Skip the test, or the whole file, because of `what`.

    Fails instead if DOCKCRED_REQUIRE_REAL is set.
    """
    if os.environ.get("DOCKCRED_REQUIRE_REAL"):
        pytest.fail(f"DOCKCRED_REQUIRE_REAL is set, but {what}", pytrace=False)
    pytest.skip(what, allow_module_level=True)


def program(name: str, path: str | None = None) -> str:
    """Return the absolute path of a working program; skip the test if there is none.

    It is looked up in `path` if given, else in PATH and then in SYSTEM_PATH.
    """
    found = shutil.which(name, path=path or f"{os.environ['PATH']}:{SYSTEM_PATH}")
    if found is None:
        missing(f"{name} is not installed")
    trial = _TRIALS.get(name, () if name in _SAY_HOW else ("--version",))
    if said := _complaint((found, *trial), _SAY_HOW.get(name, 0)):
        missing(f"{name} is installed and does not run: {said}")
    return found


def require(*command: str) -> None:
    """Skip the test unless a harmless command, such as `unshare --net true`, works."""
    program(command[0])
    if said := _complaint(command, 0):
        missing(f"`{' '.join(command)}` is not allowed here: {said}")


def require_own_mounts() -> None:
    """Skip the test without own mount and network namespaces.

    Containers forbid these even to root.
    """
    require_root("mounts of one's own")
    require("unshare", "--mount", "--net", "mount", "-t", "tmpfs", "none", "/tmp")


def require_root(why: str) -> None:
    """Skip the test unless it runs as root; `why` names what needs root."""
    if os.geteuid() != 0:
        missing(f"{why} needs root")


@functools.cache
def _complaint(command: tuple[str, ...], status: int) -> str:
    """Run a command; return what is wrong with it, "" if it ends with this status."""
    # Cleanup errors are ignored: go may still write its telemetry there.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        try:
            done = subprocess.run(
                command,
                env={"PATH": f"{os.environ['PATH']}:{SYSTEM_PATH}", "HOME": home}
                | _RUSTUP,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=BUSY_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
    if done.returncode == status:
        return ""
    said = (done.stderr or done.stdout).strip().splitlines()
    return said[-1][:200] if said else f"it ends with {done.returncode}"
