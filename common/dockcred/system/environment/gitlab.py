"""Variables that choose a GitLab identity: those of a CI job, and those of glab."""

from __future__ import annotations

PLACES = ("GITLAB_HOST", "GITLAB_URI", "GL_HOST")
"""Each names the GitLab that glab uses; the first that is set counts."""

VARIABLES = (
    # GitLab sets these in a CI job.
    "CI_REGISTRY",
    "CI_REGISTRY_USER",
    "CI_DEPLOY_USER",
    "CI_DEPENDENCY_PROXY_SERVER",
    "CI_DEPENDENCY_PROXY_USER",
    "CI_SERVER_FQDN",
    # glab reads these.
    *PLACES,
    "GLAB_USER",
    "GLAB_CONFIG_DIR",
    "DOCKCRED_GITLAB_HOSTS",
    "DOCKCRED_GITLAB_INSTANCE",
)

TOKENS = ("GITLAB_TOKEN", "GITLAB_ACCESS_TOKEN", "OAUTH_TOKEN")
"""Variables with glab's token, in the order in which glab reads them."""

SECRETS = (
    "CI_REGISTRY_PASSWORD",
    "CI_JOB_TOKEN",
    "CI_DEPLOY_PASSWORD",
    "CI_DEPENDENCY_PROXY_PASSWORD",
    *TOKENS,
)

MEANINGS = {
    "DOCKCRED_GITLAB_HOSTS": "self-managed GitLabs, separated by commas, each as "
    "gitlab.example.com, or as REGISTRY=GITLAB where its registry is elsewhere than at "
    "registry.gitlab.example.com and gitlab.example.com",
    "DOCKCRED_GITLAB_INSTANCE": 'the GitLab of a registry with `identity = "gitlab"`; '
    "without it the registry's host is registry.GITLAB or GITLAB",
}
"""What our own variables mean, for the manual and the documentation."""
