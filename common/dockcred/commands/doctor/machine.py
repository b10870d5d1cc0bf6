"""What a request depends on: home, sudo, snap, the PATH of services, the cache."""

from __future__ import annotations

import os
import shutil
import stat
import time

from dockcred import credential as lifetime
from dockcred import system, wiring
from dockcred.clients.docker import read as docker_read
from dockcred.clients.findings import command, fine, note, warning
from dockcred.commands.console import span
from dockcred.commands.doctor.entries import home_behind_sudo
from dockcred.commands.doctor.service import DEFAULT_PATH
from dockcred.system import environment, file_lock, machine, people, wsl

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockcred.clients.docker.read import DockerFile
    from dockcred.clients.findings import Finding
    from dockcred.commands.doctor.case import Case
    from dockcred.credential import ServerURL
    from dockcred.identity.store import IdentityStore
    from dockcred.system.environment import Environment

STEP = "machine"
_SNAP = "/snap/"


def check(environment: Environment, file: DockerFile) -> Iterator[Finding]:
    """Check home, sudo, snap and Docker Desktop."""
    home = environment.home()
    if not environment.get(system.HOME):
        known = f"by the system it is {home}" if home else "nor has this user one"
        yield warning(
            STEP,
            f"{system.HOME} is not set, as in many agents; {known}",
            fix=f"export {command(f'{system.HOME}={home}')}" if home else "",
            remedy="" if home else f"set {system.HOME} or DOCKER_CONFIG for the agent",
        )
    elif fault := people.home_fault(environment):
        yield warning(STEP, fault, remedy=f"set {system.HOME} to one that is there")
    yield from _sudo(environment)
    yield from _snap(environment)
    if file.store.startswith("desktop"):
        yield note(STEP, "Docker Desktop's store answers for what has no helper")


def _sudo(environment: Environment) -> Iterator[Finding]:
    theirs = home_behind_sudo(environment)
    if not theirs or theirs == environment.home() or not machine.is_root():
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
    """Yield a finding on a helper that services and desktops do not find."""
    directory = os.path.dirname(file)
    if not system.SYSTEMD or directory in DEFAULT_PATH.split(":"):
        return
    yield note(
        STEP,
        f"{directory} is not on the PATH of services (Nomad, kubelet, cron) or of a"
        " desktop",
        "for them run: sudo dockcred install --dir /usr/local/bin",
    )


def bars_windows(program: str, file: str) -> tuple[str, str] | None:
    """Return why a helper of Windows does not run here, and the remedy; None if it may.

    `file` is its path if it was found on PATH, else empty.
    """
    here = wsl.find(environment.current())
    if here is None:
        text = f"{program} is a program of Windows, and this is not its WSL"
        return text, "name a helper of this machine"
    if here.off:
        cause, remedy = here.off
        return f"{program} is a program of Windows: {cause}", remedy
    if file:
        return None
    if not here.has_their_path:
        text = (
            f"{program} is not on PATH, and {wsl.CONFIGURATION} keeps Windows' off it"
        )
        remedy = (
            "set appendWindowsPath = true below [interop] there, then run in Windows:"
        )
        return text, f"{remedy} wsl --shutdown; or link it into /usr/local/bin"
    text = f"{program} is not on PATH, nor on that of Windows"
    if program.removesuffix(".exe") in wiring.PROGRAMS:
        return text, "run in Windows: py -m pip install dockcred; open a new shell here"
    return text, "turn on this distribution's WSL integration in Docker Desktop"


PATH_STEP = "PATH"


def check_path(file: str, path: str) -> Iterator[Finding]:
    """Warn of directories in which others could put a program of the same name."""
    for directory in path.split(os.pathsep):
        if not os.path.isabs(directory):
            yield warning(
                PATH_STEP,
                "PATH holds the current directory (an empty or relative entry)",
                remedy="take it out: whoever owns a directory chooses your helper",
            )
        elif _is_open(directory) and wsl.is_windows_drive(directory):
            yield warning(
                PATH_STEP,
                f"everybody can write {directory}, a folder of Windows on PATH up to"
                f" {os.path.dirname(file)}",
                remedy='set options = "metadata,umask=22" below [automount] in'
                f" {wsl.CONFIGURATION}, then run in Windows: wsl --shutdown",
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
        return bool(system.stat(directory).st_mode & stat.S_IWOTH)
    except OSError:
        return False


CACHE_STEP = "cache"
_AGES = {
    lifetime.FRESH: "fresh",
    lifetime.AGING: "renewed in the background",
    lifetime.LAST: "minted anew at the next need",
    lifetime.OVER: "over",
}


def check_cache(case: Case) -> Iterator[Finding]:
    """Check the cache's directory, and what it holds for the registry."""
    store = case.store
    if store is None:
        return
    wanted = machine.locate(store.environment, store.provider.cache_parent)
    if not store.cache.path:
        yield _none(wanted)
        return
    yield from _entry(store, case.target)
    if failure := store.last_failure(case.target):
        cause, when = failure
        yield note(
            CACHE_STEP, f"the last failure, {span(time.time() - when)} ago: {cause}"
        )


def _none(wanted: str) -> Finding:
    if not wanted:
        return note(CACHE_STEP, "off: every request mints a credential")
    if not os.path.lexists(wanted):
        return note(CACHE_STEP, f"{wanted} is created when it is first needed")
    if not os.path.isdir(wanted) or os.path.islink(wanted):
        return warning(
            CACHE_STEP,
            f"{wanted} is no directory of ours: nothing is cached",
            fix=command("mv", wanted, f"{wanted}.aside"),
        )
    if not file_lock.is_mine(wanted):
        return warning(
            CACHE_STEP,
            f"{wanted} belongs to another user: nothing is cached",
            remedy="set DOCKCRED_CACHE_DIR to a directory of your own",
        )
    return warning(
        CACHE_STEP,
        f"others can write {wanted}: nothing is cached",
        fix=command("chmod", "700", wanted),
    )


def _entry(store: IdentityStore, target: ServerURL) -> Iterator[Finding]:
    entry = store.entry(target)
    if entry is None:
        yield fine(
            CACHE_STEP, f"{store.cache.path}, without an entry for {target.host}"
        )
        return
    now = time.time()
    credential = entry.credential
    text = (
        f"{store.cache.path}: minted {span(now - credential.issued_at)} ago,"
        f" ends in {span((credential.expires_at or now) - now)}"
        f" ({_AGES[lifetime.age(credential, now)]})"
    )
    if entry.lease_until is not None:
        text += f"; who it is, is asked again in {span(entry.lease_until - now)}"
    yield fine(CACHE_STEP, text)
