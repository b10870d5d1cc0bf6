"""Rules: who may do what, by glob patterns; the known public issuers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from dockcred.commands.token_service.request import (
    CATALOG,
    EVERY_ACTION,
    REPOSITORY,
    Access,
)
from dockcred.errors import InvalidInputError

MAX_CHARACTERS = 1024
"""Of a pattern and of a value; what is longer matches nothing."""


class Glob:
    """One pattern, compiled so that a value is read once for each `*`."""

    __slots__ = ("_regex", "text")

    def __init__(self, text: str) -> None:
        """Parse a pattern; raise InvalidInputError for one that means nothing."""
        segments = text.split("/")
        if not text or len(text) > MAX_CHARACTERS or not text.isprintable():
            raise InvalidInputError(
                "a pattern is empty, too long or not printable",
                "write a name, with * or ? in it",
            )
        if sum("**" in segment for segment in segments) > segments.count("**") or (
            segments.count("**") > 1
        ):
            raise InvalidInputError(
                f"{text!a} is not a pattern",
                "write ** alone between slashes, and once",
            )
        self.text = text
        self._regex = re.compile("/".join(map(_segment, segments)), re.DOTALL)

    def matches(self, value: str) -> bool:
        """Return whether the whole value is one of those that are meant."""
        return (
            0 < len(value) <= MAX_CHARACTERS
            and self._regex.fullmatch(value) is not None
        )

    def names_literally(self, parts: int | None = None) -> bool:
        """Return whether its first parts, or all, are written out.

        Slashes and colons are what parts them.
        """
        start = self.text.replace(":", "/").split("/")[:parts]
        return not set("".join(start)) & {"*", "?"}

    @property
    def starts_wild(self) -> bool:
        """Return whether it leaves even the first character open."""
        return self.text[0] in {"*", "?"}


def _segment(glob: str) -> str:
    """Write one segment as a regular expression that never tries a way twice.

    All but the last `*` take the first place where the rest fits (an atomic group):
    a later one would leave less to those that follow.
    """
    if glob == "**":
        return ".+"
    first, *rest = map(_literal, glob.split("*"))
    if not rest:
        return first
    *middle, last = rest
    return first + "".join(f"(?>[^/:]*?{part})" for part in middle) + f"[^/:]*{last}"


def _literal(text: str) -> str:
    return "[^/:]".join(map(re.escape, text.split("?")))


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
        """Return whether every claim that the rule names is in the token and fits."""
        return issuer == self.issuer and all(
            _fits(claims.get(name), globs) for name, globs in self.claims.items()
        )

    def allows(self, access: Access) -> frozenset[str]:
        """Return which actions on a resource it allows, asked for or not."""
        if (access.type, access.name) == CATALOG:
            return frozenset({EVERY_ACTION}) if self.catalog else frozenset()
        named = access.type == REPOSITORY and any(
            glob.matches(access.name) for glob in self.repositories
        )
        return self.actions if named else frozenset()


def grant(rules: Iterable[Rule], asked: Iterable[Access]) -> tuple[Access, ...]:
    """Return what was asked for and is allowed by rules that admit who asks.

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
            granted.append(replace(access, actions=actions))
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


@dataclass(frozen=True)
class Kind:
    """The claims of one sort of issuer.

    `ids` tell whose job it is for good, `names` for now.
    """

    ids: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


OTHER = "other"
KINDS = {
    "github": Kind(
        ids=("repository_id", "repository_owner_id"),
        names=("repository", "repository_owner", "sub"),
    ),
    "gitlab": Kind(
        ids=("project_id", "namespace_id"),
        names=("project_path", "namespace_path", "sub"),
    ),
    "google": Kind(ids=("sub",), names=("email",)),
    "circleci": Kind(
        ids=("oidc.circleci.com/project-id",),
        names=("sub", "oidc.circleci.com/vcs-origin"),
    ),
    "buildkite": Kind(
        ids=("organization_id", "pipeline_id"), names=("organization_slug", "sub")
    ),
    "bitbucket": Kind(ids=("workspaceUuid", "repositoryUuid"), names=("sub",)),
    OTHER: Kind(),
}

_KNOWN = {
    "token.actions.githubusercontent.com": "github",
    "gitlab.com": "gitlab",
    "accounts.google.com": "google",
    "oidc.circleci.com": "circleci",
    "agent.buildkite.com": "buildkite",
    "api.bitbucket.org": "bitbucket",
}


def kind_of(url: str) -> str:
    """Return the sort of an issuer whose settings do not say it."""
    host = url.partition("://")[2].partition("/")[0]
    return _KNOWN.get(host, OTHER)


def examine(rule: Rule, kind: Kind, which: str) -> Iterator[str]:
    """Return warnings about a rule; raise InvalidInputError for a dangerous one."""
    if not rule.claims:
        raise InvalidInputError(
            f"{which} names no claim: it would admit every token of its issuer",
            "name the claims that tell whose tokens are meant",
        )
    by_id = any(_is_literal(rule, name) for name in kind.ids)
    by_name = any(_tells_whose(rule, name) for name in kind.names)
    if (kind.ids or kind.names) and not by_id and not by_name:
        raise InvalidInputError(
            f"{which} does not say whose tokens are meant, and its issuer serves all",
            f"write {' or '.join(kind.ids or kind.names)} out, without a wildcard",
        )
    if kind.ids and not by_id:
        yield (
            f"{which} goes by names, which another can take once they are given up; "
            f"name {' or '.join(kind.ids)}"
        )


def _is_literal(rule: Rule, claim: str) -> bool:
    globs = rule.claims.get(claim, ())
    return bool(globs) and all(glob.names_literally() for glob in globs)


def _tells_whose(rule: Rule, claim: str) -> bool:
    """Return if the owner's name is written out: anybody can be `octo-anything`."""
    globs = rule.claims.get(claim, ())
    # A subject says first what follows: repo:OWNER/…, project_path:GROUP/….
    parts = 2 if claim == "sub" else 1
    return bool(globs) and all(glob.names_literally(parts) for glob in globs)
