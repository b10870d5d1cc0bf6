"""CI systems in the sandbox: issuers of job tokens, and jobs as identities.

issuer       what all OpenID issuers have: discovery, keys, tokens
issuers      GitHub, GitLab, Kubernetes and the others, each with its claims
jobs         the claims of one job of each
identities   what each leaves in a job's home and variables
exchanges    services that exchange a job's token for a registry's password
platforms    two more exchanges, which take JSON
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from dockcred.testing.sandbox.ci.exchanges import (
    Chainguard,
    DockerHub,
    Quay,
    TokenExchange,
)
from dockcred.testing.sandbox.ci.identities import IDENTITIES, Workplace
from dockcred.testing.sandbox.ci.issuers import (
    AzurePipelines,
    Buildkite,
    CircleCI,
    Generic,
    GitHubActions,
    GitLab,
    GoogleAccounts,
    Kubernetes,
)
from dockcred.testing.sandbox.ci.platforms import Cloudsmith, JFrog
from dockcred.testing.sandbox.service import Minted, Refusal, Service, Subject


class CI:
    """All issuers, and a registry that accepts their tokens as passwords.

    The registry is `registry`: user `JWT`, and a token for `audience`. Registries and
    token services that verify ID tokens themselves work like this.
    """

    identities = IDENTITIES
    subject = Subject(
        provider="oidc",
        hosts=(
            "registry.example.com",
            "registry.example.org",
        ),
        nobody="ci-nobody",
        somebody="ci-github",
    )
    needs_tls = False
    registry = "registry.example.com"
    audience = "https://registry.example.com"

    def __init__(self, loopback_url: Callable[[], str]) -> None:
        """Take a function that returns the server's URL, "" with real names."""
        self.github = GitHubActions(loopback_url)
        self.gitlab = GitLab(loopback_url)
        self.kubernetes = Kubernetes(loopback_url)
        self.circleci = CircleCI(loopback_url)
        self.buildkite = Buildkite(loopback_url)
        self.azure_pipelines = AzurePipelines(loopback_url)
        self.google = GoogleAccounts(loopback_url)
        self.generic = Generic(loopback_url)
        self.issuers = (
            self.github,
            self.gitlab,
            self.kubernetes,
            self.circleci,
            self.buildkite,
            self.azure_pipelines,
            self.google,
            self.generic,
        )
        self.docker_hub = DockerHub(self)
        self.quay = Quay(self)
        self.chainguard = Chainguard(self)
        self.sts = TokenExchange(self)
        self.jfrog = JFrog(self)
        self.cloudsmith = Cloudsmith(self)
        self.exchanges = (
            self.docker_hub,
            self.quay,
            self.chainguard,
            self.sts,
            self.jfrog,
            self.cloudsmith,
        )
        self.services: tuple[Service, ...] = (*self.issuers, *self.exchanges)

    def environment(
        self, identity: str, *, home: Path, url: str, tls: bool
    ) -> dict[str, str]:
        """Write the identity's files below `home` and return its variables."""
        del tls  # the issuers know their own URLs
        return IDENTITIES[identity](Workplace(self, home, url))

    def minted(self, password: str) -> Minted | None:
        """Return None: an ID token is not issued for a registry."""
        del password
        return None

    def admits(self, username: str, password: str, host: str, now: float) -> bool:
        """Return whether the registry at this host would accept the password."""
        name = host.lower().partition(":")[0]
        if any(e.admits(username, password, name, now) for e in self.exchanges):
            return True
        if username != "JWT" or name != self.registry:
            return False
        for issuer in self.issuers:
            try:
                issuer.verify(password, audience=self.audience, now=now)
            except Refusal:
                continue
            return True
        return False
