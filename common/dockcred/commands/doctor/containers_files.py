"""The files of podman, skopeo and buildah, and what they find there."""

from __future__ import annotations

import os

from dockcred.clients import files
from dockcred.clients.containers import read as containers_read
from dockcred.clients.files import ClientFile, Found
from dockcred.clients.findings import command, error, fine, note, warning
from dockcred.commands.doctor import client_files, entries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from dockcred.clients.findings import Finding
    from dockcred.commands.doctor.case import Case
    from dockcred.system.environment import Environment

FILE = client_files.FILE
KEY = client_files.KEY
PROGRAMS = ("podman", "skopeo", "buildah")


def programs(path: str) -> list[str]:
    """Return which of the programs are on a PATH."""
    directories = path.split(":")
    return [
        name
        for name in PROGRAMS
        if any(os.access(os.path.join(d, name), os.X_OK) for d in directories)
    ]


def check_files(
    environment: Environment,
) -> Generator[Finding, None, list[ClientFile]]:
    """Read the files that are there, in the order of search."""
    named = environment.get("REGISTRY_AUTH_FILE")
    found = []
    for path in containers_read.auth_paths(environment):
        file = ClientFile(path)
        if file.state == files.READ:
            yield fine(FILE, path)
            found.append(file)
        elif path == named:
            yield error(
                FILE,
                f"REGISTRY_AUTH_FILE names {named}, which is {_how(file)}: podman"
                " refuses to go on",
                fix="unset REGISTRY_AUTH_FILE",
            )
        elif file.state == files.NOT_JSON:
            yield error(
                FILE,
                f"{path} is not JSON ({file.detail or 'nor text'})",
                fix=command("python3", "-m", "json.tool", path),
            )
        elif file.state == files.FORBIDDEN:
            yield client_files.forbidden(path, environment)
    return found


def check_hidden(
    environment: Environment, read: list[ClientFile], case: Case | None
) -> Iterator[Finding]:
    """Warn of logins that none of the three sends: a helper is asked in their place."""
    program = login_program(environment.get("PATH", os.defpath))
    named = containers_read.helpers(environment)
    if containers_read.AUTH_FILES not in named:
        for file in read:
            if any(file.table("auths").values()):
                yield warning(
                    KEY,
                    f"{file.path} is not read: credential-helpers of registries.conf"
                    f" names {', '.join(named)} alone",
                    f'add "{containers_read.AUTH_FILES}" to it, or run:'
                    f" {command('dockcred', 'import', file.path)}",
                )
        return
    for file in read:
        yield from client_files.check_hidden(file, case, program)


def check_keys(
    case: Case, read: list[ClientFile]
) -> Generator[Finding, None, list[Found]]:
    """Return what the three use for the registry, in the order in which they ask."""
    reference = case.reference
    asked = []
    for helper in containers_read.helpers(case.environment):
        if helper != containers_read.AUTH_FILES:
            yield fine(KEY, f"credential-helpers of registries.conf names {helper}")
            asked.append(Found("registries.conf", "credential-helpers", helper=helper))
            continue
        hits = [
            hit for file in read if (hit := containers_read.look_up(file, reference))
        ]
        if hits:
            yield from _shadowed(hits)
            yield from _taken(hits[0], case)
            asked.append(hits[0])
    if not asked:
        yield _anonymous(case, read)
    return asked


def _taken(found: Found, case: Case) -> Iterator[Finding]:
    named = case.environment.get("REGISTRY_AUTH_FILE")
    if named and found.path != named:
        yield warning(
            KEY,
            f"{found.key} is in {found.path}, which newer versions do not read beside"
            f" REGISTRY_AUTH_FILE={named}",
            fix="unset REGISTRY_AUTH_FILE",
        )
    if found.helper:
        yield fine(KEY, f"{found.key} = {found.helper} in {found.path}")
    else:
        yield from entries.check(found, case, login_program(case.path))


def login_program(path: str) -> str:
    """Return the name of the program of the three with which to log in and out."""
    return (programs(path) or [PROGRAMS[0]])[0]


def logout(found: Found, case: Case) -> str:
    """Write the command that takes an entry out of its file."""
    return command(
        login_program(case.path),
        *("logout", "--authfile", found.path),
        found.key.partition('"')[2].rstrip('"]'),
    )


def _shadowed(hits: list[Found]) -> Iterator[Finding]:
    first, *others = hits
    for other in others:
        if first.entry and other.helper:
            yield note(
                KEY,
                f"{first.key} in {first.path} is taken before {other.key} in"
                f" {other.path}",
            )
            return


def _anonymous(case: Case, read: list[ClientFile]) -> Finding:
    name = case.reference.name
    names = "/".join(programs(case.path)) or "podman"
    fix = client_files.configure(case, "podman")
    for file in read:
        if store := file.text("credsStore"):
            text = (
                f"{names} ignore credsStore ({store}) of {file.path} and ask {name}"
                " anonymously"
            )
            return warning(KEY, text, fix=fix) if fix else note(KEY, text)
    text = f"{names} ask {name} anonymously: no file has a key for it"
    return warning(KEY, text, fix=fix) if case.needs_credential else note(KEY, text)


def _how(file: ClientFile) -> str:
    return {
        files.ABSENT: "not there",
        files.NOT_JSON: "not JSON",
        files.NOT_A_FILE: "a directory",
    }.get(file.state, "not readable")
