"""A CI job's own ID token, for the registries that are configured to accept it.

identity       the identity: a source of the token, and an exchange for it
id_token       a token, the checks before it is sent, and the answers to it
jobs, machine  the sources: CI systems, files and variables; programs and metadata
exchanges      gives the token itself, or what a cloud or an endpoint returns for it
registries     the exchanges of Docker Hub, Quay and Chainguard
platforms      the exchanges of JFrog and Cloudsmith, which take JSON
"""

from __future__ import annotations

from dockcred.credential import ServerURL
from dockcred.errors import CredentialsNotFoundError, InvalidInputError
from dockcred.identity.provider import LEASE_S, Provider, Source, is_one_of
from dockcred.system.environment import COMMON, aws, azure, current, google, oidc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dockcred.identity.provider import Identity
    from dockcred.system.environment import Environment


def read(text: str) -> tuple[str, ...]:
    """Parse the hosts in DOCKCRED_OIDC_HOSTS; InvalidInputError for a wrong one."""
    return tuple(map(_host, text.replace(",", " ").split()))


def _host(word: str) -> str:
    try:
        server = ServerURL.parse(word)
    except InvalidInputError:
        server = None
    if server is None or server.scheme or server.path:
        raise InvalidInputError(
            f"DOCKCRED_OIDC_HOSTS names {word!a}, which is no registry's host",
            "write it as registry.example.com or registry.example.com:5000",
        )
    return f"{server.host}:{server.port}" if server.port else server.host


class OIDC(Provider):
    """The provider of `docker-credential-oidc`."""

    name = "oidc"
    program = "docker-credential-oidc"
    names = oidc
    # A cloud may be what exchanges the token, so its variables count too.
    variables = (
        *COMMON,
        *oidc.VARIABLES,
        *aws.VARIABLES,
        *azure.VARIABLES,
        *google.VARIABLES,
    )
    secrets = (*oidc.SECRETS, *aws.SECRETS, *azure.SECRETS, *google.SECRETS)
    sources = (
        # For the file, issuer and subject of the token are conditions of the entry. For
        # the CI systems the cache key holds the job's own address or number. A token
        # that is itself the password is never kept.
        Source("oidc:file", direct=True),
        Source("oidc:github-actions", direct=True),
        Source("oidc:azure-pipelines", direct=True),
        Source("oidc:gitlab"),
        Source("oidc:circleci"),
        Source("oidc:buildkite"),
        Source("oidc:google", lease_s=LEASE_S, direct=True),
        # The cache key holds the service account: see protocol.kubelet.service_account.
        Source("oidc:kubelet"),
        # These are for the password that a cloud's own provider got for the token.
        Source("oidc:to-aws", direct=True),
        Source("oidc:to-azure", direct=True),
        Source("oidc:to-google"),
    )

    def __init__(
        self, load: Callable[[str], Provider], chosen: tuple[str, ...] = ()
    ) -> None:
        """Serve the chosen hosts and the variable's; `load` returns a provider."""
        text = current().get("DOCKCRED_OIDC_HOSTS")
        self._hosts = (*chosen, *(read(text) if text else ()))
        self._load = load

    def matches(self, server: ServerURL) -> bool:
        """Return whether the host is chosen; http is allowed on this machine only."""
        return is_one_of(server, self._hosts)

    def by_variables(
        self,
        server: ServerURL,
        environment: Environment,
        named: Callable[[], Iterable[str]],
    ) -> tuple[Provider, dict[str, str]] | None:
        """Return this provider for Docker Hub or Cloudsmith, if variables ask for it.

        docker/login-action also reads DOCKERHUB_OIDC_CONNECTIONID. The variables for
        Cloudsmith are those of its own command line.
        """
        del named
        from dockcred.clients.reference import HUB_NAMES  # noqa: PLC0415 - such a job

        chosen = OIDC(self._load, (server.host,))
        said: dict[str, str] = {}
        if server.host in HUB_NAMES:
            said = _of_docker_hub(environment)
        elif server.host == CLOUDSMITH:
            said = _of_cloudsmith(environment)
        return (chosen, said) if said and chosen.matches(server) else None

    def serves_anonymous(self, server: ServerURL) -> bool:
        """Return False: who configures a job's identity wants it to be used."""
        del server
        return False

    def own_servers(self, environment: Environment) -> tuple[str, ...]:
        """Return the hosts in DOCKCRED_OIDC_HOSTS."""
        text = environment.get("DOCKCRED_OIDC_HOSTS")
        return read(text) if text else ()

    def username(self, server: ServerURL, environment: Environment) -> str:
        """Return the user name for the token, or for the password that replaces it."""
        from dockcred.providers.oidc import exchanges  # noqa: PLC0415 - for `list`

        return exchanges.choose(server, environment, self._load).username

    def identity(self, server: ServerURL, environment: Environment) -> Identity:
        """Choose the source of the token, and the exchange for it."""
        if not self.matches(server):
            raise CredentialsNotFoundError
        from dockcred.providers.oidc.identity import JobIdentity  # noqa: PLC0415

        return JobIdentity(server, environment, self._load)

    def about(
        self, server: ServerURL, principal: str, environment: Environment
    ) -> dict[str, str]:
        """Return the subject of the job's token, or what its source says it is."""
        del server, environment
        return {"subject": principal} if principal else {}


def _of_docker_hub(environment: Environment) -> dict[str, str]:
    connection = environment.get(oidc.HUB_CONNECTION)
    if not connection:
        return {}
    return {
        "DOCKCRED_OIDC_EXCHANGE": "docker-hub",
        "DOCKCRED_OIDC_EXCHANGE_AS": connection,
        "DOCKCRED_OIDC_AUDIENCE": "https://identity.docker.com",
    }


CLOUDSMITH = "docker.cloudsmith.io"
_CLOUDSMITHS_AUDIENCE = "cloudsmith"
_ASKED_FIRST = ("GITHUB_ACTIONS", "CIRCLECI", "BUILDKITE", "SYSTEM_OIDCREQUESTURI")


def _of_cloudsmith(environment: Environment) -> dict[str, str]:
    """Return our settings for Cloudsmith's own variables; {} if they name no service.

    Cloudsmith's variable for a token counts only where the CI system has none to ask
    for.
    """
    get = environment.get
    organisation = environment.first(*oidc.CLOUDSMITH_ORGANISATION)
    service = get(oidc.CLOUDSMITH_SERVICE)
    if not organisation or not service:
        return {}
    audience = environment.first(oidc.CLOUDSMITH_AUDIENCE, "DOCKCRED_OIDC_AUDIENCE")
    said = {
        "DOCKCRED_OIDC_EXCHANGE": "cloudsmith",
        "DOCKCRED_OIDC_EXCHANGE_AS": f"{organisation}/{service}",
        "DOCKCRED_OIDC_AUDIENCE": audience or _CLOUDSMITHS_AUDIENCE,
    }
    if host := get(oidc.CLOUDSMITH_HOST):
        said["DOCKCRED_OIDC_EXCHANGE_URL"] = (
            host if "://" in host else f"https://{host}"
        )
    if get(oidc.CLOUDSMITH_TOKEN) and not any(map(get, _ASKED_FIRST)):
        said["DOCKCRED_OIDC_TOKEN_VARIABLE"] = oidc.CLOUDSMITH_TOKEN
    return said
