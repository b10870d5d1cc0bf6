"""Windows' versions of the names that differ in `system`.

access    owner and access control list of a file, as a POSIX owner and mode
identity  the machine's name and boot
powershell  translates the commands of remedies
processes  parents of processes, and a process that outlives its parent
refused   why this user cannot write a file, and the remedy
"""

from __future__ import annotations

import ctypes
import errno
import msvcrt
import os
import sys
import time
import winreg
from ctypes import wintypes

from dockcred import errors
from dockcred.system.windows import access, identity

if sys.platform != "win32":
    raise ImportError("this is Windows' half")

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# Without O_BINARY text is written with CRLF. No flag refuses links: usually only
# administrators make them, and these flags are used in directories of ours.
PLAIN = SAFE = READ = READ_ANY = os.O_BINARY | os.O_NOINHERIT
FOLDERS = {
    "settings": (("XDG_CONFIG_HOME", "APPDATA"), "AppData/Roaming"),
    "cache": (("XDG_CACHE_HOME", "LOCALAPPDATA"), "AppData/Local"),
    "data": (("XDG_DATA_HOME", "LOCALAPPDATA"), "AppData/Local"),
    "programs": (("APPDATA",), "AppData/Roaming"),
}
CACHE = "dockcred/cache"
HOME = "USERPROFILE"
KEYCHAIN = "wincred"
SERVES = SYSTEMD = RUNS_SCRIPTS = False
REMOVES_OPEN = False  # an open file cannot be removed
_STARTED = (".com", ".exe", ".bat", ".cmd")  # by CreateProcess; others need a shell
_SAID = os.environ.get("PATHEXT", "").lower().split(";")
EXECUTABLE = tuple(each for each in _SAID if each in _STARTED) or _STARTED
POWERSHELLS = ("pwsh", "powershell")  # the one to install, and Windows' own
_ABSENT = {"fcntl", "grp", "pwd", "resource", "termios"}
_LESS_HERE = {"os", "signal", "socket", "time"}
ENDING = ("SIGTERM",)
ROOTS: tuple[str, ...] = ()
_ATTEMPTS, _LONGEST_PAUSE_S = 40, 0.05
_IN_USE = {5, 32, 33}
_EXCLUSIVE, _AT_ONCE, _FAR = 0x2, 0x1, 2**62
_LOCK_VIOLATION, _IO_PENDING = 33, 997
_ATTRIBUTES, _SHARED, _THERE, _FOLDER_TOO = 0x80, 0x7, 3, 0x2000000
_BASIC, _BASIC_BYTES, _EPOCH = 0, 40, 116444736000000000
_kernel = ctypes.WinDLL("kernel32", use_last_error=True)
_kernel.CreateFileW.restype = wintypes.HANDLE
_kernel.CreateFileW.argtypes = (
    *(wintypes.LPCWSTR, wintypes.DWORD, wintypes.DWORD, ctypes.c_void_p),
    *(wintypes.DWORD, wintypes.DWORD, wintypes.HANDLE),
)
_kernel.CloseHandle.argtypes = (wintypes.HANDLE,)
_kernel.GetFileInformationByHandleEx.argtypes = (
    *(wintypes.HANDLE, ctypes.c_int, ctypes.c_void_p, wintypes.DWORD),
)


def user() -> int:
    """Return this user's id in what `stat` returns."""
    return access.US


def stat(path: str) -> os.stat_result:
    """Return what os.stat does, with owner and mode from the access control list."""
    return access.seen(os.stat(path), os.path.realpath(path))


def lstat(path: str) -> os.stat_result:
    """Return the same without following a link."""
    return access.seen(os.lstat(path), path)


def fstat(descriptor: int) -> os.stat_result:
    """Return the same of an open file."""
    return access.seen(os.fstat(descriptor), msvcrt.get_osfhandle(descriptor))


def look(path: str) -> os.stat_result:
    """Return what os.stat does, with a ctime that any change sets, as on POSIX.

    On Windows os.stat has the time of creation there. The ctime is 0 if the file system
    has none (FAT). As 0 is a whole second, the caller knows that it must read the file.
    """
    return access.altered(os.stat(path), {}, st_ctime_ns=_changed_ns(path))


def _changed_ns(path: str) -> int:
    handle = _kernel.CreateFileW(
        path, _ATTRIBUTES, _SHARED, None, _THERE, _FOLDER_TOO, None
    )
    found = ctypes.create_string_buffer(_BASIC_BYTES)
    told = _kernel.GetFileInformationByHandleEx(handle, _BASIC, found, _BASIC_BYTES)
    _kernel.CloseHandle(handle)
    changed = int.from_bytes(found.raw[24:32], "little") if told else 0
    return (changed - _EPOCH) * 100 if changed else 0


def close_to_others(path: str) -> None:
    """Close a path to all but this user and the system; raise OSError."""
    access.restrict(path)


def create(path: str, flags: int) -> int:
    """Open a file with these flags, and close it to other users."""
    descriptor = os.open(path, flags)
    try:
        close_to_others(path)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def copy_access(old: str, descriptor: int) -> bool:
    """Copy a file's access control list to an open file; always True: no modes here."""
    if os.path.exists(old):
        access.copy(old, msvcrt.get_osfhandle(descriptor))
    return True


def lock(descriptor: int) -> None:
    """Lock an open file until it is closed; BlockingIOError where another holds it."""
    _lock(descriptor, _EXCLUSIVE | _AT_ONCE)


def wait_for_lock(descriptor: int) -> None:
    """Lock an open file as `lock` does; wait while another process holds it."""
    _lock(descriptor, _EXCLUSIVE)


def _lock(descriptor: int, how: int) -> None:
    """Lock a byte far behind a file's end: no one else can read bytes that are locked.

    msvcrt.locking does not do: Wine does not set its errno for a lock that another
    process holds, and it gives up waiting after ten seconds.
    """
    where = (ctypes.c_uint64 * 4)(0, 0, _FAR, 0)  # OVERLAPPED
    handle = wintypes.HANDLE(msvcrt.get_osfhandle(descriptor))
    if not _kernel.LockFileEx(handle, how, 0, 1, 0, where):
        code = ctypes.get_last_error()
        if code in {_LOCK_VIOLATION, _IO_PENDING}:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        raise ctypes.WinError(code)


def move(descriptor: int, aside: str, path: str, mtime: float | None) -> None:
    """Close a written file, set its time, and rename it to its place in one step.

    It retries, because a reader of the old file, such as a virus scanner, blocks that.
    """
    os.close(descriptor)
    if mtime is not None:
        os.utime(aside, (mtime, mtime))
    pause = 0.001
    for left in reversed(range(_ATTEMPTS)):
        try:
            os.replace(aside, path)
            break
        except PermissionError as error:
            if error.winerror not in _IN_USE or not left:
                raise
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)


def flush_directory(path: str) -> None:
    """Return at once: Windows keeps a directory's names by itself."""


def home(get: Callable[[str], str]) -> str:
    """Return the user's home, as docker and the clouds' SDKs find it."""
    if profile := get("USERPROFILE"):
        return profile
    return get("HOMEDRIVE") + get("HOMEPATH") if get("HOMEPATH") else ""


def _of_all_users() -> str:
    """Return %ProgramData% from the registry: a caller can change the variable."""
    key = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList"
    with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, key) as opened:
        text, _ = winreg.QueryValueEx(opened, "ProgramData")
    return winreg.ExpandEnvironmentStrings(text)


SETTINGS = f"{_of_all_users()}\\dockcred"


def parents() -> dict[int, int]:
    """Return the parent's pid for each process whose parent still runs."""
    from dockcred.system.windows import processes  # noqa: PLC0415 - at an end only

    return processes.parents()


def start_again(code: str, variables: dict[str, str], text: bytes) -> None:
    """Start a Python that runs code with a text on stdin; nobody waits for it."""
    from dockcred.system.windows import processes  # noqa: PLC0415 - once in half a life

    processes.start_again(code, variables, text)


def run_instead(command: tuple[str, ...], variables: Mapping[str, str]) -> int:
    """Run a command, found as cmd.exe finds it, to its end; return its status."""
    from dockcred.system.windows import processes  # noqa: PLC0415 - exec alone

    return processes.run(command, variables)


def words(command: str) -> list[str]:
    """Split a command into words, as Windows does for a program; raise ValueError."""
    from dockcred.system.windows import processes  # noqa: PLC0415 - for commands alone

    return processes.words(command)


def is_absent(error: AttributeError | ModuleNotFoundError) -> bool:
    """Return whether Python on Windows lacks what is missing, and POSIX has it."""
    if isinstance(error, AttributeError):
        return getattr(error.obj, "__name__", "") in _LESS_HERE
    return error.name in _ABSENT


def _in_powershell(text: str) -> str:
    """Return a remedy with its commands translated to PowerShell."""
    from dockcred.system.windows import powershell  # noqa: PLC0415 - after a failure

    return powershell.translated(text)


errors.in_shell = _in_powershell


def host_name() -> str:
    """Return the machine's name, or the container's."""
    return identity.host_name()


def boot() -> str:
    """Return an id that no other boot of any machine has; "" if it is not known."""
    return identity.boot()
