"""The key of a cache entry: all that selects an identity, in one line, no secret."""

from __future__ import annotations

import os

from dockcred.cache import watched

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.environment import Environment
    from dockcred.identity import Provider
    from dockcred.server_url import ServerURL

UNKNOWN_BOOT = "-"


def fingerprint(provider: Provider, server: ServerURL, environment: Environment) -> str:
    """Join provider, host, machine, variables and the look of configuration files.

    The files are not parsed: any change to one is another key.
    """
    get = environment.get
    parts = [provider.name, server.place, machine()]
    parts += [f"{name}={_public(get(name))}" for name in provider.variables]
    parts += [f"{name}?{bool(get(name))}" for name in provider.secrets]
    files = provider.config_files(environment)
    parts += [f"{path}@{watched.look(path)}" for path in files]
    return "\x1f".join(parts)


def looks_in(key: str, files: tuple[str, ...]) -> dict[str, str]:
    """Answer how configuration files looked when the key was made, its last parts."""
    parts = key.split("\x1f")[-len(files) :] if files else []
    return dict(zip(files, (part.rpartition("@")[2] for part in parts), strict=True))


def machine() -> str:
    """Name this boot of this machine or container: a copied cache is another's.

    GKE and kube2iam answer by pod, and pods share a kernel but not a host name.
    """
    try:
        with open("/proc/sys/kernel/random/boot_id", "rb") as file:
            boot = file.read(64).strip().decode("ascii")
    except OSError:
        boot = UNKNOWN_BOOT
    return f"{boot} {os.uname().nodename}"


def _public(value: str) -> str:
    """Drop the user info of a URL, and keep a value to one line of the key."""
    scheme, separator, rest = value.partition("://")
    authority, slash, path = rest.partition("/")
    if separator and "@" in authority:
        value = f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"
    return ascii(value) if "\n" in value or "\x1f" in value else value
