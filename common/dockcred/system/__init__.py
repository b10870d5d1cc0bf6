"""The machine under us: its files, its processes, and what tells it from another.

Nothing of registries, of HTTP or of what is kept is known here. Which platform this is
is asked in this room alone: below are the names that differ, POSIX's own or Windows'.
A file whose owner or mode matters is looked at by `stat`, `lstat` or `fstat` of this
file, for which they mean the same everywhere.

windows   its half, which no other platform loads
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

IN_POD = "/var/run/secrets/kubernetes.io/serviceaccount"
"""Where Kubernetes puts a service account's files, in a pod of any platform."""

if sys.platform == "win32":
    from dockcred.system.windows import (
        CACHE,
        ENDING,
        EXECUTABLE,
        FOLDERS,
        HOME,
        KEYCHAIN,
        PLAIN,
        POWERSHELLS,
        READ,
        READ_ANY,
        REMOVES_OPEN,
        ROOTS,
        RUNS_SCRIPTS,
        SAFE,
        SERVES,
        SETTINGS,
        SYSTEMD,
        boot,
        close_to_others,
        copy_access,
        create,
        flush_directory,
        fstat,
        home,
        host_name,
        is_absent,
        lock,
        look,
        lstat,
        move,
        parents,
        run_instead,
        start_again,
        stat,
        user,
        wait_for_lock,
        words,
    )
else:
    stat, lstat, fstat = os.stat, os.lstat, os.fstat
    look = os.stat
    """What tells whether a file is another now: its ctime moves with any change."""
    PLAIN = os.O_CLOEXEC
    """Flags with which any file is opened."""
    SAFE = PLAIN | os.O_NOFOLLOW
    """With which a file of ours is: what a link leads to is another's."""
    READ = SAFE | os.O_NONBLOCK
    """With which one is read that may be a pipe's name."""
    READ_ANY = PLAIN | os.O_NONBLOCK
    """With which another's is, who may have put a link there."""
    FOLDERS = {
        "settings": (("XDG_CONFIG_HOME",), ".config"),
        "cache": (("XDG_CACHE_HOME",), ".cache"),
        "data": (("XDG_DATA_HOME",), ".local/share"),
        "programs": ((), ".config"),
    }
    """What a user's folder is for, to the variables that name it and its place."""
    CACHE = "dockcred"
    """Our part of the folder of caches."""
    SETTINGS = "/etc/dockcred"
    """The directory of the whole machine's settings."""
    HOME = "HOME"
    """The variable that names a user's home."""
    REMOVES_OPEN = True
    """Whether a file can be removed that somebody has open."""
    KEYCHAIN = "osxkeychain" if sys.platform == "darwin" else ""
    """The system's own keychain, as docker calls it; nothing where there is none."""
    SERVES = True
    """Whether sockets tell who calls, and processes can share a port."""
    RUNS_SCRIPTS = True
    """Whether a text whose first line names its interpreter is a program."""
    SYSTEMD = True
    """Whether systemd may start services here."""
    EXECUTABLE: tuple[str, ...] = ("",)
    """What the file of a program ends in, beside its name."""
    POWERSHELLS: tuple[str, ...] = ("pwsh",)
    """What PowerShell's program may be called."""
    ENDING = ("SIGSTOP", "SIGKILL")
    """What ends processes, first all of the one, then of the other."""
    ROOTS: tuple[str, ...] = (
        "/etc/ssl/certs/ca-certificates.crt",  # Debian, Alpine, Arch
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  # Fedora, Red Hat
        "/etc/pki/tls/certs/ca-bundle.crt",  # Red Hat before 7
        "/etc/ssl/ca-bundle.pem",  # SUSE
        "/etc/ssl/cert.pem",  # macOS, Alpine, the BSDs
    )
    """Where the machine keeps its roots; nothing where Python's ssl asks for them."""
    run_instead: Callable[[tuple[str, ...], Mapping[str, str]], int] | None = None
    """What runs a command to its end; None where a process can become it."""
    start_again: Callable[[str, dict[str, str], bytes], None] | None = None
    """What runs code in a new Python for nobody; None where a process can fork."""

    def user() -> int:
        """Return this user's number, as files have it."""
        return os.geteuid()

    def is_absent(error: AttributeError | ModuleNotFoundError) -> bool:
        """Return whether Python's library has here not what POSIX's has."""
        del error
        return False

    def host_name() -> str:
        """Return the host's name; in a pod that is the pod's."""
        return os.uname().nodename

    def boot() -> str:
        """Return what no other boot of any machine has; "" where it is not known."""
        try:
            with open("/proc/sys/kernel/random/boot_id", "rb") as file:
                return file.read(64).strip().decode("ascii")
        except OSError:
            return ""

    def parents() -> dict[int, int]:
        """Return the parent of each process, where /proc tells."""
        found: dict[int, int] = {}
        try:
            pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
        except OSError:
            return found
        for pid in pids:
            try:
                with open(f"/proc/{pid}/stat", "rb") as file:
                    found[pid] = int(file.read().rpartition(b")")[2].split()[1])
            except (OSError, ValueError, IndexError):
                continue
        return found

    def words(command: str) -> list[str]:
        """Return the words of a command, as a shell here has them; raise ValueError."""
        import shlex  # noqa: PLC0415 - for commands alone

        return shlex.split(command)

    def home(get: Callable[[str], str]) -> str:
        """Return the home of the variables, or of the password database without one."""
        if found := get("HOME"):
            return found
        try:
            import pwd  # noqa: PLC0415 - only without HOME

            return pwd.getpwuid(os.geteuid()).pw_dir
        except (ImportError, KeyError):
            return ""

    def close_to_others(path: str) -> None:
        """Leave a directory, or a file without a mode, to this user alone."""
        os.chmod(path, 0o700)

    def create(path: str, flags: int) -> int:
        """Open a file that flags have made, for this user alone."""
        return os.open(path, flags, 0o600)

    def copy_access(old: str, descriptor: int) -> bool:
        """Return whether an open file now is for whom the old one is; here it is not.

        Owner, group and mode are given by numbers: private_file.
        """
        del old, descriptor
        return False

    def lock(descriptor: int) -> None:
        """Lock an open file until it is closed; raise BlockingIOError if it is held.

        Raise another OSError where the file system has no locks.
        """
        import fcntl  # noqa: PLC0415 - who writes

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def wait_for_lock(descriptor: int) -> None:
        """Lock an open file as `lock` does, however long another holds it."""
        import fcntl  # noqa: PLC0415 - as above

        fcntl.flock(descriptor, fcntl.LOCK_EX)

    def move(descriptor: int, aside: str, path: str, mtime: float | None) -> None:
        """Move a written file to its place in one step, with its time, and close it.

        It is open until then, so that nobody takes the file aside for a leftover.
        """
        try:
            if mtime is not None:
                os.utime(descriptor, (mtime, mtime))
            os.replace(aside, path)
        finally:
            try:
                os.close(descriptor)
            except OSError:
                descriptor = -1  # it has its name, and was flushed where that matters

    def flush_directory(path: str) -> None:
        """Flush the directory of a file to the disk, so that a new name stays."""
        descriptor = os.open(os.path.dirname(path) or ".", os.O_RDONLY | SAFE)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
