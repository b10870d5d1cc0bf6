"""What selects a CI job's identity, or leads its token elsewhere."""

from __future__ import annotations

HUB_CONNECTION = "DOCKERHUB_OIDC_CONNECTIONID"
"""docker/login-action's: the id of an organisation's connection at Docker Hub."""

VARIABLES = (
    HUB_CONNECTION,
    "DOCKCRED_OIDC_HOSTS",
    "DOCKCRED_OIDC_AUDIENCE",
    "DOCKCRED_OIDC_SOURCE",
    "DOCKCRED_OIDC_TOKEN_FILE",
    "DOCKCRED_OIDC_TOKEN_VARIABLE",
    "DOCKCRED_OIDC_TOKEN_COMMAND",
    "DOCKCRED_OIDC_SERVICE_CONNECTION",
    "DOCKCRED_OIDC_USERNAME",
    "DOCKCRED_OIDC_EXCHANGE",
    "DOCKCRED_OIDC_EXCHANGE_AS",
    "DOCKCRED_OIDC_EXCHANGE_AUDIENCE",
    "DOCKCRED_OIDC_EXCHANGE_SCOPE",
    "DOCKCRED_OIDC_SUBJECT_TOKEN_TYPE",
    "DOCKCRED_GOOGLE_AUDIENCE",
    "DOCKCRED_GOOGLE_SERVICE_ACCOUNT",
    # Which job this is: the next one on the same runner has others.
    "GITHUB_ACTIONS",
    "GITHUB_REPOSITORY",
    "GITHUB_RUN_ID",
    "GITHUB_RUN_ATTEMPT",
    "GITHUB_JOB",
    "ACTIONS_ID_TOKEN_REQUEST_URL",
    "GITLAB_CI",
    "CI_SERVER_URL",
    "CI_JOB_ID",
    "CIRCLECI",
    "CIRCLE_WORKFLOW_JOB_ID",
    "BUILDKITE",
    "BUILDKITE_JOB_ID",
    "TF_BUILD",
    "SYSTEM_OIDCREQUESTURI",
)

SECRETS = (
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "SYSTEM_ACCESSTOKEN",
    "CIRCLE_OIDC_TOKEN",
    "CIRCLE_OIDC_TOKEN_V2",
)

MEANINGS = {
    "DOCKCRED_OIDC_HOSTS": "the hosts that get a job's token, separated by commas",
    "DOCKCRED_OIDC_AUDIENCE": "whom the job's token is for; nothing without it",
    "DOCKCRED_OIDC_SOURCE": "where the token comes from, by name; found without it",
    "DOCKCRED_OIDC_TOKEN_FILE": "a file with the token, by its absolute path",
    "DOCKCRED_OIDC_TOKEN_VARIABLE": "the variable that holds the token",
    "DOCKCRED_OIDC_TOKEN_COMMAND": "a program that prints the token, by its absolute "
    "path, with its arguments",
    "DOCKCRED_OIDC_SERVICE_CONNECTION": "Azure Pipelines' service connection, by id",
    "DOCKCRED_OIDC_USERNAME": "the user name; JWT without it",
    "DOCKCRED_OIDC_EXCHANGE": "who gives a password for the token: docker-hub, quay, "
    "chainguard, aws, azure, google or an RFC 8693 endpoint's URL",
    "DOCKCRED_OIDC_EXCHANGE_AS": "who one is there: a connection, robot, identity or "
    "client",
    "DOCKCRED_OIDC_EXCHANGE_AUDIENCE": "the audience to ask an RFC 8693 endpoint for",
    "DOCKCRED_OIDC_EXCHANGE_SCOPE": "the scope to ask it for",
    "DOCKCRED_OIDC_SUBJECT_TOKEN_TYPE": "what it takes the token for; an ID token "
    "without it",
}
"""What our own variables mean, for the manual and the documentation."""
