"""What breaks the next request, or another user's: the machine and its variables."""

from __future__ import annotations

import os
import shutil

from dockcred.doctor.case import DEFAULT_PATH
from dockcred.doctor.elsewhere import home_behind_sudo
from dockcred.doctor.finding import command, note, warning
from dockcred.lookup import docker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockcred.doctor.finding import Finding
    from dockcred.environment import Environment
    from dockcred.lookup.files import ClientFile

STEP = "machine"
_SNAP = "/snap/"


def check(environment: Environment, file: ClientFile) -> Iterator[Finding]:
    """Look at home, sudo, snap and Docker Desktop."""
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
    if file.text("credsStore").startswith("desktop"):
        yield note(STEP, "Docker Desktop's store answers for what has no helper")


def _sudo(environment: Environment) -> Iterator[Finding]:
    theirs = home_behind_sudo(environment)
    if not theirs or theirs == environment.home() or os.geteuid() != 0:
        return
    yield note(
        STEP,
        f"under sudo docker reads {docker.directory(environment)},"
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
    """Tell of a helper that services and desktops do not find."""
    directory = os.path.dirname(file)
    if directory in DEFAULT_PATH.split(":"):
        return
    yield note(
        STEP,
        f"{directory} is not on the PATH of services (Nomad, kubelet, cron) or of a"
        " desktop",
        "for them run: sudo dockcred install --dir /usr/local/bin",
    )
