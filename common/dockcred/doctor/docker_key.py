"""The key in docker's file: found, missed by a hair, a stub, or in another file."""

from __future__ import annotations

from dockcred.doctor import elsewhere, entries
from dockcred.doctor.finding import command, error, fine, note, warning
from dockcred.lookup import docker, files
from dockcred.lookup.helper import PREFIX, chosen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from dockcred.doctor.case import Case
    from dockcred.doctor.finding import Finding
    from dockcred.lookup.files import ClientFile, Found

KEY = "key"


def check(case: Case, file: ClientFile) -> Generator[Finding, None, Found | None]:
    """Find what docker takes for the registry."""
    reference = case.reference
    key = reference.docker_key
    found = docker.look_up(file, key)
    if found and found.helper:
        yield fine(KEY, f"{found.key} = {found.helper}")
        return found
    if found and not entries.is_stub(found):
        yield from entries.check(found, case, "docker")
        return found
    if file.state not in {files.READ, files.ABSENT}:
        return None
    yield _anonymous(case, file, found)
    return None


def _anonymous(case: Case, file: ClientFile, found: Found | None) -> Finding:
    key, name = case.reference.docker_key, case.reference.name
    where = file.path if file.state == files.READ else f"{file.path} (not there)"
    if misses := docker.near_misses(file, key):
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
    if other := elsewhere.docker_file_with(key, case.environment, file.path):
        return error(KEY, f"{text}, but {other.path} has", fix=other.fix)
    if case.needs_credential:
        return error(KEY, text, fix=configure(case, "docker"))
    return note(KEY, text)


def configure(case: Case, client: str) -> str:
    """Write the command that names our helper to a client; nothing for a stranger's."""
    if case.provider is None:
        return ""
    suffix = case.provider.program.removeprefix(PREFIX)
    return _configure_with(case, suffix, client)


def _configure_with(case: Case, suffix: str, client: str = "docker") -> str:
    registry = case.reference.server.raw
    words = ("dockcred", "configure", client, "--registry", registry)
    return command(*words, "--helper", suffix)


def _login(case: Case, client: str) -> dict[str, str]:
    if fix := configure(case, client):
        return {"fix": fix}
    return {"fix": command(client, "login", case.reference.authority)}


def check_others(named: set[str], found: Found | None, case: Case) -> Iterator[Finding]:
    """Warn of helpers for other registries that are gone: a build asks them all."""
    for suffix in sorted(named - {found.helper if found else ""}):
        program = PREFIX + suffix
        if not chosen(program, case.path):
            yield warning(
                KEY,
                f"credHelpers names {program} for another registry, and it cannot run:"
                " docker-py's builds, which ask every helper, fail",
                remedy=f"install {program}, or take it out of credHelpers",
            )
