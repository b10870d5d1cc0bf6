"""Registries with an exchange of their own: Chainguard, Docker Hub, Quay."""

from __future__ import annotations

from dockcred.clients.reference import HUB_NAMES
from dockcred.errors import InvalidInputError
from dockcred.providers.oidc import exchanges, id_token
from dockcred.providers.oidc.exchanges import exchange
from dockcred.transport.http import is_temporary_for_one, request, with_retries
from dockcred.transport.target import is_loopback, urlencode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.credential import Credential, ServerURL
    from dockcred.providers.oidc.id_token import IDToken
    from dockcred.system.environment import Environment

REGISTRY = "cgr.dev"
CHAINGUARD_URL = "https://issuer.enforce.dev/sts/exchange"


class Chainguard:
    """The exchange of Chainguard, for one identity."""

    sources: tuple[str, ...] = ()
    username = "user"

    def __init__(self, server: ServerURL, environment: Environment) -> None:
        """Check the registry, and read the identity's id."""
        if server.host != REGISTRY:
            raise exchanges.refuse_host(server, "chainguard", REGISTRY)
        self._identity = exchanges.named_as(environment, "the identity's id")
        self.role = f"the identity {self._identity}"
        self._environment = environment

    def credential(self, token: IDToken) -> Credential:
        """Exchange the token for the registry's password."""
        query = urlencode({"aud": REGISTRY, "identity": self._identity})
        answer = with_retries(
            lambda: request(
                "GET",
                f"{CHAINGUARD_URL}?{query}",
                self._environment,
                headers={
                    "authorization": f"Bearer {token.value}",
                    "accept": "application/json",
                },
            ),
            is_temporary_for_one,
        )
        return id_token.credential(
            answer,
            CHAINGUARD_URL,
            self.username,
            "token",
            "see the identity's claim match, and the audience of the token",
        )


DOCKER_HUB_URL = "https://identity.docker.com/oauth/token"
LIFE_S = 3600


class DockerHub:
    """The exchange of Docker Hub, for one connection of an organisation."""

    sources: tuple[str, ...] = ()

    def __init__(self, server: ServerURL, environment: Environment) -> None:
        """Check the registry; read the connection's id and the organisation."""
        if server.host not in HUB_NAMES:
            raise exchanges.refuse_host(server, "docker-hub", "Docker Hub's hosts")
        self._connection = exchanges.named_as(environment, "the connection's id")
        self.role = f"the connection {self._connection}"
        self.username = exchanges.username(environment, "")
        if not self.username:
            raise InvalidInputError(
                "Docker Hub needs the organisation's name: "
                f"{exchanges.USERNAME} is not set",
                "set it, or token_username at the registry in config.toml",
            )
        self._environment = environment

    def credential(self, token: IDToken) -> Credential:
        """Exchange the token for an access token that is valid for an hour."""
        fields = {"connection_id": self._connection, "expires_in": str(LIFE_S)}
        return exchange(
            DOCKER_HUB_URL,
            token,
            fields,
            self._environment,
            username=self.username,
            remedy="see the connection's rules, and that the token is for the "
            "audience https://identity.docker.com",
        )


class Quay:
    """The exchange of quay.io or of a self-hosted Quay, for one robot account."""

    sources: tuple[str, ...] = ()

    def __init__(self, server: ServerURL, environment: Environment) -> None:
        """Read the registry's URL and the robot's name."""
        scheme = "http" if is_loopback(server.host) else "https"
        port = f":{server.port}" if server.port else ""
        self._url = f"{scheme}://{server.host}{port}/oauth2/federation/robot/token"
        self.username = exchanges.named_as(environment, "the robot's name")
        self.role = f"the robot {self.username}"
        self._environment = environment

    def credential(self, token: IDToken) -> Credential:
        """Send robot and token; return the robot's password, valid for an hour."""
        from binascii import b2a_base64  # noqa: PLC0415 - this exchange only

        basic = b2a_base64(f"{self.username}:{token.value}".encode(), newline=False)
        answer = with_retries(
            lambda: request(
                "GET",
                self._url,
                self._environment,
                headers={
                    "authorization": f"Basic {basic.decode()}",
                    "accept": "application/json",
                },
            ),
            is_temporary_for_one,
        )
        return id_token.credential(
            answer,
            self._url,
            self.username,
            "token",
            "see the robot's federation: the issuer and subject that it trusts",
        )
