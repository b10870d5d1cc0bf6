"""The operating system: files, processes, and what identifies this machine.

Nothing in this package knows about registries, HTTP or stored credentials. Only this
package asks which platform this is: below are the names that differ between POSIX and
Windows. If a file's owner or mode matters, use `stat`, `lstat` or `fstat` from here:
owner and mode then mean the same on every platform.

windows   Windows' versions of these names; no other platform loads them
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
    """The stat that shows whether a file was changed: every change sets its ctime."""
    PLAIN = os.O_CLOEXEC
    """Flags for opening any file."""
    SAFE = PLAIN | os.O_NOFOLLOW
    """Flags for opening a file of ours: a link is refused, it may lead elsewhere."""
    READ = SAFE | os.O_NONBLOCK
    """Flags for reading a file of ours: a named pipe must not block us."""
    READ_ANY = PLAIN | os.O_NONBLOCK
    """Flags for reading a file of others: it may be a link, or a named pipe."""
    FOLDERS = {
        "settings": (("XDG_CONFIG_HOME",), ".config"),
        "cache": (("XDG_CACHE_HOME",), ".cache"),
        "data": (("XDG_DATA_HOME",), ".local/share"),
        "programs": ((), ".config"),
    }
    """By purpose of a folder: variables that name it, and its path below the home."""
    CACHE = "dockcred"
    """Our directory in the user's cache folder."""
    SETTINGS = "/etc/dockcred"
    """The directory of settings for the whole machine."""
    HOME = "HOME"
    """The variable that names a user's home."""
    REMOVES_OPEN = True
    """Whether a file can be removed while a process has it open."""
    KEYCHAIN = "osxkeychain" if sys.platform == "darwin" else ""
    """The system's own keychain, by docker's name; "" if there is none."""
    SERVES = True
    """Whether a socket tells the connected user, and processes can share a port."""
    RUNS_SCRIPTS = True
    """Whether a text file whose #! line names an interpreter can be run."""
    SYSTEMD = True
    """Whether systemd may start services here."""
    EXECUTABLE: tuple[str, ...] = ("",)
    """The endings that a program's file name may have."""
    POWERSHELLS: tuple[str, ...] = ("pwsh",)
    """What PowerShell's program may be called."""
    ENDING = ("SIGSTOP", "SIGKILL")
    """Signals that end a set of processes: all get the first, then all the second."""
    ROOTS: tuple[str, ...] = (
        "/etc/ssl/certs/ca-certificates.crt",  # Debian, Alpine, Arch
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  # Fedora, Red Hat
        "/etc/pki/tls/certs/ca-bundle.crt",  # Red Hat before 7
        "/etc/ssl/ca-bundle.pem",  # SUSE
        "/etc/ssl/cert.pem",  # macOS, Alpine, the BSDs
    )
    """Files with the machine's root certificates; empty if Python's ssl finds them."""
    run_instead: Callable[[tuple[str, ...], Mapping[str, str]], int] | None = None
    """Runs a command and waits for its end; None if exec can replace the process."""
    start_again: Callable[[str, dict[str, str], bytes], None] | None = None
    """Runs code in a new Python that nobody waits for; None if a process can fork."""

    def user() -> int:
        """Return this user's id, as it is the owner of files."""
        return os.geteuid()

    def is_absent(error: AttributeError | ModuleNotFoundError) -> bool:
        """Return whether the platform lacks what is missing; POSIX never does."""
        del error
        return False

    def host_name() -> str:
        """Return the host name; in a pod it is the pod's."""
        return os.uname().nodename

    def boot() -> str:
        """Return an id that no other boot of any machine has; "" if it is not known."""
        try:
            with open("/proc/sys/kernel/random/boot_id", "rb") as file:
                return file.read(64).strip().decode("ascii")
        except OSError:
            return ""

    def parents() -> dict[int, int]:
        """Return the parent's pid for each pid; {} without /proc."""
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
        """Split a command into words, as a POSIX shell does; raise ValueError."""
        import shlex  # noqa: PLC0415 - for commands alone

        return shlex.split(command)

    def home(get: Callable[[str], str]) -> str:
        """Return HOME, else the home in the password database, else ""."""
        if found := get("HOME"):
            return found
        try:
            import pwd  # noqa: PLC0415 - only without HOME

            return pwd.getpwuid(os.geteuid()).pw_dir
        except (ImportError, KeyError):
            return ""

    def close_to_others(path: str) -> None:
        """Close a directory to other users; on Windows also a file (it has no mode)."""
        os.chmod(path, 0o700)

    def create(path: str, flags: int) -> int:
        """Open a file with these flags; a new file is closed to other users."""
        return os.open(path, flags, 0o600)

    def copy_access(old: str, descriptor: int) -> bool:
        """Copy the old file's access rights to an open file; return whether it is done.

        On POSIX it is not done here: private_file sets owner, group and mode.
        """
        del old, descriptor
        return False

    def lock(descriptor: int) -> None:
        """Lock an open file until it is closed; raise BlockingIOError if it is held.

        Raises another OSError if the file system has no locks.
        """
        import fcntl  # noqa: PLC0415 - who writes

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def wait_for_lock(descriptor: int) -> None:
        """Lock an open file as `lock` does; wait while another process holds it."""
        import fcntl  # noqa: PLC0415 - as above

        fcntl.flock(descriptor, fcntl.LOCK_EX)

    def move(descriptor: int, aside: str, path: str, mtime: float | None) -> None:
        """Rename a written file to its place in one step, set its time, and close it.

        Until then it is open and locked, so that nobody takes it for a leftover.
        """
        try:
            if mtime is not None:
                os.utime(descriptor, (mtime, mtime))
            os.replace(aside, path)
        finally:
            try:
                os.close(descriptor)
            except OSError:
                descriptor = -1  # it is renamed, and flushed if that matters

    def flush_directory(path: str) -> None:
        """Flush the directory of a file to the disk, so that a new name stays."""
        descriptor = os.open(os.path.dirname(path) or ".", os.O_RDONLY | SAFE)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
