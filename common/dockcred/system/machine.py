"""The machine: its name and boot, its user's home, and where our folders are."""

from __future__ import annotations

import os
import stat

from dockcred import system

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.system.environment import Environment

UNKNOWN_BOOT = "-"


def parent_program() -> str:
    """Return the name of the program that has called us; "" if it is not known."""
    try:
        with open(f"/proc/{os.getppid()}/comm", "rb") as file:
            return file.read().decode("ascii", "replace").strip()
    except OSError:
        return ""


def machine() -> str:
    """Return boot and host name: a cache that was copied to elsewhere is not used.

    GKE and kube2iam answer by pod, and pods share a kernel but not a host name.
    """
    return f"{system.boot() or UNKNOWN_BOOT} {system.host_name()}"


def is_root() -> bool:
    """Return whether this user is root, who may write to /run."""
    return system.user() == 0


RUN_DIRECTORY = "/run/dockcred"
_TAG = (
    b"Signature: 8a477f597d28d172789f06886806bc55\n"
    b"# Registry credentials, safe to delete: https://bford.info/cachedir/\n"
)


def locate(environment: Environment, parent_variable: str = "") -> str:
    """Return the path of the cache's directory; "" if none is wanted or possible.

    `parent_variable` is one of the helper that we replace, such as AWS_ECR_CACHE_DIR:
    our cache is `dockcred/` in that directory; the helper's own file is not touched.
    """
    if environment.get("DOCKCRED_CACHE").lower() in {"off", "0", "false", "no"}:
        return ""
    if named := environment.get("DOCKCRED_CACHE_DIR"):
        return named
    if parent_variable and (parent := environment.get(parent_variable)):
        return f"{_expand(environment, parent)}/dockcred"
    home = environment.home()
    if home and not os.path.isdir(home):
        home = ""
    base = environment.folder("cache") if home else environment.get("XDG_CACHE_HOME")
    named = environment.first("XDG_CACHE_HOME", "HOME")
    ours = base and all(_owner(path) == 0 for path in (base, home) if path)
    if is_root() and not (named and ours):
        # `sudo -E`, or an agent without a home: no files of root's among a user's.
        return RUN_DIRECTORY
    return f"{base}/{system.CACHE}" if base else ""


def _expand(environment: Environment, path: str) -> str:
    """Expand ~/ as ecr-login does (mitchellh/go-homedir)."""
    return environment.home() + path[1:] if path.startswith("~/") else path


def _owner(path: str) -> int:
    """Return the owner of a path, or of its lowest existing directory, or -1."""
    while True:
        try:
            return system.stat(path).st_uid
        except OSError:
            parent = os.path.dirname(path)
            if parent == path:
                return -1
            path = parent


def is_trusted(path: str) -> bool:
    """Return whether a directory is ours and only we can write it; make it 0700."""
    try:
        status = system.lstat(path)
    except OSError:
        return False
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != system.user():
        _warn(f"no cache: {path} is not a directory of ours")
        return False
    if status.st_mode & 0o022:
        _warn(f"no cache: others can write {path}; run chmod 700 {path}")
        return False
    if status.st_mode & 0o077:
        try:
            system.close_to_others(path)
        except OSError:
            return False
    return True


def read_private(path: str, most_bytes: int) -> str:
    """Return the text of a private file of ours; "" for any other, or a longer one."""
    try:
        descriptor = os.open(path, os.O_RDONLY | system.READ)
    except OSError:
        return ""
    try:
        status = system.fstat(descriptor)
        if not _is_private(status) or status.st_size > most_bytes:
            return ""
        return os.read(descriptor, most_bytes).decode("utf-8", "surrogateescape")
    except OSError:
        return ""
    finally:
        os.close(descriptor)


def _is_private(status: os.stat_result) -> bool:
    """Return whether a file is ours alone: a plain file, one name, 0600 or less."""
    return (
        stat.S_ISREG(status.st_mode)
        and status.st_uid == system.user()
        and status.st_nlink == 1
        and not status.st_mode & 0o077
    )


def create(path: str) -> bool:
    """Make a directory if it is missing; return whether it can be used.

    Nothing is created below a directory of another user.
    """
    if os.path.lexists(path):
        return is_trusted(path)
    if _owner(path) != system.user():
        _warn(f"no cache: {path} would be below a directory that is not ours")
        return False
    try:
        os.makedirs(path, mode=0o700)
        with open(f"{path}/CACHEDIR.TAG", "xb") as tag:
            tag.write(_TAG)
    except FileExistsError:
        pass
    except OSError as error:
        _warn(f"no cache: {path}: {error.strerror}")
        return False
    return is_trusted(path)


def _warn(text: str) -> None:
    from dockcred.system import log  # noqa: PLC0415 - not for a hit

    log.warning(text)
