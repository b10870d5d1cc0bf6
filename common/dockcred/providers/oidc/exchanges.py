"""Exchange a job's ID token: for nothing, for a cloud's password, or by RFC 8693."""

from __future__ import annotations

import time

from dockcred.credential import Credential
from dockcred.errors import InvalidInputError
from dockcred.identity import web_identity
from dockcred.providers.oidc import id_token
from dockcred.system.environment import google
from dockcred.system.version import __version__
from dockcred.transport.http import is_temporary_for_one, request, with_retries
from dockcred.transport.target import Target, urlencode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Protocol

    from dockcred.credential import ServerURL
    from dockcred.identity.provider import Provider
    from dockcred.providers.oidc.id_token import IDToken
    from dockcred.system.environment import Environment

    class Exchange(Protocol):
        """A kind of exchange; `sources` are its rows, in addition to that of the token.

        `username` is the user name for the registry. `role` says in words what is asked
        for with the token.
        """

        sources: tuple[str, ...]
        username: str
        role: str

        def credential(self, token: IDToken) -> Credential:
            """Return the credential for the registry."""


CHOICE = "DOCKCRED_OIDC_EXCHANGE"
USERNAME = "DOCKCRED_OIDC_USERNAME"
AS = "DOCKCRED_OIDC_EXCHANGE_AS"
DEFAULT_USERNAME = "JWT"
_CLOUDS = ("aws", "azure", "google")
_OWN = {
    "docker-hub": ("registries", "DockerHub"),
    "quay": ("registries", "Quay"),
    "chainguard": ("registries", "Chainguard"),
    "jfrog": ("platforms", "JFrog"),
    "cloudsmith": ("platforms", "Cloudsmith"),
}


def choose(
    server: ServerURL, environment: Environment, load: Callable[[str], Provider]
) -> Exchange:
    """Return the exchange that is configured; no request is sent yet.

    Raises InvalidInputError where there is no such exchange, or not for this registry.
    """
    kind = environment.get(CHOICE)
    if not kind:
        return Plain(environment)
    if kind in _CLOUDS:
        return CloudExchange(kind, server, environment, load)
    if kind.startswith(("https://", "http://")):
        return Endpoint(kind, environment)
    if kind not in _OWN:
        raise InvalidInputError(
            f"{CHOICE} names no exchange",
            f"choose of {', '.join((*_OWN, *_CLOUDS))}, an https URL, or none",
        )
    module, name = _OWN[kind]
    where = __import__(f"{__package__}.{module}", fromlist=[name])
    found: Exchange = getattr(where, name)(server, environment)
    return found


class Plain:
    """The token itself as the password; the registry verifies it. It is not cached."""

    sources: tuple[str, ...] = ("oidc:plain",)
    role = ""

    def __init__(self, environment: Environment) -> None:
        """Read the user name that goes with the token."""
        self.username = username(environment)

    def credential(self, token: IDToken) -> Credential:
        """Return the token unchanged."""
        return Credential(self.username, token.value, time.time(), token.expires_at)


def username(environment: Environment, default: str = DEFAULT_USERNAME) -> str:
    """Return the user name for the registry; raise InvalidInputError for a wrong one.

    A colon is wrong: in Basic authentication it would end the name (RFC 7617).
    """
    name = environment.get(USERNAME, default)
    if not name.isprintable() or ":" in name:
        raise InvalidInputError(f"{USERNAME} is no user name", "fix it")
    return name


def named_as(environment: Environment, what: str) -> str:
    """Return the identity's name at an exchange.

    Raises InvalidInputError where it is not set; `what` describes it in the error.
    """
    name = environment.get(AS)
    if not name or not name.isprintable():
        raise InvalidInputError(
            f"the exchange needs {what}: {AS} is not set",
            "set it, or exchange_as at the registry in config.toml",
        )
    return name


def refuse_host(server: ServerURL, kind: str, hosts: str) -> InvalidInputError:
    """Return the error for a registry that does not belong to the exchange."""
    return InvalidInputError(
        f"the exchange {kind} serves {hosts}, and {server.host} is none of them",
        "fix the registry's entry in config.toml",
    )


_PROVIDERS = {"aws": "ecr", "azure": "acr", "google": "google"}
_ROLES = {"aws": "the role", "azure": "the application", "google": "the provider"}
_SESSION = "AWS_ROLE_SESSION_NAME"


class CloudExchange:
    """The exchange at a cloud, by that cloud's own provider."""

    def __init__(
        self,
        kind: str,
        server: ServerURL,
        environment: Environment,
        load: Callable[[str], Provider],
    ) -> None:
        """Check that the registry is the cloud's, and that the role is configured."""
        self._kind = kind
        self._server = server
        self._environment = environment
        self._provider = load(_PROVIDERS[kind])
        if not self._provider.matches(server):
            raise refuse_host(server, kind, f"the hosts of {self._provider.program}")
        self._named = {"aws": self._aws, "azure": self._azure, "google": self._google}[
            kind
        ]()
        self.role = f"{_ROLES[kind]} {self._named[0]}"
        self.sources: tuple[str, ...] = (f"oidc:to-{kind}",)
        self.username = self._provider.username(server, environment)

    def credential(self, token: IDToken) -> Credential:
        """Return the provider's answer; variables point the provider to the token."""
        value, named = token.value, self._named
        if self._kind == "aws":
            variables = web_identity.aws(value, named[0], named[1] or token.subject)
        elif self._kind == "azure":
            variables = web_identity.azure(value, *named)
        else:
            origin = "the service account to impersonate"
            universe = google.universe_of(self._server.host, self._environment)
            variables = web_identity.google(value, *named, origin, universe)
        asked = self._environment.with_values(variables)
        return self._provider.identity(self._server, asked).issue()

    def _aws(self) -> tuple[str, str]:
        role = self._environment.first("DOCKCRED_AWS_ROLE_ARN", "AWS_ROLE_ARN")
        _need(role, "the role's ARN: AWS_ROLE_ARN", "role_arn")
        return role, self._environment.get(_SESSION)

    def _azure(self) -> tuple[str, str]:
        client = self._environment.get("AZURE_CLIENT_ID")
        tenant = self._environment.get("AZURE_TENANT_ID")
        _need(client, "the application: AZURE_CLIENT_ID", "client_id")
        _need(tenant, "the tenant: AZURE_TENANT_ID", "tenant_id")
        return client, tenant

    def _google(self) -> tuple[str, str]:
        pool = self._environment.get("DOCKCRED_GOOGLE_AUDIENCE")
        name = "workload_identity_provider"
        _need(pool, "the pool's provider: DOCKCRED_GOOGLE_AUDIENCE", name)
        return pool, self._environment.first(
            "GOOGLE_IMPERSONATE_SERVICE_ACCOUNT", "DOCKCRED_GOOGLE_SERVICE_ACCOUNT"
        )


def _need(value: str, what: str, setting: str) -> None:
    if not value:
        raise InvalidInputError(
            f"the exchange needs {what} is not set",
            f"set it, or {setting} at the registry in config.toml",
        )


GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105 - a name
_OPTIONAL = {
    "client_id": AS,
    "audience": "DOCKCRED_OIDC_EXCHANGE_AUDIENCE",
    "scope": "DOCKCRED_OIDC_EXCHANGE_SCOPE",
}


def exchange(
    url: str,
    token: IDToken,
    fields: Mapping[str, str],
    environment: Environment,
    *,
    username: str,
    remedy: str,
) -> Credential:
    """Post a token with more fields; the access token in the answer is the password."""
    form = {
        "grant_type": GRANT,
        "subject_token_type": ID_TOKEN,
        **fields,
        "subject_token": token.value,
    }
    answer = with_retries(
        lambda: request(
            "POST",
            url,
            environment,
            headers={
                "content-type": "application/x-www-form-urlencoded",
                "accept": "application/json",
                "user-agent": f"dockcred/{__version__}",
            },
            body=urlencode(form).encode(),
        ),
        is_temporary_for_one,
    )
    return id_token.credential(answer, url, username, "access_token", remedy)


class Endpoint:
    """An endpoint whose URL is configured; it is https unless it is on this machine."""

    sources: tuple[str, ...] = ()

    def __init__(self, url: str, environment: Environment) -> None:
        """Check the URL; InvalidInputError where a token may not be sent there."""
        Target(url)
        self._url = url
        self.username = username(environment)
        client = environment.get(AS)
        self.role = f"the client {client}" if client else ""
        self._environment = environment

    def credential(self, token: IDToken) -> Credential:
        """Exchange the token."""
        get = self._environment.get
        fields = {name: get(variable) for name, variable in _OPTIONAL.items()}
        fields["subject_token_type"] = get("DOCKCRED_OIDC_SUBJECT_TOKEN_TYPE", ID_TOKEN)
        return exchange(
            self._url,
            token,
            {name: value for name, value in fields.items() if value},
            self._environment,
            username=self.username,
            remedy="see the audience, scope and trust that it has for this issuer",
        )
