"""Docker Hub's OIDC connections: a connection's id, and an organisation's name.

docs.docker.com, "OIDC connections"; the request is that of docker/login-action
(src/dockerhub.ts). The job's token is for the audience https://identity.docker.com.
"""

from __future__ import annotations

from dockcred.errors import InvalidInputError
from dockcred.providers.oidc import exchanges
from dockcred.providers.oidc.token_exchange import exchange
from dockcred.reference import HUB_NAMES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.credential import Credential
    from dockcred.environment import Environment
    from dockcred.providers.oidc.id_token import IDToken
    from dockcred.server_url import ServerURL

URL = "https://identity.docker.com/oauth/token"
LIFE_S = 3600


class DockerHub:
    """One organisation's connection."""

    sources: tuple[str, ...] = ()

    def __init__(self, server: ServerURL, environment: Environment) -> None:
        """Check the registry and who one is there."""
        if server.host not in HUB_NAMES:
            raise exchanges.refuse_host(server, "docker-hub", "Docker Hub's hosts")
        self._connection = exchanges.named_as(environment, "the connection's id")
        self._organisation = exchanges.username(environment, "")
        if not self._organisation:
            raise InvalidInputError(
                "Docker Hub needs the organisation's name: "
                f"{exchanges.USERNAME} is not set",
                "set it, or token_username at the registry in config.toml",
            )
        self._environment = environment

    def credential(self, token: IDToken) -> Credential:
        """Exchange the token for an hour's access token."""
        fields = {"connection_id": self._connection, "expires_in": str(LIFE_S)}
        return exchange(
            URL,
            token,
            fields,
            self._environment,
            username=self._organisation,
            remedy="see the connection's rules, and that the job's token is for the "
            "audience https://identity.docker.com",
        )
