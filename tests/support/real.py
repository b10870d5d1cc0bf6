"""What a test of a real program does where that program is not there, or does not run.

A name on PATH promises nothing: a client without its engine, a builder without its
tools, `unshare` where the kernel forbids it. So each part is tried before it is used;
what does not work is skipped by its name, with what it said.
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
# A trial has an empty home. cargo finds there which Rust it shall start, unless told.
_RUSTUP = {
    "RUSTUP_HOME": os.environ.get("RUSTUP_HOME") or os.path.expanduser("~/.rustup")
}
# What a program must do to count as one that runs; of the others, `--version`.
_TRIALS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("sh", "dash", "bash", "zsh", "fish"), ("-c", "exit 0")),
    **dict.fromkeys(("crane", "go", "gopass", "openssl", "oras", "pass"), ("version",)),
    **dict.fromkeys(("ip", "ss"), ("-V",)),
    "busybox": ("true",),
    "docker-credential-pass": ("version",),
    "docker-credential-secretservice": ("version",),
    "kubectl": ("version", "--client"),
    "nginx": ("-v",),
    # Without a word sshd would start to serve.
    **dict.fromkeys(("sshd", "ssh-keygen"), ("-?",)),
    "strace": ("-o", "/dev/null", "true"),  # where ptrace is forbidden it starts, too
    "valgrind": ("-q", "true"),
}
# These have no option that does nothing: they end by saying how they are used.
_SAY_HOW = {"dbus-send": 1, "secret-tool": 2, "sshd": 1, "ssh-keygen": 1}


def missing(what: str) -> NoReturn:
    """Skip the test, or the whole file, for want of `what`.

    Fail where DOCKCRED_REQUIRE_REAL is set.
    """
    if os.environ.get("DOCKCRED_REQUIRE_REAL"):
        pytest.fail(f"DOCKCRED_REQUIRE_REAL is set, but {what}", pytrace=False)
    pytest.skip(what, allow_module_level=True)


def program(name: str, path: str | None = None) -> str:
    """Return the absolute path of a program that runs here; PATH goes first."""
    found = shutil.which(name, path=path or f"{os.environ['PATH']}:{SYSTEM_PATH}")
    if found is None:
        missing(f"{name} is not installed")
    trial = _TRIALS.get(name, () if name in _SAY_HOW else ("--version",))
    if said := _complaint((found, *trial), _SAY_HOW.get(name, 0)):
        missing(f"{name} is installed and does not run: {said}")
    return found


def require(*command: str) -> None:
    """Demand that a harmless command succeeds here, such as `unshare --net true`."""
    program(command[0])
    if said := _complaint(command, 0):
        missing(f"`{' '.join(command)}` is not allowed here: {said}")


def require_own_mounts() -> None:
    """Demand mounts and a network of one's own, which containers forbid even root."""
    require_root("mounts of one's own")
    require("unshare", "--mount", "--net", "mount", "-t", "tmpfs", "none", "/tmp")


def require_root(why: str) -> None:
    """Demand root, for what the kernel lets nobody else do."""
    if os.geteuid() != 0:
        missing(f"{why} needs root")


@functools.cache
def _complaint(command: tuple[str, ...], status: int) -> str:
    """Return what is wrong with a command; nothing where it ends with this status."""
    # Go writes its own counts there while we clear away.
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
