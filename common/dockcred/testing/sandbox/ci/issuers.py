"""The issuers, each with its own claims and endpoints."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from dockcred.testing.sandbox.ci import jobs
from dockcred.testing.sandbox.ci.issuer import Issuer, document
from dockcred.testing.sandbox.messages import Request, Response
from dockcred.testing.sandbox.service import Reason, Refusal


class GitHubActions(Issuer):
    """token.actions.githubusercontent.com, and the endpoint for a job's token.

    `request_token` is the job's token for that endpoint; a job has it only with
    `id-token: write`. Without an audience, the token is for the owner's GitHub page.
    """

    name = "github-actions"
    issuer = "https://token.actions.githubusercontent.com"
    keys_path = "/.well-known/jwks"
    typical = jobs.GITHUB
    service_host = "pipelinesghubeus1.actions.githubusercontent.com"

    def __init__(self, loopback_url: Callable[[], str]) -> None:
        super().__init__(loopback_url)
        self.start_job()

    def start_job(self) -> None:
        """Start the next job: it has another endpoint and another request token."""
        self.request_token = f"request-{secrets.token_hex(16)}"
        self.request_path = f"/idtoken/{secrets.token_hex(8)}/{secrets.token_hex(8)}"

    @property
    def request_url(self) -> str:
        """Return ACTIONS_ID_TOKEN_REQUEST_URL, which has a query already."""
        base = self._loopback_url()
        start = self.url if base else f"https://{self.service_host}"
        return f"{start}{self.request_path}?api-version=2.0"

    def has_host(self, host: str) -> bool:
        """See Service."""
        return super().has_host(host) or host == self.service_host

    def operation(self, request: Request) -> str:
        """See Service."""
        return "token" if self._asks(request) else super().operation(request)

    def answer(self, request: Request, now: float) -> Response:
        """See Service."""
        if not self._asks(request):
            return super().answer(request, now)
        if request.method != "GET":
            raise Refusal(Reason.UNKNOWN_OPERATION, "GET is what is served here")
        scheme, _, token = request.header("authorization").partition(" ")
        if scheme.lower() != "bearer" or token != self.request_token:
            raise Refusal(Reason.UNSIGNED, "the request token is not this job's")
        if self._path(request) != self.request_path:
            raise Refusal(Reason.DENIED, "the request token is of another job")
        if request.parameters.get("api-version") != "2.0":
            raise Refusal(Reason.INVALID, "no api-version")
        owner = self.job["repository_owner"]
        audience = request.parameters.get("audience") or f"https://github.com/{owner}"
        value = self.token(audience)
        return document({"count": len(value), "value": value})

    def _asks(self, request: Request) -> bool:
        return self._path(request).startswith("/idtoken/")


class GitLab(Issuer):
    """gitlab.com, or a self-managed GitLab: tokens come in variables."""

    name = "gitlab"
    issuer = "https://gitlab.com"
    keys_path = "/oauth/discovery/keys"
    typical = jobs.GITLAB
    life_s = 3600.0


class Kubernetes(Issuer):
    """A cluster's API server: tokens are mounted into pods as files."""

    name = "kubernetes"
    issuer = "https://kubernetes.default.svc.cluster.local"
    keys_path = "/openid/v1/jwks"
    typical = jobs.KUBERNETES
    life_s = 3600.0


class CircleCI(Issuer):
    """CircleCI: `circleci run oidc get` issues a token for an audience."""

    name = "circleci"
    issuer = "https://oidc.circleci.com/org/b2f1a6d0-1111-4000-8000-0000000000aa"
    keys_path = "/.well-known/jwks-pub.json"
    typical = jobs.CIRCLECI


class Buildkite(Issuer):
    """Buildkite: `buildkite-agent oidc request-token` issues one for five minutes."""

    name = "buildkite"
    issuer = "https://agent.buildkite.com"
    keys_path = "/.well-known/jwks"
    typical = jobs.BUILDKITE


class AzurePipelines(Issuer):
    """Azure Pipelines: one POST with the job's token, for one fixed audience.

    The request is that of azure-identity's AzurePipelinesCredential.
    """

    name = "azure-pipelines"
    issuer = "https://vstoken.dev.azure.com/b2f1a6d0-2222-4000-8000-0000000000bb"
    keys_path = "/.well-known/jwks"
    typical = jobs.AZURE_PIPELINES
    audience = "api://AzureADTokenExchange"
    life_s = 600.0
    request_path = "/octo/_apis/distributedtask/hubs/build/plans/p-1/jobs/j-1/oidctoken"

    def __init__(self, loopback_url: Callable[[], str]) -> None:
        super().__init__(loopback_url)
        self.access_token = f"job-{secrets.token_hex(16)}"
        self.service_connection = "5c1c1f0e-7a3f-4d0e-9a57-1b6a0f8a0b33"

    @property
    def request_url(self) -> str:
        """Return SYSTEM_OIDCREQUESTURI."""
        base = self._loopback_url()
        start = self.url if base else "https://dev.azure.com"
        return f"{start}{self.request_path}"

    def has_host(self, host: str) -> bool:
        """See Service."""
        return super().has_host(host) or host == "dev.azure.com"

    def operation(self, request: Request) -> str:
        """See Service."""
        asks = self._path(request) == self.request_path
        return "token" if asks else super().operation(request)

    def answer(self, request: Request, now: float) -> Response:
        """See Service."""
        if self._path(request) != self.request_path:
            return super().answer(request, now)
        if request.header("authorization") != f"Bearer {self.access_token}":
            raise Refusal(Reason.UNSIGNED, "the access token is not this job's")
        asked = request.parameters
        if request.method != "POST" or not asked.get("api-version"):
            raise Refusal(Reason.UNKNOWN_OPERATION, "POST with an api-version")
        if asked.get("serviceConnectionId") != self.service_connection:
            raise Refusal(Reason.DENIED, "no such service connection for this job")
        return document({"oidcToken": self.token(self.audience)})


class GoogleAccounts(Issuer):
    """Google's issuer: the metadata server issues tokens of the machine's account."""

    name = "google-accounts"
    issuer = "https://accounts.google.com"
    keys_path = "/oauth2/v3/certs"
    life_s = 3600.0


class Generic(Issuer):
    """Any other issuer."""

    name = "issuer"
    issuer = "https://issuer.example.com"
    keys_path = "/keys"
    typical = jobs.GENERIC
