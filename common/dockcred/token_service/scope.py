"""What a client asks for: `repository:team/app:pull,push`, once or many times.

The grammar is distribution's (docs/spec/auth/scope.md). A repository's name may have
the registry's host before it, and so one `:`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from dockcred.token_service.refusal import Refusal

MAX_SCOPES = 64
MAX_CHARACTERS = 512
REPOSITORY = "repository"
CATALOG = ("registry", "catalog")
EVERY_ACTION = "*"

_TYPE = re.compile(r"[a-z0-9]+(?:\([a-z0-9]+\))?")
_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_NAME = re.compile(
    rf"(?:[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]{{1,5}})?/)?{_COMPONENT}(?:/{_COMPONENT})*"
)
_ACTION = re.compile(r"[a-z]+|\*")


@dataclass(frozen=True)
class Access:
    """Actions on one resource: asked for, or granted."""

    type: str
    name: str
    actions: frozenset[str]

    def __str__(self) -> str:
        """Write it as a scope."""
        return f"{self.type}:{self.name}:{','.join(sorted(self.actions))}"

    def claim(self) -> dict[str, object]:
        """Write it as the registry reads it in a token."""
        return {"type": self.type, "name": self.name, "actions": sorted(self.actions)}


def parse(values: Iterable[str]) -> tuple[Access, ...]:
    """Read scopes, each value one or several with spaces between them.

    The same resource asked for twice is one. Raises Refusal for what is no scope.
    """
    asked: dict[tuple[str, str], frozenset[str]] = {}
    for count, text in enumerate(
        (word for value in values for word in value.split(" ") if word), start=1
    ):
        if count > MAX_SCOPES or len(text) > MAX_CHARACTERS:
            raise Refusal.bad_request("the scopes are too many or too long")
        access = _parse(text)
        resource = (access.type, access.name)
        asked[resource] = asked.get(resource, frozenset()) | access.actions
    return tuple(Access(*resource, actions) for resource, actions in asked.items())


def _parse(text: str) -> Access:
    kind, _, rest = text.partition(":")
    name, colon, listed = rest.rpartition(":")
    actions = frozenset(filter(None, listed.split(",")))
    if (
        not colon
        or not _TYPE.fullmatch(kind)
        or not _NAME.fullmatch(name)
        or not all(map(_ACTION.fullmatch, actions))
    ):
        raise Refusal.bad_request("a scope is malformed")
    return Access(kind, name, actions)
