"""The traps of the machine under a client: home, sudo, snap, the PATH of services."""

from __future__ import annotations

import os
import shutil
import stat

from dockcred.clients.docker import read as docker_read
from dockcred.clients.findings import command, note, warning
from dockcred.commands.doctor.case import DEFAULT_PATH
from dockcred.commands.doctor.entries import home_behind_sudo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockcred.clients.docker.read import DockerFile
    from dockcred.clients.findings import Finding
    from dockcred.system.environment import Environment

STEP = "machine"
_SNAP = "/snap/"


def check(environment: Environment, file: DockerFile) -> Iterator[Finding]:
    """Check home, sudo, snap and Docker Desktop."""
    home = environment.home()
    if not environment.get("HOME"):
        known = (
            f"the password database says {home}" if home else "nor has this user one"
        )
        yield warning(
            STEP,
            f"HOME is not set, as in many agents; {known}",
            fix=f"export {command('HOME=' + home)}" if home else "",
            remedy="" if home else "set HOME or DOCKER_CONFIG for the agent",
        )
    yield from _sudo(environment)
    yield from _snap(environment)
    if file.store.startswith("desktop"):
        yield note(STEP, "Docker Desktop's store answers for what has no helper")


def _sudo(environment: Environment) -> Iterator[Finding]:
    theirs = home_behind_sudo(environment)
    if not theirs or theirs == environment.home() or os.geteuid() != 0:
        return
    yield note(
        STEP,
        f"under sudo docker reads {docker_read.directory(environment)},"
        f" not {theirs}/.docker",
    )


def _snap(environment: Environment) -> Iterator[Finding]:
    found = shutil.which("docker", path=environment.get("PATH"))
    if not found or _SNAP not in f"{found} {os.path.realpath(found)}":
        return
    yield warning(
        STEP,
        f"{found} is snap's docker: it sees neither this PATH nor {environment.home()}"
        "/.docker",
        remedy="install docker from your distribution or from docker.com",
    )


def service_path(file: str) -> Iterator[Finding]:
    """Return a finding for a helper that services and desktops do not find."""
    directory = os.path.dirname(file)
    if directory in DEFAULT_PATH.split(":"):
        return
    yield note(
        STEP,
        f"{directory} is not on the PATH of services (Nomad, kubelet, cron) or of a"
        " desktop",
        "for them run: sudo dockcred install --dir /usr/local/bin",
    )


PATH_STEP = "PATH"


def check_path(file: str, path: str) -> Iterator[Finding]:
    """Warn of directories in which others could put a program of the same name."""
    for directory in path.split(":"):
        if not os.path.isabs(directory):
            yield warning(
                PATH_STEP,
                "PATH holds the current directory (an empty or relative entry)",
                remedy="take it out: whoever owns a directory chooses your helper",
            )
        elif _is_open(directory):
            yield warning(
                PATH_STEP,
                f"everybody can write {directory}, which is on PATH"
                f" up to {os.path.dirname(file)}",
                fix=command("chmod", "o-w", directory),
            )
        if directory == os.path.dirname(file):
            return


def _is_open(directory: str) -> bool:
    try:
        return bool(os.stat(directory).st_mode & stat.S_IWOTH)
    except OSError:
        return False
