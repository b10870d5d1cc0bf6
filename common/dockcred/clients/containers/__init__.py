"""podman, skopeo and buildah: auth.json and registries.conf.

Docker's own file, which they read too, is handled in `docker`. This module has what the
whole package uses: it decodes auth.json as Go does, and finds the registry of a key.
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
    """Return `auths` and `credHelpers`, and all other fields as they are.

    Raises BrokenJSONError if the data is not JSON: also if it is empty, UTF-16, or has
    a byte-order mark. Raises InvalidInputError for a value of a wrong type.
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
    """Return the registry, or its namespace, that a key of `auths` means.

    The path is cut off only from a key with a scheme. HOST/PATH means that namespace,
    and is not a login for the whole host.
    """
    rest = key.removeprefix("http://").removeprefix("https://")
    if is_legacy or rest != key:
        rest = rest.partition("/")[0]
    return canonical(rest)


def canonical(name: str) -> str:
    """Return a registry's name; the same name for Docker Hub's three names."""
    return "index.docker.io" if name in {"docker.io", "registry-1.docker.io"} else name
