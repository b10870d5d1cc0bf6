"""Podman, skopeo, buildah: auth.json and registries.conf.

What docker writes for them too is in `docker`; their own helpers are not ours. Here is
what all of the package stands on: auth.json as Go decodes it, and whose a key is.
"""

from __future__ import annotations

from dockcred.clients import go_json
from dockcred.clients.go_json import TEXT, Map
from dockcred.errors import InvalidInputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_AUTHS = Map({"auth": TEXT, "identitytoken": TEXT})
_FORM = {"auths": _AUTHS, "credHelpers": Map(TEXT)}


def decode(data: bytes, *, is_legacy: bool = False) -> dict[str, Any]:
    """Return `auths` and `credHelpers`, and all else as it stands.

    Raises BrokenJSONError for what is no JSON, such as nothing at all, a byte-order
    mark or UTF-16, and InvalidInputError for a value of another type.
    """
    if not data.strip():
        raise go_json.BrokenJSONError("empty")
    found = go_json.decode(data, _AUTHS if is_legacy else _FORM, whole=True)
    for where, wanted in found.wrong:
        from dockcred.clients.findings import place  # noqa: PLC0415 - for a fault alone

        cause = f"{place(where) or 'it'} is no {wanted}"
        raise InvalidInputError(cause, "fix it first")
    value = {"auths": found.value} if is_legacy else found.value
    return {
        **{at[0]: other for at, other in found.unknown.items() if not at[1:]},
        "auths": {
            key: {name: text for name, text in entry.items() if text is not None}
            for key, entry in (value.get("auths") or {}).items()
        },
        "credHelpers": {
            key: name or "" for key, name in (value.get("credHelpers") or {}).items()
        },
    }


def registry_of(key: str, *, is_legacy: bool = False) -> str:
    """Return the registry that a key of `auths` stands for.

    Of a key with a scheme the path is cut off, and of no other: HOST/PATH stands for
    that namespace, and is no login for the host.
    """
    rest = key.removeprefix("http://").removeprefix("https://")
    if is_legacy or rest != key:
        rest = rest.partition("/")[0]
    return canonical(rest)


def canonical(name: str) -> str:
    """Return a registry's name, one for the three of Docker Hub."""
    return "index.docker.io" if name in {"docker.io", "registry-1.docker.io"} else name
