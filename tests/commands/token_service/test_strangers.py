"""Rules by which a stranger's change could push are refused, unless they allow it."""

from __future__ import annotations

import pytest

from dockcred.commands.token_service.settings import Issuer, Settings
from dockcred.commands.token_service.settings_file import STRANGERS, allow, parse
from dockcred.commands.token_service.strangers import MOMENTS
from dockcred.errors import InvalidInputError

GITHUB = "https://token.actions.githubusercontent.com"
GITLAB = "https://gitlab.com"
OWN_GITLAB = "https://gitlab.example.com"
FORGEJO = "https://code.example.com/api/actions"
CIRCLECI = "https://oidc.circleci.com/org/b2f1a6d0-1111-4000-8000-0000000000aa"
BUILDKITE = "https://agent.buildkite.com"
BITBUCKET = "https://api.bitbucket.org/2.0/workspaces/w/pipelines-config/identity/oidc"

REFUSED = [
    (GITHUB, "repository_id=17"),
    (GITHUB, "repository_id=17 ref=refs/heads/main"),
    (GITHUB, "repository_id=17 environment=production"),
    (GITHUB, "repository_id=17 sub=repo:octo/app:ref:refs/heads/main"),
    (GITHUB, "repository_id=17 ref_protected=true"),
    (GITHUB, "repository_id=17 event_name=pull_request"),
    (GITHUB, "repository_id=17 event_name=pull_request_target"),
    (GITHUB, "repository_id=17 event_name=p*"),
    (GITHUB, "repository_id=17 event_name=pus?"),
    (GITHUB, "repository_id=17 event_name=*"),
    (GITHUB, "repository_id=17 event_name=**"),
    (GITHUB, "repository_id=17 event_name=push event_name=pull_request_target"),
    (GITHUB, "repository_id=17 event_name=issue_comment"),
    (GITHUB, "repository_id=17 event_name=issues"),
    (GITHUB, "repository_id=17 event_name=workflow_run"),
    (GITHUB, "repository_id=17 event_name=discussion_comment"),
    (GITHUB, "repository_id=17 event_name=fork"),
    (GITHUB, "repository_id=17 event_name=watch"),
    (GITLAB, "project_id=20"),
    (GITLAB, "project_id=20 ref=main ref_type=branch"),
    (GITLAB, "project_id=20 ref_protected=*"),
    (GITLAB, "project_id=20 ref_protected=false"),
    (GITLAB, "project_id=20 ref_protected=true ref_protected=false"),
    (GITLAB, "project_id=20 environment=production"),
    (GITLAB, "project_id=20 pipeline_source=merge_request_event"),
    (GITLAB, "project_id=20 pipeline_source=external_pull_request_event"),
    (GITLAB, "project_id=20 pipeline_source=parent_pipeline"),
    (GITLAB, "project_id=20 pipeline_source=p*"),
    (OWN_GITLAB, "project_id=20 ref=main"),
    (OWN_GITLAB, "project_path=group/app pipeline_source=*"),
    (OWN_GITLAB, "sub=project_path:group/app:ref_type:branch:ref:main"),
    (FORGEJO, "repository=octo/app"),
    (FORGEJO, "repository=octo/app event_name=pull_request_target"),
    (FORGEJO, "sub=repo:octo/app:*"),
    (CIRCLECI, "oidc.circleci.com/project-id=4f1d"),
    (CIRCLECI, "oidc.circleci.com/project-id=4f1d oidc.circleci.com/vcs-origin=*"),
    (BUILDKITE, "pipeline_id=4f1d"),
    (BUILDKITE, "pipeline_id=4f1d build_branch=*"),
    (BITBUCKET, "repositoryUuid={4f1d}"),
    (BITBUCKET, "repositoryUuid={4f1d} branchName=**"),
]
TAKEN = [
    (GITHUB, "repository_id=17 event_name=push"),
    (GITHUB, "repository_id=17 event_name=push event_name=release"),
    (GITHUB, "repository_id=17 event_name=schedule ref=refs/heads/*"),
    (GITLAB, "project_id=20 ref_protected=true"),
    (GITLAB, "project_id=20 environment=production environment_protected=true"),
    (GITLAB, "project_id=20 pipeline_source=push"),
    (OWN_GITLAB, "project_id=20 ref=main ref_protected=true"),
    (FORGEJO, "repository=octo/app event_name=push"),
    (
        CIRCLECI,
        "oidc.circleci.com/vcs-origin=github.com/octo/app sub=org/b2/project/4f1d/*",
    ),
    (BUILDKITE, "pipeline_id=4f1d build_branch=main"),
    (BITBUCKET, "repositoryUuid={4f1d} branchName=main"),
    ("https://idp.example.com", "sub=robot"),
]


def settings(url: str, claims: str, actions: str = "push", kind: str = "") -> Settings:
    rule = allow(f"team/app:{actions} {claims}", "x", "the rule")
    issuer = Issuer("x", url, "registry.example.com", kind=kind)
    return Settings("registry.example.com", "/keys", (issuer,), (rule,))


@pytest.mark.parametrize(("url", "claims"), REFUSED)
@pytest.mark.parametrize("actions", ["push", "pull,delete"])
def test_a_strangers_change_cannot_push(url: str, claims: str, actions: str):
    with pytest.raises(InvalidInputError, match="a stranger's change") as caught:
        settings(url, claims, actions)
    assert "strangers_may_push = true" in str(caught.value)


@pytest.mark.parametrize(("url", "claims"), REFUSED)
def test_what_is_spelled_out_is_taken(url: str, claims: str):
    assert settings(url, f"{claims} {STRANGERS}").rules[0].strangers_may_push


@pytest.mark.parametrize(("url", "claims"), REFUSED)
def test_it_may_pull(url: str, claims: str):
    settings(url, claims, "pull")


@pytest.mark.parametrize(("url", "claims"), TAKEN)
def test_what_no_stranger_can_bring_about_is_taken(url: str, claims: str):
    settings(url, claims)


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ("event_name=p*", "event_name may be 'p*'"),
        ("event_name=pull_request_target", "event_name may be 'pull_request_target'"),
    ],
)
def test_the_cause_is_named(claims: str, words: str):
    with pytest.raises(InvalidInputError) as caught:
        settings(GITHUB, f"repository_id=17 {claims}")
    assert words in str(caught.value)
    assert 'name event_name = "push"' in str(caught.value)


def test_an_issuer_that_is_said_to_be_another_is_not_guessed_at():
    settings(OWN_GITLAB, "project_id=20", kind="other")


def test_the_setting_in_a_file():
    text = f"""
service = "registry.example.com"
[issuers.github]
url = "{GITHUB}"
audience = "registry.example.com"
[[rules]]
issuer = "github"
claims = {{ repository_id = "17", event_name = "pull_request_target" }}
repositories = ["previews/*"]
actions = ["push"]
"""
    with pytest.raises(InvalidInputError, match="rule 1 lets a job push"):
        parse(text, "/keys")
    assert parse(f"{text}strangers_may_push = true\n", "/keys").rules
    with pytest.raises(InvalidInputError, match="not true or false"):
        parse(f'{text}strangers_may_push = "yes"\n', "/keys")


EVENTS = [
    "branch_protection_rule",
    "check_run",
    "check_suite",
    "create",
    "delete",
    "deployment",
    "deployment_status",
    "discussion",
    "discussion_comment",
    "fork",
    "gollum",
    "image_version",
    "issue_comment",
    "issues",
    "label",
    "merge_group",
    "milestone",
    "page_build",
    "public",
    "pull_request",
    "pull_request_review",
    "pull_request_review_comment",
    "pull_request_target",
    "push",
    "registry_package",
    "release",
    "repository_dispatch",
    "schedule",
    "status",
    "watch",
    "workflow_call",
    "workflow_dispatch",
    "workflow_run",
]


@pytest.mark.parametrize("cut", range(1, 5))
@pytest.mark.parametrize("event", EVENTS)
def test_no_wildcard_stands_for_an_event(event: str, cut: int):
    """Tried with the first letters of each of GitHub's events and a star."""
    with pytest.raises(InvalidInputError, match="a stranger's change"):
        settings(GITHUB, f"repository_id=17 event_name={event[:cut]}*")


def test_only_events_that_writers_start_are_taken():
    (moment,) = MOMENTS["github"]
    taken = set()
    for event in EVENTS:
        try:
            settings(GITHUB, f"repository_id=17 event_name={event}")
        except InvalidInputError:
            continue
        taken.add(event)
    assert taken == set(moment.safe)
    assert not {event for event in taken if "pull" in event or "comment" in event}
