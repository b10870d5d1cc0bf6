"""Variables that choose a CI job's identity, or where its token goes."""

from __future__ import annotations

HUB_CONNECTION = "DOCKERHUB_OIDC_CONNECTIONID"
"""From docker/login-action: the id of an organisation's connection at Docker Hub."""

CLOUDSMITH_SERVICE = "CLOUDSMITH_SERVICE_SLUG"
CLOUDSMITH_ORGANISATION = ("CLOUDSMITH_WORKSPACE", "CLOUDSMITH_ORG")
CLOUDSMITH_AUDIENCE = "CLOUDSMITH_OIDC_AUDIENCE"
CLOUDSMITH_HOST = "CLOUDSMITH_API_HOST"
CLOUDSMITH_TOKEN = "CLOUDSMITH_OIDC_TOKEN"  # noqa: S105 - a name
"""The variables of Cloudsmith's own command line."""

VARIABLES = (
    HUB_CONNECTION,
    CLOUDSMITH_SERVICE,
    *CLOUDSMITH_ORGANISATION,
    CLOUDSMITH_AUDIENCE,
    CLOUDSMITH_HOST,
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
    "DOCKCRED_OIDC_EXCHANGE_URL",
    "DOCKCRED_OIDC_EXCHANGE_MAPPING",
    "DOCKCRED_OIDC_EXCHANGE_PROJECT",
    "DOCKCRED_OIDC_EXCHANGE_APPLICATION",
    "DOCKCRED_OIDC_SUBJECT_TOKEN_TYPE",
    "DOCKCRED_GOOGLE_AUDIENCE",
    "DOCKCRED_GOOGLE_SERVICE_ACCOUNT",
    # These identify the job: the next one on the same runner has other values.
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
    CLOUDSMITH_TOKEN,
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
    "chainguard, jfrog, cloudsmith, aws, azure, google or an RFC 8693 endpoint's URL",
    "DOCKCRED_OIDC_EXCHANGE_AS": "who one is there: a connection, robot, identity, "
    "client, JFrog's OIDC integration, or Cloudsmith's ORGANISATION/SERVICE",
    "DOCKCRED_OIDC_EXCHANGE_AUDIENCE": "the audience to ask an RFC 8693 endpoint or "
    "JFrog for",
    "DOCKCRED_OIDC_EXCHANGE_SCOPE": "the scope to ask an RFC 8693 endpoint for",
    "DOCKCRED_OIDC_EXCHANGE_URL": "where JFrog's platform or Cloudsmith's API is; "
    "the registry's own host, and api.cloudsmith.io without it",
    "DOCKCRED_OIDC_EXCHANGE_MAPPING": "the identity mapping of JFrog's integration",
    "DOCKCRED_OIDC_EXCHANGE_PROJECT": "JFrog's project, by its key",
    "DOCKCRED_OIDC_EXCHANGE_APPLICATION": "JFrog's application, by its key",
    "DOCKCRED_OIDC_SUBJECT_TOKEN_TYPE": "what it takes the token for; an ID token "
    "without it",
}
"""What our own variables mean, for the manual and the documentation."""
