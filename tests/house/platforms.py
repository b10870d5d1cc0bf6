"""Run mypy with the standard library of Windows, and with that of macOS.

    python tests/house/platforms.py

Only the files in the tables below may use names that the platform's library lacks.
Every other error of mypy is printed, and every row that nothing needs; then the exit
status is 1.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import run

ROOT = Path(__file__).parents[2]
CODE = "common/dockcred/"

POSIX_ALONE = {
    "commands/forward/": "a Unix socket whose peer is known by its number",
    "commands/refresh/lease.py": "the time since boot, by which pods take turns",
    "commands/token_service/": "a service whose workers share a port by forks",
    "identity/mint.py": "refreshes by a fork, where `system` cannot start again",
    "identity/web_identity.py": "a file in memory, after it has asked for one",
    "protocol/launcher/": "launchers by sh, of Linux",
    "stores/forwarded.py": "the other end of a Unix socket",
    "stores/secretservice/": "D-Bus",
    "system/hardening.py": "limits, which `process` has met before",
    "system/people.py": "users and groups by their numbers",
    "system/spawn.py": "posix_spawn, in whose place `child_program` has another",
    "system/watcher.py": "forks who removes a directory",
    "testing/sandbox/runner.py": "asks for the terminal's group, where there is one",
    "transport/local.py": "a Unix socket's client",
}
"""Files and folders that do not run on Windows, or not those parts of them."""

ASKED_FOR = {
    "system/cloud.py": (
        "clock_gettime CLOCK_BOOTTIME",
        "what is remembered of this boot, after /proc was asked",
    ),
    "system/file_lock.py": (
        "O_CLOEXEC O_NONBLOCK ioctl getpwuid",
        "what Linux tells of a file that was not written",
    ),
    "system/private_file.py": (
        "fchown fchmod fstatvfs ST_RDONLY",
        "owner and mode, where copy_access has not done it",
    ),
    "system/process.py": (
        "O_CLOEXEC RLIMIT_CORE getrlimit setrlimit",
        "its own loader, on POSIX, and limits, where they are",
    ),
    "system/shared_file.py": (
        "O_CLOEXEC SIGIO F_RDLCK F_SETLEASE F_UNLCK fcntl geteuid",
        "Linux's exchange of two files, and its leases",
    ),
    "transport/metadata.py": ("poll POLLOUT", "a knock that POSIX leaves in progress"),
    "transport/response.py": ("POLLIN", "what it has asked select for"),
}
"""Files that also run on Windows: the names that they use only on POSIX, and why."""

OF_LINUX = {
    "commands/forward/": ("SO_PEERCRED", "who asks, which macOS tells otherwise"),
    "identity/web_identity.py": ("MFD_CLOEXEC", "after it has asked for memfd_create"),
    "protocol/launcher/": (
        "CLOCK_BOOTTIME getxattr",
        "launchers by sh, and their directories' access control lists",
    ),
    "system/cloud.py": ("CLOCK_BOOTTIME", "after /proc was asked"),
    "system/watcher.py": ("pidfd_open", "where it is missing the parent is asked"),
}
"""By file or folder: the names it uses that macOS' library lacks, and why."""

_LESS = re.compile(r'Module has no attribute "(\w+)"')
_FOLLOWS = re.compile(r"Returning Any from|is not defined  \[name-defined\]")


def complaints(platform: str) -> list[str]:
    """Return mypy's output for the code on a platform, by lines."""
    done = run(
        [
            *(sys.executable, "-m", "mypy", "--no-error-summary"),
            *(f"--cache-dir=.mypy_cache/{platform}", "--platform", platform),
            *("common", "helpers"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return (done.stdout + done.stderr).splitlines()


def unlisted(
    lines: list[str], *tables: Mapping[str, str | tuple[str, str]]
) -> list[str]:
    """Return mypy's lines that no row allows, and a line for each unused row."""
    rows = {where: value for table in tables for where, value in table.items()}
    bad, used = [], set()
    for line in lines:
        file = line.partition(":")[0].removeprefix(CODE)
        where = next((each for each in rows if file.startswith(each)), "")
        less, value = _LESS.search(line), rows.get(where, "")
        named = isinstance(value, str) or not less or less[1] in value[0].split()
        if where and named and (less or _FOLLOWS.search(line)):
            used.add(where)
        else:
            bad.append(line)
    return bad + [
        f"{where}: asks for nothing it may" for where in rows if where not in used
    ]


def main() -> int:
    """Check both platforms; return the exit status."""
    with ThreadPoolExecutor() as pool:
        windows, macos = pool.map(complaints, ("win32", "darwin"))
    bad = unlisted(windows, POSIX_ALONE, ASKED_FOR) + unlisted(macos, OF_LINUX)
    print(*bad, sep="\n", end="\n" if bad else "")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
