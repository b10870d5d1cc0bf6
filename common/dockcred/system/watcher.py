"""The watcher: a process that removes a directory after its owner process has ended.

The owner process becomes the user's command (exec), so no code of ours is left in it to
clean up. ssh-agent(1) runs beside its command in the same way. The watcher is not a
child of the command. It has a session, a working directory and descriptors of its own,
no variables, and no secret: it is started before there is one.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import sys
import time

from dockcred import system
from dockcred.errors import DockcredError
from dockcred.system import process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

_CODE = (
    "import sys; sys.path[:] = sys.argv[4:]; "
    "import dockcred.system.watcher as w; w.main()"
)
_KEPT = 3
_POLL_S = 1.0
_ATTEMPTS, _PAUSE_S = 20, 0.05
# systemd sends SIGTERM to a whole service: the watcher still waits for its command.
_NOT_FOR_IT = ("SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM")


def start(directory: str, root: str = "") -> None:
    """Start a watcher that removes the directory when this process ends.

    `root` is Windows' own directory, without which no Python starts there.

    Raises DockcredError where no process can be started.
    """
    pid = os.getpid()
    if system.start_again is not None:
        code = (
            f"from dockcred.system import watcher; watcher.wait({pid}, {directory!r})"
        )
        try:
            system.start_again(code, {"SYSTEMROOT": root}, b"")
        except OSError:
            raise _no_process() from None
        return
    owner = _open_process(pid)
    try:
        child = os.fork()
        if child == 0:
            _double_fork(directory, pid, owner)
        _, failed = os.waitpid(child, 0)
    except OSError:
        failed = 1
    if owner >= 0:
        os.close(owner)
    if failed:
        raise _no_process()


def _no_process() -> DockcredError:
    return DockcredError(
        "no process can be started that would clean up behind the command",
        "see: ulimit -u",
    )


def _open_process(pid: int) -> int:
    """Return a pidfd, which never means a later process of this pid; -1 without one."""
    try:
        return os.pidfd_open(pid)  # Linux 5.3
    except (AttributeError, OSError):
        return -1


def _double_fork(directory: str, pid: int, owner: int) -> NoReturn:
    """Start the watcher and end, so that it is no child of the command."""
    status = 1
    try:
        os.setsid()
        if os.fork() == 0:
            _be_watcher(directory, pid, owner)
        status = 0
    finally:
        os._exit(status)


def _be_watcher(directory: str, pid: int, owner: int) -> None:
    """Start Python anew by exec, so that `pkill -f COMMAND` does not find the watcher.

    If no Python can be started any more, this process watches itself.
    """
    for name in _NOT_FOR_IT:
        signal.signal(signal.Signals[name], signal.SIG_IGN)
    path = [os.path.abspath(entry) for entry in sys.path if entry]
    os.chdir("/")
    if owner >= 0:
        os.dup2(owner, _KEPT)
        os.set_inheritable(_KEPT, True)  # owner may have been _KEPT already
        owner = _KEPT
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.closerange(_KEPT if owner < 0 else _KEPT + 1, os.sysconf("SC_OPEN_MAX"))
    code = ["-I", "-S", "-c", _CODE, directory, str(pid), str(owner)]
    argv = [sys.executable, *code, *path]
    try:
        os.execve(sys.executable, argv, {})  # noqa: S606 - no shell is wanted
    except (OSError, ValueError):  # the interpreter is gone, or its path is not known
        _watch(directory, pid, owner)


def main() -> None:
    """Run the watcher that `start` has started."""
    process.harden()
    _watch(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))


def wait(pid: int, directory: str) -> None:
    """Wait for a process of Windows, then remove its directory."""
    if sys.platform == "win32":
        from dockcred.system.windows import processes  # noqa: PLC0415 - its half

        processes.wait(pid)
        _remove(directory)


def _watch(directory: str, pid: int, owner: int) -> None:
    """Wait for the process, then remove the directory."""
    if owner >= 0:
        select.select([owner], [], [])
    else:
        _poll(pid)
    _remove(directory)


def _remove(directory: str) -> None:
    # A child of the command that still writes there may make a removal fail.
    for _ in range(_ATTEMPTS):
        if remove(directory):
            return
        time.sleep(_PAUSE_S)


def _poll(pid: int) -> None:
    """Wait for a process without a pidfd, as ssh-agent does."""
    while True:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        except PermissionError:
            pass  # it runs, as another user by now
        time.sleep(_POLL_S)


def remove(directory: str) -> bool:
    """Remove a directory and all in it, and follow no link; return whether it is gone.

    A file that cannot be removed is skipped.
    """
    if sys.platform == "win32":
        shutil.rmtree(directory, ignore_errors=True)
        return not os.path.lexists(directory)
    # Another process may remove it at the same time: then nothing can be opened.
    with contextlib.suppress(OSError):
        for _, directories, files, at in os.fwalk(directory, topdown=False):
            for name in files:
                _try(os.unlink, name, at)
            for name in directories:
                # A link to a directory is listed as one.
                _try(os.rmdir, name, at) or _try(os.unlink, name, at)
    return _try(os.rmdir, directory) or not os.path.lexists(directory)


def _try(removed: Callable[..., None], path: str, at: int | None = None) -> bool:
    try:
        removed(path, dir_fd=at)
    except OSError:
        return False
    return True
