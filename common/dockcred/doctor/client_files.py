"""docker's config.json, as docker, docker-py, oras and crane read it."""

from __future__ import annotations

import os

from dockcred.doctor import docker_key
from dockcred.doctor.finding import command, error, fine, note, warning
from dockcred.lookup import docker, files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from dockcred.doctor.case import Case
    from dockcred.doctor.finding import Finding
    from dockcred.environment import Environment
    from dockcred.lookup.files import ClientFile

FILE = "file"


def check_file(
    environment: Environment, case: Case | None
) -> Generator[Finding, None, ClientFile]:
    """Find and read docker's config.json."""
    file = docker.config_file(environment)
    if environment.get("DOCKER_AUTH_CONFIG"):
        yield note(FILE, "DOCKER_AUTH_CONFIG is set: docker 28.3 asks it before files")
    if file.state == files.READ:
        yield fine(FILE, file.path)
    elif file.state != files.ABSENT:
        yield _unreadable(file, environment, case)
    return file


def _unreadable(
    file: ClientFile, environment: Environment, case: Case | None
) -> Finding:
    path = file.path
    if file.state == files.NOT_BELOW_A_DIRECTORY:
        return _config_is_a_file(environment.get("DOCKER_CONFIG"), path)
    if file.state == files.NOT_A_FILE:
        return error(
            FILE,
            f"{path} is a directory; a bind mount makes one where no file was",
            fix=command("rmdir", path),
        )
    if file.state == files.FORBIDDEN:
        return error(
            FILE, f"{path} cannot be read by this user", fix=_take(path, environment)
        )
    aside = command("mv", path, f"{path}.aside")
    again = docker_key.configure(case, "docker") if case else ""
    return error(
        FILE,
        f"{path} is not JSON ({file.detail or 'nor text'}): docker goes on without it",
        remedy=f"or mend the place: {command('python3', '-m', 'json.tool', path)}",
        fix=f"{aside} && {again}" if again else aside,
    )


def _config_is_a_file(named: str, path: str) -> Finding:
    text = f"DOCKER_CONFIG={named} is a file; it must be a directory with config.json"
    if not named:
        return error(FILE, f"{os.path.dirname(path)} is a file, not a directory")
    if os.path.basename(named) == "config.json":
        return error(
            FILE,
            text,
            fix=f"export {command('DOCKER_CONFIG=' + os.path.dirname(named))}",
        )
    directory = f"{named}.d"
    return error(
        FILE,
        text,
        fix=f"{command('mkdir', '-m', '700', directory)} && "
        f"{command('cp', named, directory + '/config.json')} && "
        f"export {command('DOCKER_CONFIG=' + directory)}",
    )


def _take(path: str, environment: Environment) -> str:
    if files.is_mine(path):
        return command("chmod", "u+r", path)
    user = environment.first("USER", "LOGNAME") or str(os.geteuid())
    return command("sudo", "chown", user, path)


def check_exposure(file: ClientFile) -> Iterator[Finding]:
    """Warn of passwords in a file that others can read."""
    if file.state != files.READ:
        return
    if any(file.table("auths").values()):
        yield from check_mode(file.path)


def check_mode(path: str) -> Iterator[Finding]:
    """Warn where others can read a file of passwords."""
    if os.stat(path).st_mode & 0o077:
        yield warning(
            FILE,
            f"{path} holds credentials and can be read by others",
            fix=command("chmod", "600", path),
        )
