"""Check a file's entry for a registry, its logins that are not sent, and its mode."""

from __future__ import annotations

from dataclasses import dataclass

from dockcred import system, wiring
from dockcred.clients import entries, files
from dockcred.clients.docker import read as docker_read
from dockcred.clients.files import PREFIX
from dockcred.clients.findings import (
    KEY,
    command,
    error,
    fine,
    note,
    shown,
    warning,
    word,
)
from dockcred.clients.reference import HUB_KEY, HUB_NAMES, Reference, host_of
from dockcred.errors import DockcredError
from dockcred.system import people

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockcred.clients.files import ClientFile, Found
    from dockcred.clients.findings import Finding
    from dockcred.commands.doctor.case import Case
    from dockcred.credential import Credential
    from dockcred.system.environment import Environment


@dataclass(frozen=True, slots=True)
class Other:
    """A file that has the key, and the command that makes the client read it."""

    path: str
    fix: str


def docker_file_with(key: str, environment: Environment, read: str) -> Other | None:
    """Return another of docker's files that has the key, or None.

    That is the file in the home, or the file of the user who called sudo. `read` is
    the file that docker reads.
    """
    for other in _places(environment):
        if other.path == read:
            continue
        found = docker_read.look_up(docker_read.DockerFile(other.path), key)
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
    """Return the home of the user who called sudo; nothing without sudo."""
    return people.home_of(environment.get("SUDO_USER"))


STEP, FILE = "entry", "file"


def is_stub(found: Found) -> bool:
    """Return whether an entry is empty, as `docker login` leaves it beside a store."""
    if found.helper or (found.entry or {}).get("registrytoken"):
        return False
    return credential(found) is None and not _is_broken(found)


def is_chance(found: Found) -> bool:
    """Return whether a registry has several, differing logins: clients take any."""
    seen = set()
    for entry in (found.entry or {}, *found.others):
        held = entries.held(entry)
        seen.add((held.username, held.secret) if held else None)
    return len(seen) > 1


def credential(found: Found) -> Credential | None:
    """Return what an entry holds; None where it holds nothing that can be read."""
    return entries.held(found.entry or {})


def check(found: Found, case: Case, login: str) -> Iterator[Finding]:
    """Check an entry's credential; `login` is the program that writes a new one."""
    held = credential(found)
    where = f"{found.key} in {found.path}"
    if held is None and not _is_broken(found):
        yield note(STEP, f"{where} holds a registry token: docker alone sends it")
    elif held is None:
        yield error(
            STEP,
            f"{where} is not the base64 of user:password",
            fix=renew(found, case, login, "USER"),
        )
    elif held.secret != held.secret.strip() or held.username != held.username.strip():
        what = "a newline" if held.secret.endswith("\n") else "a blank"
        yield error(
            STEP,
            f"{where} ends in {what}, as `echo` adds it: no registry takes it",
            remedy="write it with printf %s, or let docker login write it",
            fix=renew(found, case, login, held.username.strip()),
        )
    elif held.username == entries.TOKEN:
        yield note(
            STEP, f"{where} holds an identity token: Nomad and Kubernetes cannot use it"
        )
    else:
        where = f"{files.where(found)} in {found.path}"
        yield fine(STEP, f"{where}: the user {held.username}, stored")


def check_place(found: Found, case: Case, client: str) -> Iterator[Finding]:
    """Check what a client such as crane has for a registry: a helper, or an entry."""
    where = f"{found.key} in {found.path}"
    if found.helper:
        where = f"{files.where(found)} in {found.path}"
        yield fine(KEY, f"{where}: {found.helper} for {found.asks}")
    elif is_chance(found):
        yield error(
            KEY,
            f"{where} is one of several keys of the registry: {client} takes any of"
            " them, another each time",
            "have one entry, under the host alone",
        )
    elif (found.entry or {}).get("registrytoken"):
        yield note(STEP, f"{where} has a bearer token, which is sent as it is")
    elif is_stub(found):
        yield note(STEP, f"{where} has no login")
    else:
        yield from check(found, case, client)


_LOGIN = {
    "docker": ("docker", "login"),
    "crane": ("crane", "auth", "login"),
    "oras": ("oras", "login"),
    "helm": ("helm", "registry", "login"),
    "nomad": ("docker", "login"),
}


def renew(found: Found, case: Case, login: str, user: str) -> str:
    """Return the command that puts a new credential into the same file."""
    if found.path == docker_read.VARIABLE:
        return f"unset {docker_read.VARIABLE}"
    words = list(_LOGIN.get(login, (login, "login", "--authfile", found.path)))
    words += ["--username", user]
    if case.provider is None:
        return command(*words, case.reference.authority)
    asked = command("dockcred", "get", case.reference.authority, "--password")
    return f"{asked} | " + command(*words, "--password-stdin", case.reference.authority)


def _is_broken(found: Found) -> bool:
    try:
        entries.decode(found.entry or {})
    except ValueError:
        return True
    return False


def check_exposure(file: ClientFile) -> Iterator[Finding]:
    """Warn of passwords in a file that others can read."""
    if file.state != files.READ:
        return
    if any(file.table("auths").values()):
        yield from check_mode(file.path)


def check_hidden(
    file: ClientFile, environment: Environment, case: Case | None, client: str
) -> Iterator[Finding]:
    """Yield findings on logins in a file that its client does not send.

    A helper is asked instead. If no registry is followed, it is an error if no identity
    of ours serves the login's registry: then only a keychain may have a credential.
    """
    for name, entry in file.table("auths").items():
        is_hub = host_of(name) in HUB_NAMES
        key = HUB_KEY if is_hub else host_of(name)
        if case and Reference(key).docker_key != case.reference.docker_key:
            continue
        if not isinstance(entry, dict) or entries.held(entry) is None:
            continue
        helper = file.table("credHelpers").get(key)
        if helper is None and client == "docker":
            helper = file.text("credsStore")
        if not helper:
            continue
        text = (
            f'auths["{shown(name)}"] in {file.path} has a login that {client} does not'
            f" send: {PREFIX}{word(helper)} is asked instead"
        )
        if helper in _KEEPING:
            source = "docker" if client == "docker" else file.path
            fix = command("dockcred", "import", source, "--remove")
            is_lost = case is None and not _is_served(key, environment)
            yield (error if is_lost else warning)(KEY, text, fix=fix)
        else:
            yield warning(KEY, text, f"log in again, or run: {client} logout {key}")


def _is_served(key: str, environment: Environment) -> bool:
    """Return whether an identity of ours answers for the registry of a key."""
    try:
        server = Reference(key).server
        return wiring.identities(environment).identity_for(server)[1] is not None
    except DockcredError:
        return False


_KEEPING = frozenset(("auto", "keyring"))


def check_mode(path: str) -> Iterator[Finding]:
    """Warn where others can read a file of passwords."""
    if system.stat(path).st_mode & 0o077:
        yield warning(
            FILE,
            f"{path} holds credentials and can be read by others",
            fix=command("chmod", "600", path),
        )
