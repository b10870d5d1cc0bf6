"""Whether this is the Windows Subsystem for Linux (WSL), and runs Windows programs.

Written from https://learn.microsoft.com/windows/wsl/filesystems and wsl-config; it has
not yet run under Windows.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.system.environment import Environment

root = "/"
"""The directory below which all files are read; a test sets another."""
CONFIGURATION = "/etc/wsl.conf"
_BINFMT = "proc/sys/fs/binfmt_misc"
# The second is the name under systemd, since WSL 2.
_ENTRIES = ("WSLInterop", "WSLInterop-late")
_FALSE = frozenset({"false", "0"})


class Subsystem:
    """A distribution that Windows runs.

    `off` is the cause and remedy if programs of Windows do not start, else None.
    `has_their_path` tells whether Windows' folders are on PATH.
    """

    def __init__(self, off: tuple[str, str] | None, *, has_their_path: bool) -> None:
        """Keep what was found."""
        self.off = off
        self.has_their_path = has_their_path


def find(environment: Environment) -> Subsystem | None:
    """Return the distribution of WSL that this is; None for any other Linux.

    It is None for a container on WSL's kernel: no program of Windows runs in it.
    """
    if "microsoft" not in _read("proc/sys/kernel/osrelease").lower():
        return None
    if not environment.get("WSL_DISTRO_NAME") and not os.path.isdir(f"{root}/run/WSL"):
        return None
    options = _options()
    return Subsystem(
        _why_off(options),
        has_their_path=options.get("appendwindowspath") not in _FALSE,
    )


def is_windows_program(name: str) -> bool:
    """Return whether a helper's name is that of a program of Windows."""
    return name.lower().endswith(".exe")


def is_windows_drive(directory: str) -> bool:
    """Return whether a directory is on a drive of Windows, where modes mean nothing."""
    best, kind = "", ""
    for line in _read("proc/self/mounts").splitlines():
        _, mounted, of_kind, *_ = [*line.split(" "), "", "", ""]
        mounted = mounted.replace("\\040", " ")
        inside = f"{directory}/".startswith(mounted.rstrip("/") + "/")
        if inside and len(mounted) >= len(best):
            best, kind = mounted, of_kind
    return kind in {"9p", "drvfs", "v9fs"}


def _why_off(options: dict[str, str]) -> tuple[str, str] | None:
    if options.get("enabled") in _FALSE:
        cause = f"{CONFIGURATION} keeps them from starting (enabled = false)"
        remedy = "set enabled = true below [interop] there, then run in Windows:"
        return cause, f"{remedy} wsl --shutdown"
    entries = {name: _read(f"{_BINFMT}/{name}") for name in _ENTRIES}
    if any(text.startswith("enabled") for text in entries.values()):
        return None
    for name, text in entries.items():
        if text:
            return (
                "WSL's interop is switched off, and none starts",
                f"run: echo 1 | sudo tee /{_BINFMT}/{name}",
            )
    cause = f"WSL's interop is missing (no /{_BINFMT}/{_ENTRIES[0]}), and none starts"
    return cause, "run in Windows: wsl --shutdown, and open a new shell here"


def _options() -> dict[str, str]:
    """Return the settings below [interop], names and values in lower case."""
    found, section = {}, ""
    for line in _read(CONFIGURATION[1:]).splitlines():
        text = line.partition("#")[0].strip().lower()
        if text.startswith("["):
            section = text.strip("[] ")
        elif section == "interop":
            name, _, value = text.partition("=")
            found[name.strip()] = value.strip().strip("\"'")
    return found


def _read(path: str) -> str:
    """Return a file's text, below the root; "" if it cannot be read."""
    try:
        with open(f"{root}/{path}", encoding="utf-8", errors="replace") as file:
            return file.read(64 * 1024)
    except OSError:
        return ""
