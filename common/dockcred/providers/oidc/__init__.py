"""A CI job's own ID token, for the registries that are configured to take it.

hosts            which hosts those are
identity         a source and an exchange, together who is asked
id_token         a token, and what is checked before it goes anywhere
sources, source  where the job's token comes from: github_actions, azure_pipelines,
                 machine, held (files and variables), programs
exchanges        what the registry gets for it: the token itself, or what Docker Hub,
                 Quay, Chainguard, a cloud or an RFC 8693 endpoint gives for it
"""

from __future__ import annotations

from dockcred.environment import COMMON, aws, azure, current, google
from dockcred.environment import oidc as names
from dockcred.errors import CredentialsNotFoundError
from dockcred.providers.oidc import hosts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from dockcred.environment import Environment
    from dockcred.identity import Identity, Provider
    from dockcred.server_url import ServerURL


class OIDC:
    """The provider of `docker-credential-oidc`."""

    name = "oidc"
    program = "docker-credential-oidc"
    # A cloud may be who takes the token in exchange.
    variables = (
        *COMMON,
        *names.VARIABLES,
        *aws.VARIABLES,
        *azure.VARIABLES,
        *google.VARIABLES,
    )
    secrets = (*names.SECRETS, *aws.SECRETS, *azure.SECRETS, *google.SECRETS)
    tags = ()
    cache_parent = ""
    cache_off = ""
    ignore_storage = ""

    def __init__(
        self, load: Callable[[str], Provider], chosen: tuple[str, ...] = ()
    ) -> None:
        """Serve the hosts that are chosen, and the variable's; `load` opens a cloud."""
        text = current().get("DOCKCRED_OIDC_HOSTS")
        self._hosts = (*chosen, *(hosts.read(text) if text else ()))
        self._load = load

    def matches(self, server: ServerURL) -> bool:
        """Tell whether the whole host is configured to get a job's token."""
        return hosts.is_served(server, self._hosts)

    def serves_anonymous(self, server: ServerURL) -> bool:
        """Tell that who configures a registry for a job means the job to be known."""
        del server
        return False

    def config_files(self, environment: Environment) -> tuple[str, ...]:
        """Name none: variables choose the identity, a token file is watched."""
        del environment
        return ()

    def identity(self, server: ServerURL, environment: Environment) -> Identity:
        """Choose where the token comes from, and what is got for it."""
        if not self.matches(server):
            raise CredentialsNotFoundError
        from dockcred.providers.oidc.identity import JobIdentity  # noqa: PLC0415

        return JobIdentity(server, environment, self._load)
