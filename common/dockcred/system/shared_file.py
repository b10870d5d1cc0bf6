"""Replace a file that others change too, if its content is still what was read.

docker, podman and people write without our lock. So the new file and the old one are
exchanged in one step of the kernel (renameat2(2), RENAME_EXCHANGE), and the old one is
compared with what was read. If it differs, the two are exchanged back, and the caller
makes its change again from the present content. Where the kernel has no such step, the
file is compared once more right before the rename.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time

from dockcred import system
from dockcred.system import private_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_WAIT_S = 10.0
_ATTEMPTS = 60
_LONGEST_PAUSE_S = 0.2
_PAUSE_S = 0.02
_CLIENTS = {
    "buildah", "crane", "docker", "helm", "nerdctl", "oras", "podman", "regctl",
    "skopeo",
}  # fmt: skip
_WRITING = {b"context", b"login", b"logout"}


def attempts() -> Iterator[int]:
    """Yield the numbers of attempts, with a pause after each for other writers to end.

    All pauses together take about ten seconds.
    """
    for number in range(_ATTEMPTS):
        yield number
        time.sleep(min(_LONGEST_PAUSE_S, 0.001 * 2**number))


def wait(path: str, max_wait_s: float = MAX_WAIT_S) -> str:
    """Wait for clients that may have read the file before; return one that still runs.

    Returns "" if none is left. `max_wait_s` is in seconds.
    """
    left = {pid: words for pid, words in _processes() if _may_write(pid, words, path)}
    give_up = time.monotonic() + max_wait_s
    while left and time.monotonic() < give_up:
        time.sleep(_PAUSE_S)
        left = {pid: words for pid, words in left.items() if _words(pid) == words}
    for pid, words in left.items():
        return f"{_name(words)} {_verb(words)} (process {pid})"
    return ""


def _processes() -> Iterable[tuple[str, list[bytes]]]:
    try:
        pids = [name for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return
    for pid in pids:
        if words := _words(pid):
            yield pid, words


def _words(pid: str) -> list[bytes]:
    """Return the words of a process's command line; [] if it has ended."""
    return _read_proc(f"/proc/{pid}/cmdline").split(b"\0")[:-1]


def _name(words: list[bytes]) -> str:
    return os.path.basename(words[0]).decode("utf-8", "replace")


def _verb(words: list[bytes]) -> str:
    return next(word for word in words if word in _WRITING).decode()


def _may_write(pid: str, words: list[bytes], path: str) -> bool:
    if _name(words) not in _CLIENTS or _WRITING.isdisjoint(words[1:]):
        return False
    try:
        if os.stat(f"/proc/{pid}").st_uid not in {system.user(), os.stat(path).st_uid}:
            return False
    except OSError:
        return False
    return _name(words) != "docker" or _is_dockers(pid, words, path)


def _is_dockers(pid: str, words: list[bytes], path: str) -> bool:
    """Return whether this docker uses the file; True if that cannot be known."""
    variables = dict(
        line.partition(b"=")[::2]
        for line in _read_proc(f"/proc/{pid}/environ").split(b"\0")
    )
    home = variables.get(b"HOME")
    directory = variables.get(b"DOCKER_CONFIG") or (home and home + b"/.docker")
    if not directory or any(word.startswith(b"--config") for word in words):
        return True
    return os.path.realpath(directory + b"/config.json") == os.fsencode(path)


def _read_proc(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


_EXCHANGE = 2
_NO_REPLACE = 1
_HERE = -100  # AT_FDCWD
# EINVAL: the file system does not have it; EPERM: a container's filter forbids it.
_NOT_HERE = {errno.ENOSYS, errno.EINVAL, errno.EPERM, errno.ENOTSUP}
_TURNS = 100


def swap(path: str, before: bytes | None, after: bytes | None) -> bool:
    """Replace content `before` by `after`; return False if it is no longer `before`.

    None means no file. Other content stays as it is. Owner, group and mode are kept,
    whoever writes. Raises OSError with the file's name, also if the file has other
    names (hard links): they would keep the old text, with what was to be removed.
    """
    try:
        if after is None:
            done = before is None or _take_away(path, before)
        else:
            done = _put(path, before, after)
        if done:
            system.flush_directory(path)
    except OSError as error:
        error.filename, error.filename2 = path, None
        raise
    return done


def _put(path: str, before: bytes | None, after: bytes) -> bool:
    if before is not None and os.stat(path).st_nlink > 1:
        raise OSError(
            errno.EMLINK, "it has other names (hard links), remove them first"
        )
    aside, descriptor = private_file.create(path)
    try:
        private_file.fill(descriptor, after)
        private_file.dress(descriptor, path, None)
        os.fsync(descriptor)
        if _read(path) != before:
            return False
        if before is None:
            return _create(aside, path)
        done = _exchange(aside, path, before, after)
        if done is None:
            written, descriptor = descriptor, -1
            system.move(written, aside, path, None)
        return done is not False
    finally:
        private_file.close(descriptor)
        private_file.drop(aside)


def _create(aside: str, path: str) -> bool:
    """Rename the file aside; return False if the name is taken by now."""
    try:
        if not _rename(aside, path, _NO_REPLACE):
            os.link(aside, path)
    except FileExistsError:
        return False
    return True


def _exchange(aside: str, path: str, before: bytes, after: bytes) -> bool | None:
    """Exchange the files; return whether it is done, None if it is not possible."""
    try:
        if not _rename(aside, path, _EXCHANGE):
            return None
    except FileNotFoundError:
        return False
    if _read(aside) == before and not _is_being_written(aside):
        return True
    _change_back(aside, path, after)
    return False


def _change_back(aside: str, path: str, placed: bytes) -> None:
    """Put back the file that was taken out, or what others have written since."""
    for _ in range(_TURNS):
        back = _read(aside)
        if back is None:
            return
        try:
            exchanged = _rename(aside, path, _EXCHANGE)
        except FileNotFoundError:
            return  # others have removed it since
        except OSError:
            exchanged = False
        if not exchanged:
            os.replace(aside, path)
        if not exchanged or _read(aside) == placed:
            return
        placed = back


def _take_away(path: str, before: bytes) -> bool:
    aside = private_file.new_name(path)
    try:
        os.rename(path, aside)
    except FileNotFoundError:
        return False
    if _read(aside) == before and not _is_being_written(aside):
        private_file.drop(aside)
        return True
    _create(aside, path)
    private_file.drop(aside)
    return False


def _is_being_written(path: str) -> bool:
    """Return whether a program has the file open and may still write to it.

    The kernel gives no lease on such a file (fcntl(2), F_SETLEASE). Without leases this
    is not known, and False. On Windows such a file cannot be renamed.
    """
    try:
        import fcntl  # noqa: PLC0415 - here only
    except ImportError:
        return False
    import signal  # noqa: PLC0415 - here only

    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        # If a program opens it now, we get this signal, which would end us.
        with contextlib.suppress(ValueError):
            signal.signal(signal.SIGIO, signal.SIG_IGN)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except (AttributeError, OSError) as failure:
        return getattr(failure, "errno", 0) == errno.EAGAIN
    else:
        return False
    finally:
        private_file.close(descriptor)


def _rename(old: str, new: str, flags: int) -> bool:
    """Rename by renameat2; return False, with nothing done, if it is missing."""
    try:
        import ctypes  # noqa: PLC0415 - here only

        call = ctypes.CDLL(None, use_errno=True).renameat2
    except (ImportError, OSError, AttributeError, TypeError):
        return False  # TypeError is that of Windows
    arguments = (_HERE, os.fsencode(old), _HERE, os.fsencode(new), flags)
    number = errno.EINTR
    while number == errno.EINTR:
        if call(*arguments) == 0:
            return True
        number = ctypes.get_errno()
    if number in _NOT_HERE:
        return False
    raise OSError(number, os.strerror(number), old, None, new)


def _read(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None
