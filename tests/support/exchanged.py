"""A CI job whose OIDC token is exchanged for a password, which is cached."""

from __future__ import annotations

from dockcred.testing.sandbox import Sandbox


def exchanged(cloud: Sandbox, name: str) -> dict[str, str]:
    """Return the variables of a CI job; make the sandbox's endpoint trust its token."""
    ci = cloud.ci
    ci.audience = "https://sts.example.com"
    issuer = {
        "ci-gitlab": ci.gitlab,
        "ci-kubernetes": ci.kubernetes,
        "ci-circleci": ci.circleci,
        "ci-buildkite": ci.buildkite,
        "ci-variable": ci.generic,
        "ci-command": ci.generic,
    }.get(name, ci.github)
    trust = ci.sts.trusted[ci.sts.client]
    trust.issuer, trust.subject = issuer, str(issuer.job["sub"])
    return cloud.environment(name) | {
        "DOCKCRED_OIDC_EXCHANGE": f"{cloud.url}/ci/sts/token",
        "DOCKCRED_OIDC_EXCHANGE_AS": ci.sts.client,
        "DOCKCRED_OIDC_EXCHANGE_AUDIENCE": "registry.example.com",
        "DOCKCRED_OIDC_EXCHANGE_SCOPE": ci.sts.scope,
    }
