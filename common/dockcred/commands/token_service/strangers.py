"""Refuse rules by which a stranger's change could push to a registry.

A stranger is somebody who may not push to the repository. Anybody can open a pull
request, write a comment or star a repository. GitHub then runs some workflows with the
repository's own identity (`pull_request_target`, `issue_comment`, `workflow_run` …);
`ref` is then the default branch's. A member of a GitLab project can run a fork's merge
request in the project, and the fork's branch may be named `main`. So a rule that lets
jobs push must require a claim that is never true for such a job. Or it must say that
pushing from such jobs is intended.

https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows
https://docs.gitlab.com/ci/secrets/id_token_authentication/
https://docs.gitlab.com/ci/pipelines/merge_request_pipelines/
"""

from __future__ import annotations

from dataclasses import dataclass

from dockcred.commands.token_service.rule import Rule
from dockcred.errors import InvalidInputError


@dataclass(frozen=True)
class Moment:
    """A claim that tells how a job was started, and the values no stranger can cause.

    `safe` is empty if any value without a wildcard is safe: a stranger's job always has
    a different value there.
    """

    claim: str
    safe: tuple[str, ...] = ()


MOMENTS = {
    "github": (
        Moment(
            "event_name",
            (
                *("push", "release", "create", "delete", "schedule", "deployment"),
                *("workflow_dispatch", "repository_dispatch", "merge_group"),
            ),
        ),
    ),
    "gitlab": (
        Moment("ref_protected", ("true",)),
        Moment("environment_protected", ("true",)),
        Moment("pipeline_source", ("push", "schedule", "web", "api", "trigger")),
    ),
    # The repository of the change; for a change from a fork this is the fork.
    "circleci": (Moment("oidc.circleci.com/vcs-origin"),),
    # A branch of a fork is named with its owner first: `owner:branch`.
    "buildkite": (Moment("build_branch"), Moment("build_tag")),
    "bitbucket": (Moment("branchName"), Moment("deploymentEnvironmentUuid")),
}

_CLAIMS = {
    "github": {
        *("event_name", "repository", "repository_id", "repository_owner"),
        *("repository_owner_id", "workflow_ref", "job_workflow_ref"),
    },
    "gitlab": {
        *("project_id", "project_path", "namespace_id", "namespace_path"),
        *("pipeline_source", "ref_protected", "ci_config_ref_uri"),
    },
    "circleci": {
        *("oidc.circleci.com/project-id", "oidc.circleci.com/vcs-ref"),
        "oidc.circleci.com/vcs-origin",
    },
    "buildkite": {"pipeline_slug", "organization_slug", "build_branch", "build_tag"},
    "bitbucket": {"repositoryUuid", "workspaceUuid", "pipelineUuid", "branchName"},
}
_SUBJECTS = {
    "repo:": "github",
    "project_path:": "gitlab",
    "organization:": "buildkite",
}


def kind_by_claims(rule: Rule) -> str:
    """Return the sort of issuer whose claims a rule names, "" if it names none.

    A GitLab, GitHub Enterprise Server or Forgejo that users host themselves has no
    known URL.
    """
    for kind, claims in _CLAIMS.items():
        if not claims.isdisjoint(rule.claims):
            return kind
    for glob in rule.claims.get("sub", ()):
        for start, kind in _SUBJECTS.items():
            if glob.text.startswith(start):
                return kind
    return ""


def examine(rule: Rule, kind: str, which: str) -> None:
    """Raise InvalidInputError for a rule by which a stranger's change could push."""
    moments = MOMENTS.get(kind, ())
    if not moments or rule.strangers_may_push or not rule.actions - {"pull"}:
        return
    if any(_is_safe(rule, moment) for moment in moments):
        return
    named = [moment for moment in moments if moment.claim in rule.claims]
    why = "".join(
        f", for its {moment.claim} may be {glob.text!a}"
        for moment in named[:1]
        for glob in rule.claims[moment.claim]
        if not _is_safe_value(glob.text, moment)
    )
    raise InvalidInputError(
        f"{which} lets a job push that a stranger's change can have started{why}",
        f"name {' or '.join(map(_remedy, moments))}, without a wildcard, "
        "or write strangers_may_push = true if that is meant",
    )


def _is_safe(rule: Rule, moment: Moment) -> bool:
    globs = rule.claims.get(moment.claim, ())
    return bool(globs) and all(_is_safe_value(glob.text, moment) for glob in globs)


def _is_safe_value(text: str, moment: Moment) -> bool:
    """Return whether a pattern matches only values that no stranger can cause."""
    if moment.safe:
        return text in moment.safe
    return text[0] not in {"*", "?"} and "**" not in text


def _remedy(moment: Moment) -> str:
    if not moment.safe:
        return moment.claim
    return f"{moment.claim} = {' or '.join(map(repr, moment.safe))}".replace("'", '"')
