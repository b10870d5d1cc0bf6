"""What a rule must name where an issuer signs for everybody.

Anybody can have a token of GitHub's for any audience, so a rule for GitHub that names
no repository or owner is a rule for the world. Names can be given up and taken again
by another, numeric ids cannot:
https://docs.github.com/en/actions/concepts/security/openid-connect
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dockcred.errors import InvalidInputError
from dockcred.token_service.rule import Rule


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
    """Answer the sort of an issuer whose settings do not say it."""
    host = url.partition("://")[2].partition("/")[0]
    return _KNOWN.get(host, OTHER)


def examine(rule: Rule, kind: Kind, which: str) -> Iterator[str]:
    """Give warnings about a rule; raise InvalidInputError for a dangerous one."""
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
    """Tell whether the owner's name is written out: anybody can be `octo-anything`."""
    globs = rule.claims.get(claim, ())
    # A subject says first what follows: repo:OWNER/…, project_path:GROUP/….
    parts = 2 if claim == "sub" else 1
    return bool(globs) and all(glob.names_literally(parts) for glob in globs)
