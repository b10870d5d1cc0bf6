"""Processes on Windows: their parents, and one that outlives its parent."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import signal
import subprocess
import sys
from ctypes import byref, sizeof, wintypes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

if sys.platform != "win32":
    raise ImportError("this is Windows' half")

_PROCESSES, _LIMITED_QUERY = 0x2, 0x1000
_SYNCHRONIZE, _FOR_EVER = 0x100000, 0xFFFFFFFF
_NO_CONSOLE, _OWN_GROUP, _OUT_OF_JOB = 0x8, 0x200, 0x1000000
_kernel = ctypes.WinDLL("kernel32", use_last_error=True)
_kernel.CreateToolhelp32Snapshot.restype = wintypes.HANDLE
_kernel.OpenProcess.restype = wintypes.HANDLE
_kernel.CloseHandle.argtypes = (wintypes.HANDLE,)
_kernel.LocalFree.argtypes = (ctypes.c_void_p,)


class ListedProcess(ctypes.Structure):
    """PROCESSENTRY32W."""

    _fields_ = (
        ("size", wintypes.DWORD),
        ("usage", wintypes.DWORD),
        ("pid", wintypes.DWORD),
        ("heap", ctypes.c_size_t),
        ("module", wintypes.DWORD),
        ("threads", wintypes.DWORD),
        ("parent", wintypes.DWORD),
        ("priority", wintypes.LONG),
        ("flags", wintypes.DWORD),
        ("name", wintypes.WCHAR * 260),
    )


def parents() -> dict[int, int]:
    """Return the parent's pid for each process whose parent still runs.

    Pids are used again. So a process is not a child of one that has started later, even
    if that has the parent's pid.
    """
    snapshot = wintypes.HANDLE(_kernel.CreateToolhelp32Snapshot(_PROCESSES, 0))
    entry = ListedProcess(size=sizeof(ListedProcess))
    found = {}
    more = _kernel.Process32FirstW(snapshot, byref(entry))
    while more:
        found[entry.pid] = entry.parent
        more = _kernel.Process32NextW(snapshot, byref(entry))
    _kernel.CloseHandle(snapshot)
    return {
        pid: parent
        for pid, parent in found.items()
        if 0 < started_at(parent) <= started_at(pid)
    }


def started_at(pid: int) -> int:
    """Return a process's start time, in units of 100 ns; 0 if it is not known."""
    handle = wintypes.HANDLE(_kernel.OpenProcess(_LIMITED_QUERY, False, pid))
    if not handle.value:
        return 0
    times = [wintypes.FILETIME() for _ in range(4)]
    told = _kernel.GetProcessTimes(handle, *map(byref, times))
    _kernel.CloseHandle(handle)
    began = times[0]
    return began.dwHighDateTime << 32 | began.dwLowDateTime if told else 0


def wait(pid: int) -> None:
    """Wait until a process has ended; return at once if it does not exist."""
    handle = wintypes.HANDLE(_kernel.OpenProcess(_SYNCHRONIZE, False, pid))
    if handle.value:
        _kernel.WaitForSingleObject(handle, _FOR_EVER)
        _kernel.CloseHandle(handle)


def run(command: tuple[str, ...], variables: Mapping[str, str]) -> int:
    """Run a command, found as cmd.exe finds it, to its end; return its status.

    Ctrl-C is ignored here, because the console sends it to the command too. Raises
    OSError.
    """
    found = shutil.which(command[0], path=variables.get("PATH"))
    if not found:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), command[0])
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return subprocess.call([found, *command[1:]], env=variables)
    finally:
        signal.signal(signal.SIGINT, before)


def words(command: str) -> list[str]:
    """Return the words of a command, as Windows itself reads them for a program.

    Only double quotes are quotes, and a backslash in a path stays. Raises ValueError if
    the command cannot be parsed.
    """
    if not (command := command.strip()):
        return []
    read = ctypes.WinDLL("shell32").CommandLineToArgvW
    read.restype = ctypes.POINTER(wintypes.LPWSTR)
    number = ctypes.c_int()
    found = read(command, byref(number))
    if not found:
        raise ValueError("no command")
    texts = [str(each) for each in found[: number.value]]
    _kernel.LocalFree(found)
    return texts


def start_again(code: str, variables: dict[str, str], text: bytes) -> None:
    """Start a Python that runs code with a text on stdin; nobody waits for it.

    It has no console, no stream and no handle of ours. Raises OSError.
    """
    command = [
        sys.executable,
        "-I",
        "-c",
        f"import sys; sys.path[:] = sys.argv[1:]; {code}",
    ]
    command += [os.path.abspath(entry) for entry in sys.path if entry]
    quiet = _NO_CONSOLE | _OWN_GROUP
    try:
        _start(command, variables, text, quiet | _OUT_OF_JOB)
    except PermissionError:  # a job that no process may leave
        _start(command, variables, text, quiet)


def _start(
    command: list[str], variables: dict[str, str], text: bytes, flags: int
) -> None:
    child = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=variables,
        cwd=os.path.dirname(sys.executable),
        creationflags=flags,
    )
    if child.stdin:
        child.stdin.write(text)
        child.stdin.close()
    child.returncode = 0  # nobody waits for it
