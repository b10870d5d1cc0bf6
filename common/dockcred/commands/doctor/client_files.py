"""What docker finds in its file, and under which key."""

from __future__ import annotations

import os

from dockcred.clients import files, findings
from dockcred.clients.docker import read as docker_read
from dockcred.clients.docker.read import VARIABLE
from dockcred.clients.files import PREFIX, chosen
from dockcred.clients.findings import (
    command,
    error,
    fine,
    note,
    place,
    shown,
    warning,
)
from dockcred.clients.reference import HUB_KEY, HUB_NAMES, host_of
from dockcred.commands.doctor import entries, remedies
from dockcred.system import file_lock, people

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from dockcred.clients.docker.read import DockerFile
    from dockcred.clients.files import ClientFile, Found
    from dockcred.clients.findings import Finding
    from dockcred.commands.doctor.case import Case
    from dockcred.system.environment import Environment

KEY, FILE = findings.KEY, entries.FILE
# The registries to which only buildx sends Docker Hub's login if it finds no other.
_HUB_BACKED = {"dhi.io", "registry.scout.docker.com"}


def check(case: Case, file: DockerFile) -> Generator[Finding, None, Found | None]:
    """Yield findings on what docker uses for the registry; return that, or None."""
    reference = case.reference
    key = reference.docker_key
    found = docker_read.look_up(file, key)
    if found and found.path == VARIABLE:
        yield from entries.check(found, case, "docker")
        return found
    if file.table("credHelpers").get(key) == "":
        yield warning(
            KEY,
            f'credHelpers["{key}"] is empty: docker reads auths for it, and podman,'
            f" skopeo and buildah fail at {file.path}",
            "take it out, and log in again",
        )
    if found and found.helper and docker_read.is_default(file, found):
        found = yield from _default(case, found)
    if found and found.helper:
        yield fine(KEY, f"{files.where(found)} = {found.helper}")
        return found
    if found and (why := docker_read.undecoded(file, key)):
        yield error(
            KEY,
            f"{why} in {file.path}",
            fix="" if file.wrong else entries.renew(found, case, "docker", "USER"),
        )
        return found
    names = docker_read.names_of(file, key)
    if found and names[1:]:
        yield error(
            KEY,
            f"{', '.join(map(shown, names))} in {file.path} are all {key} to docker: it"
            " takes any of them, another each time",
            f"have one entry, under {key}",
        )
        return found
    if found and not entries.is_stub(found):
        yield from entries.check(found, case, "docker")
        return found
    if file.state not in {files.READ, files.ABSENT}:
        return None
    yield _anonymous(case, file, found)
    return None


def _default(case: Case, found: Found) -> Generator[Finding, None, Found | None]:
    """Return the store that docker asks by default, if it has the credential."""
    program = f"{PREFIX}{found.helper}"
    yield note(KEY, f"no file names a helper: docker asks {program} by default")
    answer = case.ask(chosen(program, case.path), case.reference.docker_key)
    return found if answer.credential else None


def _anonymous(case: Case, file: DockerFile, found: Found | None) -> Finding:
    key, name = case.reference.docker_key, case.reference.name
    where = file.path if file.state == files.READ else f"{file.path} (not there)"
    if misses := near_misses(file, key):
        return error(
            KEY,
            f'credHelpers names "{misses[0]}", but docker asks for "{key}"'
            f" and finds nothing in {file.path}",
            fix=_configure_with(case, str(file.table("credHelpers")[misses[0]])),
        )
    if found:
        return error(
            KEY,
            f"{found.key} in {file.path} is a stub without a credential: docker asks"
            f" {name} anonymously",
            **_login(case, "docker"),
        )
    text = f"docker asks {name} anonymously: {where} has nothing for {key}"
    if key in _HUB_BACKED and docker_read.look_up(file, HUB_KEY):
        text += "; buildx alone falls back to Docker Hub's login"
    told, fix = ("", "") if case.needs_credential else remedies.kept(case, "docker")
    if told:
        return error(KEY, f"{text}, {told}", fix=fix)
    if other := entries.docker_file_with(key, case.environment, file.path):
        return error(KEY, f"{text}, but {other.path} has", fix=other.fix)
    if case.needs_credential:
        return error(KEY, text, fix=configure(case, "docker"))
    return note(KEY, text)


def near_misses(file: ClientFile, key: str) -> list[str]:
    """Return keys of credHelpers that were meant for `key`, but never match it.

    docker asks only for exactly `key`.
    """
    wanted = host_of(key)
    return [
        name
        for name in file.table("credHelpers")
        if name != key
        and (
            host_of(name) == wanted
            or (wanted in HUB_NAMES and host_of(name) in HUB_NAMES)
            or _is_glob_for(name, wanted)
            or remedies.is_slip_for(host_of(name), wanted)
        )
    ]


def _is_glob_for(name: str, host: str) -> bool:
    import fnmatch  # noqa: PLC0415 - only where a key misses

    return "*" in name and fnmatch.fnmatchcase(host, host_of(name))


def configure(case: Case, client: str) -> str:
    """Return the command that names our helper to a client.

    It is empty if no provider of ours serves the host, or if the host is misspelt.
    """
    if case.provider is None or any(case.slip):
        return ""
    suffix = case.provider.program.removeprefix(PREFIX)
    return _configure_with(case, suffix, client)


def _configure_with(case: Case, suffix: str, client: str = "docker") -> str:
    registry = case.reference.server.raw
    of = remedies.written_by(client)
    words = ("dockcred", "configure", of, "--registry", registry)
    return command(*words, "--helper", suffix)


def _login(case: Case, client: str) -> dict[str, str]:
    if fix := configure(case, client):
        return {"fix": fix}
    return {"fix": command(client, "login", case.reference.authority)}


def check_others(named: set[str], found: Found | None, case: Case) -> Iterator[Finding]:
    """Warn of missing helpers for other registries: docker-py's builds ask them all."""
    for suffix in sorted(named - {found.helper if found else ""}):
        program = PREFIX + suffix
        if not chosen(program, case.path):
            yield warning(
                KEY,
                f"credHelpers names {program} for another registry, and it cannot run:"
                " docker-py's builds, which ask every helper, fail",
                remedy=f"install {program}, or take it out of credHelpers",
            )


def check_file(
    environment: Environment, case: Case | None
) -> Generator[Finding, None, DockerFile]:
    """Read docker's config.json."""
    file = docker_read.config_file(environment)
    if text := environment.get(VARIABLE):
        yield _variable(docker_read.passed_over(text))
    if file.state == files.READ:
        yield fine(FILE, file.path)
        yield from _whole(file)
    elif file.state != files.ABSENT:
        yield _unreadable(file, environment, case)
    return file


def _variable(problem: str) -> Finding:
    if problem:
        text = f"{VARIABLE} is passed over as a whole by docker: {problem}"
        return warning(FILE, text, fix=f"unset {VARIABLE}")
    return note(FILE, f"{VARIABLE} is set: docker 28.3 asks it before files")


def _whole(file: DockerFile) -> Iterator[Finding]:
    """Yield findings on mistakes in the file that affect all its entries."""
    for where, wanted in file.wrong:
        yield warning(
            FILE,
            f"{place(where) or file.path} is no {wanted}: docker warns at each call,"
            " and decodes no auth of the whole file",
            "write it in quotes" if wanted == "text" else "fix it, or take it out",
        )
    if file.wrong:
        return
    for key in file.refused:
        yield warning(
            FILE,
            f'auths["{shown(key)}"] is not the base64 of user:password: docker warns,'
            " stops there, and loses other logins by chance",
            "take the entry out of the file, and log in again",
        )


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
            fix=_then(command("rmdir", path), case),
        )
    if file.state == files.FORBIDDEN:
        return forbidden(path, environment)
    if file.state in files.BEYOND_US:
        text = f"{path} is {file.state}: docker may read it, and dockcred does not"
        return error(FILE, text, "take out what docker does not need")
    aside = command("mv", path, f"{path}.aside")
    return error(
        FILE,
        f"{path} is not JSON ({file.detail or 'nor text'}): docker goes on without it",
        remedy=f"or fix the place: {command('python3', '-m', 'json.tool', path)}",
        fix=_then(aside, case),
    )


def _then(fix: str, case: Case | None) -> str:
    """Return a command, followed by the one that has docker ask our helper, if any."""
    again = configure(case, "docker") if case else ""
    return f"{fix} && {again}" if again else fix


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


def forbidden(path: str, environment: Environment) -> Finding:
    """Return a finding on what this user cannot read: a file, or a directory above."""
    place = file_lock.obstacle(path) or path
    fix, remedy = file_lock.opening(place, environment)
    text = f"{path} cannot be read by this user"
    if place != path:
        text += f": {place} lets only {people.owner_name(place)} in"
    return error(FILE, text, remedy, fix)
