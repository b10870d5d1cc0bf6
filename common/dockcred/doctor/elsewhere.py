"""The key in a file that this client does not read: another home's, a variable's."""

from __future__ import annotations

import pwd
from dataclasses import dataclass

from dockcred.doctor.finding import command
from dockcred.lookup import docker
from dockcred.lookup.files import ClientFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockcred.environment import Environment


@dataclass(frozen=True, slots=True)
class Other:
    """A file that has the key, and the command that makes the client read it."""

    path: str
    fix: str


def docker_file_with(key: str, environment: Environment, read: str) -> Other | None:
    """Find docker's key in the file of the home, or of the user behind sudo."""
    for other in _places(environment):
        if other.path == read:
            continue
        found = docker.look_up(ClientFile(other.path), key)
        if found and (found.helper or found.entry):
            return other
    return None


def _places(environment: Environment) -> Iterator[Other]:
    home = environment.home()
    if environment.get("DOCKER_CONFIG") and home:
        yield Other(f"{home}/.docker/config.json", "unset DOCKER_CONFIG")
    if sudo_home := home_behind_sudo(environment):
        directory = f"{sudo_home}/.docker"
        yield Other(
            f"{directory}/config.json",
            f"export {command('DOCKER_CONFIG=' + directory)}",
        )


def home_behind_sudo(environment: Environment) -> str:
    """Answer the home of the user who called sudo; nothing without sudo."""
    try:
        return pwd.getpwnam(environment.get("SUDO_USER")).pw_dir
    except KeyError:
        return ""
