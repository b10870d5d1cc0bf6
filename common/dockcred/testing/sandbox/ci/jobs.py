"""The claims of one job of each CI system, as its documentation lists them."""

from __future__ import annotations

Claims = dict[str, object]

# docs.github.com, "OpenID Connect reference".
GITHUB: Claims = {
    "sub": "repo:octo/app:ref:refs/heads/main",
    "ref": "refs/heads/main",
    "sha": "9f2c1e7d3b5a4f60718293a4b5c6d7e8f9012345",
    "repository": "octo/app",
    "repository_owner": "octo",
    "repository_id": "74012345",
    "repository_owner_id": "6501234",
    "repository_visibility": "private",
    "actor": "monalisa",
    "actor_id": "1001",
    "workflow": "build",
    "workflow_ref": "octo/app/.github/workflows/build.yml@refs/heads/main",
    "workflow_sha": "9f2c1e7d3b5a4f60718293a4b5c6d7e8f9012345",
    "job_workflow_ref": "octo/app/.github/workflows/build.yml@refs/heads/main",
    "job_workflow_sha": "9f2c1e7d3b5a4f60718293a4b5c6d7e8f9012345",
    "event_name": "push",
    "head_ref": "",
    "base_ref": "",
    "ref_type": "branch",
    "ref_protected": "true",
    "run_id": "30011",
    "run_number": "17",
    "run_attempt": "1",
    "runner_environment": "github-hosted",
}
"""A push to main of octo/app."""

# docs.gitlab.com, "OpenID Connect (OIDC) Authentication Using ID Tokens".
GITLAB: Claims = {
    "sub": "project_path:group/app:ref_type:branch:ref:main",
    "namespace_id": "72",
    "namespace_path": "group",
    "project_id": "20",
    "project_path": "group/app",
    "user_id": "1",
    "user_login": "sample-user",
    "user_email": "sample-user@example.com",
    "user_access_level": "maintainer",
    "pipeline_id": "574",
    "pipeline_source": "push",
    "job_id": "302",
    "ref": "main",
    "ref_type": "branch",
    "ref_path": "refs/heads/main",
    "ref_protected": "true",
    "project_visibility": "private",
    "runner_id": 1,
    "runner_environment": "self-hosted",
    "sha": "714a629c0b401fdce83e847fc9589983fc6f46bc",
    "ci_config_ref_uri": "gitlab.com/group/app//.gitlab-ci.yml@refs/heads/main",
    "ci_config_sha": "714a629c0b401fdce83e847fc9589983fc6f46bc",
}
"""A push to main of group/app."""

KUBERNETES: Claims = {
    "sub": "system:serviceaccount:ci:builder",
    "kubernetes.io": {
        "namespace": "ci",
        "pod": {"name": "build-1", "uid": "5c1c1f0e-7a3f-4d0e-9a57-1b6a0f8a0b11"},
        "serviceaccount": {
            "name": "builder",
            "uid": "0d9d2a52-1c4e-4a7b-8a46-6a9c3a8f5c22",
        },
    },
}
"""A pod of the service account builder in the namespace ci."""

# circleci.com/docs/openid-connect-tokens.
CIRCLECI: Claims = {
    "sub": "org/b2f1a6d0-1111-4000-8000-0000000000aa/project/p-4f1d/user/u-77c0",
    "oidc.circleci.com/project-id": "p-4f1d",
    "oidc.circleci.com/vcs-ref": "refs/heads/main",
    "oidc.circleci.com/vcs-origin": "github.com/octo/app",
}

# buildkite.com/docs/agent/v3/cli-oidc.
BUILDKITE: Claims = {
    "sub": "organization:octo:pipeline:app:ref:refs/heads/main:commit:9f2c:step:",
    "organization_slug": "octo",
    "pipeline_slug": "app",
    "build_number": 1,
    "build_branch": "main",
    "job_id": "0184990a-477b-4fa8-9968-496074483cee",
}

AZURE_PIPELINES: Claims = {"sub": "sc://octo/app/registry"}
"""A job with a service connection."""

GENERIC: Claims = {"sub": "job:app:main"}
"""A job of any other system."""
