"""Rules that grant access by glob patterns, and the known public issuers."""

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
"""Characters of a pattern, and of a value; a longer value matches nothing."""


class Glob:
    """One pattern, compiled so that matching reads a value at most once per `*`."""

    __slots__ = ("_regex", "text")

    def __init__(self, text: str) -> None:
        """Parse a pattern; raise InvalidInputError for a malformed one."""
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
        """Return whether the pattern matches the whole value."""
        return (
            0 < len(value) <= MAX_CHARACTERS
            and self._regex.fullmatch(value) is not None
        )

    def names_literally(self, parts: int | None = None) -> bool:
        """Return whether the first `parts` of the pattern, or all, have no wildcard.

        Slashes and colons separate the parts.
        """
        start = self.text.replace(":", "/").split("/")[:parts]
        return not set("".join(start)) & {"*", "?"}


def _segment(glob: str) -> str:
    """Return one segment as a regular expression without repeated backtracking.

    Each `*` but the last takes the first position where the text after it matches (an
    atomic group). A later position would only leave less for the rest.
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
"""The issuer of anonymous callers."""


@dataclass(frozen=True)
class Rule:
    """One rule; `issuer` is the name of one in the settings, or ANONYMOUS."""

    issuer: str
    claims: Mapping[str, tuple[Glob, ...]]
    repositories: tuple[Glob, ...]
    actions: frozenset[str]
    catalog: bool = False
    strangers_may_push: bool = False
    """True if the rule intends that a stranger's change may start the job."""

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
        """Make a rule of its settings; raise InvalidInputError, naming it `which`."""
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
        """Return whether every claim of the rule is in the token and matches."""
        return issuer == self.issuer and all(
            _fits(claims.get(name), globs) for name, globs in self.claims.items()
        )

    def allows(self, access: Access) -> frozenset[str]:
        """Return the actions that the rule allows on a resource, requested or not."""
        if (access.type, access.name) == CATALOG:
            return frozenset({EVERY_ACTION}) if self.catalog else frozenset()
        named = access.type == REPOSITORY and any(
            glob.matches(access.name) for glob in self.repositories
        )
        return self.actions if named else frozenset()


def grant(rules: Iterable[Rule], asked: Iterable[Access]) -> tuple[Access, ...]:
    """Return the requested access that the rules allow; all of them admit the caller.

    `*` requests all actions; on a repository it is never granted itself.
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
    """Return whether a claim matches: a string, number or boolean, or any in a list."""
    values = value if isinstance(value, list) else [value]
    texts = [text for text in map(_text, values) if text is not None]
    return any(glob.matches(text) for glob in globs for text in texts)


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int) else None


@dataclass(frozen=True)
class Kind:
    """The claims that identify the owner of a job at one sort of issuer.

    `ids` never change owner. `names` may be given up, and taken by another owner.
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
    """Return the sort of an issuer by the host in its URL, OTHER if it is unknown."""
    host = url.partition("://")[2].partition("/")[0]
    return _KNOWN.get(host, OTHER)


def examine(rule: Rule, kind: Kind, which: str) -> Iterator[str]:
    """Yield warnings about a rule; raise InvalidInputError for a dangerous one."""
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
    """Return whether the owner is written out: anybody can own `octo-anything`."""
    globs = rule.claims.get(claim, ())
    # The owner is in the first two parts: repo:OWNER/…, project_path:GROUP/….
    parts = 2 if claim == "sub" else 1
    return bool(globs) and all(glob.names_literally(parts) for glob in globs)
