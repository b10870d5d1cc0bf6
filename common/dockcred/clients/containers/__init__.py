"""Podman, skopeo, buildah: auth.json and registries.conf.

What docker writes for them too is in `docker`; their own helpers are not ours. Here is
what all of the package stands on: auth.json as Go decodes it, and whose a key is.
"""

from __future__ import annotations

import json

from dockcred.clients import go_json
from dockcred.errors import InvalidInputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_FIELDS = ("auth", "identitytoken")


class _Pairs(list[tuple[str, "Any"]]):
    """An object's members as they stand, for names that stand twice or in any case."""


def decode(data: bytes, *, is_legacy: bool = False) -> dict[str, Any]:
    """Return what Go's decoder makes of a file.

    Raises JSONDecodeError for what is no JSON, such as nothing at all, a byte-order
    mark or UTF-16, and InvalidInputError for a value of another type.
    """
    found = json.loads(
        data.decode("utf-8", "replace"),
        object_pairs_hook=_Pairs,
        parse_constant=_refuse,
        parse_int=float,
    )
    members = _members("it", found)
    content = dict(members)
    auths: dict[str, Any] = {}
    helpers: dict[str, Any] = {}
    for name, value in [("auths", found)] if is_legacy else members:
        if go_json.folded(name) == "auths":
            auths = _entries(auths, value)
        elif go_json.folded(name) == "credhelpers":
            helpers = _helpers(helpers, value)
        else:
            continue
        content.pop(name, None)
    return content | {"auths": auths, "credHelpers": helpers}


def _entries(before: dict[str, Any], value: object) -> dict[str, Any]:
    """Join a table to one that stood before; null takes that away."""
    found = {} if value is None else dict(before)
    for key, entry in _members("auths", value):
        held: dict[str, str] = {}
        for name, text in _members(_named("auths", key), entry):
            field = go_json.folded(name)
            if field in _FIELDS and text is not None:
                held[field] = _text(_named("auths", key), text)
        found[go_json.clean(key)] = held
    return found


def _helpers(before: dict[str, Any], value: object) -> dict[str, Any]:
    found = {} if value is None else dict(before)
    for key, name in _members("credHelpers", value):
        where = _named("credHelpers", key)
        found[go_json.clean(key)] = "" if name is None else _text(where, name)
    return found


def _members(where: str, value: object) -> _Pairs:
    """Return an object's members, none for null."""
    if value is None:
        return _Pairs()
    if not isinstance(value, _Pairs):
        raise InvalidInputError(f"{where} is no object", "fix it first")
    return value


def _text(where: str, value: object) -> str:
    if not isinstance(value, str):
        raise InvalidInputError(f"{where} has a value that is no text", "fix it first")
    return go_json.clean(value)


def _named(table: str, key: str) -> str:
    from dockcred.clients.findings import shown  # noqa: PLC0415 - for a fault alone

    return f'{table}["{shown(key)}"]'


def _refuse(_constant: str) -> None:
    raise ValueError("no JSON")


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
