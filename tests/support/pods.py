"""A Kubernetes cluster whose pods' tokens are exchanged at each supported endpoint."""

from __future__ import annotations

import json
import time
from pathlib import Path

from dockcred.testing.sandbox import Sandbox
from dockcred.testing.sandbox.aws.principals import ACCOUNT, Role
from dockcred.testing.sandbox.azure.directory import TENANT, Principal
from dockcred.testing.sandbox.google import sts as google_sts
from support.kubelet import account_claims, request

SUBJECT = "system:serviceaccount:team:builder"
ECR = f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com"
POOL = google_sts.PROVIDERS["oidc"]
IMAGES = {
    "aws": f"{ECR}/team/app",
    "azure": "teamregistry.azurecr.io/app",
    "google": "europe-docker.pkg.dev/project/app",
    "docker-hub": "docker.io/octo/app",
    "quay": "quay.io/octo/app",
    "chainguard": "cgr.dev/octo/app",
    "jfrog": "acme.jfrog.io/docker/app",
    "cloudsmith": "docker.cloudsmith.io/acme/team/app",
    "sts": "registry.example.com/team/app",
}
AUDIENCES = {
    "aws": "sts.amazonaws.com",
    "azure": "api://AzureADTokenExchange",
    "google": f"https:{POOL}",
    "docker-hub": "https://identity.docker.com",
    "quay": "https://quay.io",
    "chainguard": "cgr.dev",
    "jfrog": "jfrog-github",
    "cloudsmith": "cloudsmith",
    "sts": "https://sts.example.com",
}


class Cluster:
    """A cluster. Each endpoint trusts its issuer, for the account team/builder only."""

    def __init__(
        self, cloud: Sandbox, environment: dict[str, str], directory: Path
    ) -> None:
        self.cloud = cloud
        self.issuer = cloud.ci.kubernetes
        self._environment = environment
        self._config = directory / "config.toml"
        cloud.aws.issuer = cloud.azure.cluster = cloud.google.issuer = self.issuer
        for exchange in cloud.ci.exchanges:
            for trust in exchange.trusted.values():
                trust.issuer, trust.subject = self.issuer, SUBJECT
        self.role = cloud.aws.add_role(Role(ACCOUNT, "pull", trusts=SUBJECT))
        self.application = cloud.azure.directory.add(Principal("pull", subject=SUBJECT))

    def token(self, kind: str, name: str = "builder", **changes: object) -> str:
        """Return a token as the API server issues it for kubelet: `aud` is a list."""
        return self.issuer.token(
            AUDIENCES[kind],
            **{
                "aud": [AUDIENCES[kind]],
                "sub": f"system:serviceaccount:team:{name}",
                **account_claims("team", name, f"uid-{name}"),
                **changes,
            },
        )

    def settings(self, kind: str) -> dict[str, str]:
        """Return the [[registry]] entry of config.toml for one exchange."""
        ci = self.cloud.ci
        own = {
            "aws": {"role_arn": self.role.arn},
            "azure": {"client_id": self.application.client_id, "tenant_id": TENANT},
            "google": {"workload_identity_provider": POOL},
            "docker-hub": {
                "exchange_as": ci.docker_hub.connection,
                "token_username": ci.docker_hub.organisation,
            },
            "quay": {"exchange_as": ci.quay.robot},
            "chainguard": {"exchange_as": ci.chainguard.identity},
            "jfrog": {"exchange_as": ci.jfrog.provider, "token_username": "ci-builder"},
            "cloudsmith": {"exchange_as": ci.cloudsmith.service},
            "sts": {
                "exchange": "https://sts.example.com/ci/sts/token",
                "exchange_as": ci.sts.client,
                "exchange_audience": "registry.example.com",
                "exchange_scope": ci.sts.scope,
                "token_username": "JWT",
            },
        }[kind]
        return {
            "match": IMAGES[kind].partition("/")[0],
            "identity": "oidc",
            "exchange": kind,
            "token_audience": AUDIENCES[kind],
            "token_username": "kubernetes",
            **own,
        }

    def variables(self, settings: dict[str, str]) -> dict[str, str]:
        """Write the node's config.toml; return kubelet's variables."""
        lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
        self._config.write_text("\n".join(("[[registry]]", *lines, "")))
        self._config.chmod(0o644)
        return self._environment | {"DOCKCRED_CONFIG": str(self._config)}


def asked_as(kind: str, token: str, **annotations: str) -> bytes:
    """Return kubelet's request for the image of one exchange."""
    return request(
        IMAGES[kind],
        serviceAccountToken=token,
        serviceAccountAnnotations=annotations,
    )


def is_let_in(cluster: Cluster, kind: str, login: dict[str, str]) -> bool:
    """Return whether the registry accepts a login, and as team/builder's."""
    host = IMAGES[kind].partition("/")[0]
    user, secret = login["username"], login["password"]
    if kind in {"aws", "azure", "google"}:
        minted = cluster.cloud.minted(secret)
        return minted is not None and not minted.principal.endswith("thief")
    return cluster.cloud.ci.admits(user, secret, host, time.time())
