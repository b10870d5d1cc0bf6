"""podman, skopeo and buildah: auth.json in its places, helpers of registries.conf.

Rules of containers/image, pkg/docker/config and pkg/sysregistriesv2. `credsStore` is
never read; credHelpers and helpers are asked by host, auths by namespaces too.
"""

from __future__ import annotations

import os
import tomllib
from glob import glob

from dockcred.clients.files import ClientFile, Found
from dockcred.clients.reference import host_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from dockcred.clients.reference import Reference
    from dockcred.system.environment import Environment

AUTH_FILES = "containers-auth.json"
"""The word in `credential-helpers` that stands for the files."""


def auth_paths(environment: Environment) -> tuple[str, ...]:
    """Return the files in the order in which they are searched.

    Behind REGISTRY_AUTH_FILE the others are read on by skopeo 1.9 and podman 4.3
    (measured), and no longer by later versions.
    """
    named = environment.get("REGISTRY_AUTH_FILE")
    home = environment.home()
    runtime = environment.get("XDG_RUNTIME_DIR")
    first = runtime or f"/run/containers/{os.geteuid()}"
    docker = environment.get("DOCKER_CONFIG") or f"{home}/.docker"
    config = environment.get("XDG_CONFIG_HOME") or f"{home}/.config"
    return (
        *((named,) if named else ()),
        f"{first}/containers/auth.json" if runtime else f"{first}/auth.json",
        f"{config}/containers/auth.json",
        f"{docker}/config.json",
        f"{home}/.dockercfg",
    )


def helpers(environment: Environment) -> tuple[str, ...]:
    """Return `credential-helpers` of registries.conf; the last file that says it."""
    named: tuple[str, ...] = (AUTH_FILES,)
    for content in read_registries(environment):
        found = content.get("credential-helpers")
        if isinstance(found, list) and found:
            named = tuple(map(str, found))
    return named


def read_registries(environment: Environment) -> Iterator[dict[str, Any]]:
    """Read registries.conf and its drop-ins; what is no TOML is passed over."""
    for path in registries_files(environment):
        try:
            with open(path, "rb") as file:
                yield tomllib.load(file)
        except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError):
            continue


def registries_files(environment: Environment) -> Iterator[str]:
    """Return registries.conf and its drop-ins, in the order in which they are read."""
    # Below the home alone: here containers/image does not read XDG_CONFIG_HOME.
    own = f"{environment.home()}/.config/containers/registries.conf"
    if named := environment.get("CONTAINERS_REGISTRIES_CONF"):
        yield named
        return
    yield own if os.path.exists(own) else "/etc/containers/registries.conf"
    yield from sorted(glob("/etc/containers/registries.conf.d/*.conf"))
    yield from sorted(glob(f"{glob_escape(own)}.d/*.conf"))


def glob_escape(path: str) -> str:
    """Escape the characters of a path for a glob."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in path)


def look_up(file: ClientFile, reference: Reference) -> Found | None:
    """Return what one file says of a registry, the longest namespace first."""
    key = reference.containers_key
    if helper := file.table("credHelpers").get(key):
        return Found(file.path, f'credHelpers["{key}"]', helper=str(helper))
    auths = file.table("auths")
    if file.path.endswith("/.dockercfg"):
        auths = file.content
    names = [*_namespaces(key, reference.repository)]
    names += [
        name for name in auths if host_of(name) in {key, host_of(reference.docker_key)}
    ]
    for name in names:
        entry = auths.get(name)
        if isinstance(entry, dict) and (
            entry.get("auth") or entry.get("identitytoken")
        ):
            return Found(file.path, f'auths["{name}"]', entry=entry)
    return None


def _namespaces(host: str, repository: str) -> Iterator[str]:
    segments = repository.split("/") if repository else []
    while segments:
        yield "/".join((host, *segments))
        segments.pop()
    yield host
