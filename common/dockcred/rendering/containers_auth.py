"""auth.json of podman, skopeo, buildah and CRI-O (containers-auth.json(5)).

A registry or a namespace in it, HOST[:PORT][/NAMESPACE], one key for each. With
--for coco it is what image-rs reads in a confidential guest: `auth` alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from dockcred.rendering import entries
from dockcred.rendering.login import Login
from dockcred.rendering.options import Options

FILE = "auth.json"
TAKES: tuple[str, ...] = ()
COCO = "coco"
READERS: tuple[str, ...] = (COCO,)


def render(logins: Sequence[Login], options: Options) -> bytes:
    """Write {"auths": {HOST[/NAMESPACE]: {"auth": …}}}."""
    if options.consumer == COCO:
        entries.refuse_tokens(logins, "image-rs")
    found = entries.by_key((_key(login), login) for login in logins)
    return entries.auths({key: entries.entry(login) for key, login in found.items()})


def _key(login: Login) -> str:
    """Name the registry without a scheme, Docker Hub by its domain.

    image-rs takes two spellings of one registry for two entries, and then either.
    """
    host = login.reference.containers_key
    return f"{host}/{login.namespace}" if login.namespace else host
