"""Who may do what: claims of an issuer's tokens, and actions on repositories.

Nothing is allowed that no rule allows; what several rules allow adds up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from dockcred.errors import InvalidInputError
from dockcred.token_service.glob import Glob
from dockcred.token_service.scope import CATALOG, EVERY_ACTION, REPOSITORY, Access

ACTIONS = frozenset({"pull", "push", "delete"})
ANONYMOUS = ""
"""The issuer of those who show nothing."""


@dataclass(frozen=True)
class Rule:
    """One rule; `issuer` is the name of one in the settings, or ANONYMOUS."""

    issuer: str
    claims: Mapping[str, tuple[Glob, ...]]
    repositories: tuple[Glob, ...]
    actions: frozenset[str]
    catalog: bool = False
    strangers_may_push: bool = False
    """That a stranger's change may have started the job is known, and meant."""

    @classmethod
    def of_words(
        cls,
        which: str,
        issuer: str,
        claims: Mapping[str, Sequence[str]],
        repositories: Sequence[str],
        actions: Iterable[str],
        *,
        catalog: bool = False,
        strangers_may_push: bool = False,
    ) -> Self:
        """Make a rule from what is written; `which` names it in InvalidInputError."""
        taken = frozenset(actions)
        if not taken <= ACTIONS:
            raise InvalidInputError(
                f"{which} has an action that there is not",
                f"choose from {', '.join(sorted(ACTIONS))}",
            )
        if bool(repositories) != bool(taken) or not (repositories or catalog):
            raise InvalidInputError(
                f"{which} allows nothing", "name its repositories and its actions"
            )
        for name, values in claims.items():
            if not values:
                raise InvalidInputError(
                    f"{which} names {name!a} and no value for it", "name one or more"
                )
        globs = {name: tuple(map(Glob, values)) for name, values in claims.items()}
        named = tuple(map(Glob, repositories))
        return cls(issuer, globs, named, taken, catalog, strangers_may_push)

    def admits(self, issuer: str, claims: Mapping[str, Any]) -> bool:
        """Tell whether every claim that the rule names is in the token and fits."""
        return issuer == self.issuer and all(
            _fits(claims.get(name), globs) for name, globs in self.claims.items()
        )

    def allows(self, access: Access) -> frozenset[str]:
        """Answer which actions on a resource it allows, asked for or not."""
        if (access.type, access.name) == CATALOG:
            return frozenset({EVERY_ACTION}) if self.catalog else frozenset()
        named = access.type == REPOSITORY and any(
            glob.matches(access.name) for glob in self.repositories
        )
        return self.actions if named else frozenset()


def grant(rules: Iterable[Rule], asked: Iterable[Access]) -> tuple[Access, ...]:
    """Answer what was asked for and is allowed by rules that admit who asks.

    `*` asks for every action that there is; it is never granted on a repository.
    """
    admitting = tuple(rules)
    granted = []
    for access in asked:
        allowed = frozenset[str]().union(*(rule.allows(access) for rule in admitting))
        actions = allowed
        if EVERY_ACTION not in access.actions:
            actions = allowed & access.actions
        if actions:
            granted.append(Access(access.type, access.name, actions))
    return tuple(granted)


def _fits(value: Any, globs: tuple[Glob, ...]) -> bool:
    """Match a claim: a word, a number, a truth value, or any word of a list."""
    values = value if isinstance(value, list) else [value]
    texts = [text for text in map(_text, values) if text is not None]
    return any(glob.matches(text) for glob in globs for text in texts)


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int) else None
