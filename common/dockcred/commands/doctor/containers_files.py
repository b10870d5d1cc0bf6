"""The files of podman, skopeo and buildah, and what they find there."""

from __future__ import annotations

import os

from dockcred.clients import files
from dockcred.clients.containers import read as containers_read
from dockcred.clients.files import Found
from dockcred.clients.findings import command, error, fine, note, shown, warning
from dockcred.commands.doctor import client_files, entries, remedies

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping
    from typing import Any

    from dockcred.clients.files import ClientFile
    from dockcred.clients.findings import Finding
    from dockcred.commands.doctor.case import Case
    from dockcred.system.environment import Environment

FILE = client_files.FILE
KEY = client_files.KEY
PROGRAMS = ("podman", "skopeo", "buildah")


def programs(path: str) -> list[str]:
    """Return which of the programs are on a PATH."""
    return [name for name in PROGRAMS if files.chosen(name, path)]


def check_files(
    environment: Environment,
) -> Generator[Finding, None, list[ClientFile]]:
    """Yield findings on the auth files; return those that are read, in search order."""
    named = environment.get("REGISTRY_AUTH_FILE")
    found: list[ClientFile] = []
    for file in containers_read.auth_files(environment):
        path = file.path
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
        elif file.state == files.FORBIDDEN:
            yield client_files.forbidden(path, environment)
        elif file.state != files.ABSENT:
            yield _broken(file)
    yield from _registries(environment)
    return found


def check_hidden(
    environment: Environment, read: list[ClientFile], case: Case | None
) -> Iterator[Finding]:
    """Warn of logins that none of the three programs sends; a helper is asked instead.

    The programs are podman, skopeo and buildah.
    """
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
        yield from entries.check_hidden(file, environment, case, program)


def _broken(file: ClientFile) -> Finding:
    """Return the finding on a broken file: podman stops there for every registry."""
    path = file.path
    stops = "podman, skopeo and buildah stop with an error"
    if file.state == files.NOT_JSON and file.detail == "empty":
        fix = f"echo '{{}}' >{command(path)}"
        return error(FILE, f"{path} is empty: {stops}", fix=fix)
    fix = (
        "" if file.state not in _TEXTS else command("python3", "-m", "json.tool", path)
    )
    return error(FILE, f"{path} is {file.state_in_words}: {stops}", fix=fix)


_ALL = ("--all", "--helper")
_TEXTS = {files.NOT_JSON, files.WRONG}


def _registries(environment: Environment) -> Iterator[Finding]:
    """Yield findings on registries.conf: podman stops, or its versions differ.

    podman 5 and podman 6 read different files.
    """
    problems: dict[tuple[str, str], list[int]] = {}
    for version in containers_read.VERSIONS:
        for path in containers_read.registries_files(environment, version):
            content, why = containers_read.parse_registries(path)
            if why and not os.path.lexists(path) and path not in _named(environment):
                continue
            if version == containers_read.PODMAN_6 and _is_of_version_1(content):
                why = "has registries in the form of version 1"
            if why:
                problems.setdefault((path, why), []).append(version)
    for (path, why), versions in problems.items():
        names = " and ".join(f"podman {version}" for version in versions)
        yield error(FILE, f"{path} {why}: {names} stop{'s' * (len(versions) == 1)}")
    each = [containers_read.helpers(environment, v) for v in containers_read.VERSIONS]
    if each[0] != each[1]:
        old, new = (" then ".join(names) for names in each)
        others = [n for names in each for n in names if n != containers_read.AUTH_FILES]
        yield warning(
            KEY,
            f"podman 5 asks {old}, and podman 6 {new}: they read other registries.conf",
            fix=command("dockcred", "configure", "podman", *_ALL, others[0]),
        )


def _named(environment: Environment) -> tuple[str, str]:
    name = "CONTAINERS_REGISTRIES_CONF"
    return environment.get(name), environment.get(f"{name}_OVERRIDE")


def _is_of_version_1(content: Mapping[str, Any]) -> bool:
    tables = content.get("registries")
    return isinstance(tables, dict) and any(
        isinstance(table, dict) and table.get("registries") for table in tables.values()
    )


def check_keys(
    case: Case, read: list[ClientFile]
) -> Generator[Finding, None, list[Found]]:
    """Return what the three programs use for the registry, in the order of asking."""
    reference = case.reference
    asked = []
    for helper in containers_read.all_helpers(case.environment):
        if helper != containers_read.AUTH_FILES:
            yield fine(KEY, f"credential-helpers of registries.conf names {helper}")
            asked.append(Found("registries.conf", "credential-helpers", helper=helper))
            continue
        hits = [
            hit for file in read if (hit := containers_read.look_up(file, reference))
        ]
        yield from _shadowed(hits)
        for hit in hits:
            yield from _taken(hit, case)
            asked.append(hit)
            if not hit.helper:
                break  # only a helper without a credential leads to the next file
        for file in read:
            yield from _by_chance(file, case)
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
    elif _is_dockers_alone(found, case):
        yield warning(
            KEY,
            f"{found.key} is in {found.path}, which podman and buildah do not read"
            " before DOCKER_CONFIG, and newer versions not at all",
            fix="unset DOCKER_CONFIG",
        )
    if found.helper:
        yield fine(KEY, f"{files.where(found)} = {found.helper} in {found.path}")
    elif found.entry is None:
        yield error(
            KEY,
            f'{found.key} is "" in {found.path}: podman runs a helper of no name, and'
            " fails",
            remedy="take the key out; docker reads it as: use the file's own entry",
        )
    else:
        yield from entries.check(found, case, login_program(case.path))


def _is_dockers_alone(found: Found, case: Case) -> bool:
    """Return whether podman reads the file of DOCKER_CONFIG instead (measured)."""
    directory = case.environment.get("DOCKER_CONFIG")
    return bool(directory) and found.path != f"{directory}/config.json"


def _by_chance(file: ClientFile, case: Case) -> Iterator[Finding]:
    alike = containers_read.rivals(file, case.reference)
    if len(alike) > 1:
        keys = " and ".join(map(shown, alike))
        yield warning(
            KEY,
            f"{keys} in {file.path} stand for one registry: podman takes either",
            remedy="keep one",
        )


def login_program(path: str) -> str:
    """Return which of the three programs to log in and out with: the first on PATH."""
    return (programs(path) or [PROGRAMS[0]])[0]


def logout(found: Found, case: Case) -> str:
    """Return the command that takes an entry out of its file."""
    return command(
        login_program(case.path),
        *("logout", "--authfile", found.path),
        found.key.partition('"')[2].rstrip('"]'),
    )


def _shadowed(hits: list[Found]) -> Iterator[Finding]:
    for other in hits[1:]:
        first = hits[0]
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
            if case.needs_credential:
                return error(KEY, text, fix=fix)
            return warning(KEY, text, fix=fix) if fix else note(KEY, text)
    text = f"{names} ask {name} anonymously: no file has a key for it"
    told, keeps = ("", "") if case.needs_credential else remedies.kept(case, "podman")
    if told:
        return error(KEY, f"{text}, {told}", fix=keeps)
    return error(KEY, text, fix=fix) if case.needs_credential else note(KEY, text)


def _how(file: ClientFile) -> str:
    if file.detail == "empty":
        return "empty"
    return {
        files.ABSENT: "not there",
        files.NOT_JSON: "not JSON",
        files.NOT_A_FILE: "a directory",
    }.get(file.state, "not readable")
