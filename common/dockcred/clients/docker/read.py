"""docker's config.json: which entry docker takes for a registry.

credHelpers by the exact key, then credsStore, then auths by the exact key, then auths
by host (docker/cli, cli/config/configfile/file.go). A helper that is named is asked
alone: auths is no fallback for it.
"""

from __future__ import annotations

import os

from dockcred.clients.files import ClientFile, Found
from dockcred.clients.reference import HUB_NAMES, host_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.system.environment import Environment


def directory(environment: Environment) -> str:
    """Return the directory that docker reads; nothing where there is no home."""
    if named := environment.get("DOCKER_CONFIG"):
        return named
    home = environment.home()
    return os.path.join(home, ".docker") if home else ""


def config_file(environment: Environment) -> ClientFile:
    """Read config.json."""
    return ClientFile(os.path.join(directory(environment), "config.json"))


def look_up(file: ClientFile, key: str) -> Found | None:
    """Return what docker takes for a key; None where it goes on anonymously."""
    helpers = file.table("credHelpers")
    if helper := helpers.get(key):
        return Found(file.path, f'credHelpers["{key}"]', helper=str(helper))
    # credHelpers["HOST"] = "" is how people say: for this one use the file.
    if key not in helpers and (store := file.text("credsStore")):
        return Found(file.path, "credsStore", helper=store)
    auths = file.table("auths")
    for name in (key, *(name for name in auths if host_of(name) == host_of(key))):
        if isinstance(entry := auths.get(name), dict):
            return Found(file.path, f'auths["{name}"]', entry=entry)
    return None


def near_misses(file: ClientFile, key: str) -> list[str]:
    """Return the keys of credHelpers that a person means and docker never asks for."""
    wanted = host_of(key)
    return [
        name
        for name in file.table("credHelpers")
        if name != key
        and (
            host_of(name) == wanted
            or (wanted in HUB_NAMES and host_of(name) in HUB_NAMES)
            or _is_glob_for(name, wanted)
        )
    ]


def _is_glob_for(name: str, host: str) -> bool:
    import fnmatch  # noqa: PLC0415 - only where a key misses

    return "*" in name and fnmatch.fnmatchcase(host, host_of(name))
