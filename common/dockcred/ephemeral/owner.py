"""A directory's name says which process it is for, so that others can tell its end.

A process keeps its pid and the time of its start when it becomes another program.
"""

from __future__ import annotations

import os

from dockcred.fingerprint import UNKNOWN_BOOT, machine

_PREFIX = "dockcred-exec"


def new_name() -> str:
    """Name a directory for this process."""
    return "_".join((_PREFIX, *_here(), _pid(), _started("self"), os.urandom(4).hex()))


def has_ended(name: str) -> bool:
    """Tell whether a directory of this name is one whose process is no more.

    Of another host's on a shared disk, or another container's, that cannot be told.
    """
    # A host's name may hold what separates.
    prefix, *rest = name.rsplit("_", 6)
    if prefix != _PREFIX or len(rest) != 6:  # noqa: PLR2004 - as new_name joins them
        return False
    host, boot, namespace, pid, started, _ = rest
    our_host, our_boot, our_namespace = _here()
    if host != our_host or UNKNOWN_BOOT in {boot, our_boot}:
        return False
    if boot != our_boot:
        return True
    known = namespace == our_namespace and started.isdigit() and pid.isdigit()
    return known and _started(pid) != started


def _here() -> tuple[str, str, str]:
    """Name the host, its boot, and the process table that our pids are of."""
    boot, _, host = machine().partition(" ")
    try:
        namespace = os.readlink("/proc/self/ns/pid").strip("pid:[]")
    except OSError:
        namespace = "-"
    return host, boot[:8], namespace


def _pid() -> str:
    """Answer our pid as /proc has it."""
    try:
        return os.readlink("/proc/self")
    except OSError:
        return str(os.getpid())


def _started(pid: str) -> str:
    """Answer when a process was started, in ticks since boot; "-" where none is."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # proc_pid_stat(5): field 22, and the second one may hold spaces.
            return file.read().rpartition(b")")[2].split()[19].decode("ascii")
    except OSError:
        return "-"
