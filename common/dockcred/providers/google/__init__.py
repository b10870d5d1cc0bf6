"""Google's registries: Artifact Registry and Container Registry.

hosts          which hosts are Google's, and where its tools keep their files
identities     which source is asked, in which order, and the credential it leads to
metadata       the machine's service account: the direct road, without an SDK
logins, sdk    credentials files and gcloud, through google-auth: the SDK road
impersonation  the token of another service account
access_token   the access token, and what Google's error codes mean
"""

from __future__ import annotations

from dockcred.errors import CredentialsNotFoundError
from dockcred.identity.provider import LEASE_S, Provider, Source
from dockcred.providers.google import hosts
from dockcred.system.environment import current, google

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.credential import ServerURL
    from dockcred.identity.provider import Identity
    from dockcred.system.environment import Environment


class Google(Provider):
    """The provider of `docker-credential-gcr`."""

    name = "google"
    program = "docker-credential-gcr"
    names = google
    tags = ("DOCKCRED_GOOGLE_USERNAME",)
    metadata = ("Google", "google:metadata")
    guesses_own = True
    sources = (
        # No lease: the cache key holds the state of the credentials file.
        Source("google:service-account"),
        Source("google:authorized-user"),
        # No lease: issuer and subject of the token are conditions of the entry.
        Source("google:wif-file"),
        # A URL, a program or AWS cannot say who they are. So a new credential is minted
        # when the lease ends.
        Source("google:wif-url", lease_s=LEASE_S),
        Source("google:wif-executable", lease_s=LEASE_S),
        Source("google:wif-aws", lease_s=LEASE_S),
        Source("google:impersonation"),
        # No lease: the cache key holds the state of the login's files.
        Source("google:gcloud"),
        Source("google:metadata", lease_s=LEASE_S, direct=True),
    )

    def __init__(self, more_hosts: tuple[str, ...] | None = None) -> None:
        """Serve these host patterns too; by default those that the variables name."""
        if more_hosts is None:
            variables = current()
            text = variables.get("DOCKCRED_GOOGLE_HOSTS")
            more_hosts = (
                *(hosts.read(text) if text else ()),
                *hosts.of_universe(google.universe(variables)),
            )
        self._more_hosts = more_hosts

    def matches(self, server: ServerURL) -> bool:
        """Return whether the whole host is Google's; False for unencrypted http."""
        return server.scheme != "http" and hosts.is_served(
            server.host, self._more_hosts
        )

    def config_files(self, environment: Environment) -> tuple[str, ...]:
        """Return the credentials file, and what gcloud writes at login and logout."""
        from dockcred.providers.google import hosts  # noqa: PLC0415 - own hosts only

        adc_file = hosts.adc_file(environment)
        return tuple(filter(None, (adc_file, *hosts.gcloud_files(environment))))

    def identity(self, server: ServerURL, environment: Environment) -> Identity:
        """Return the identity that is asked for a server's credential."""
        from dockcred.providers.google import identities  # noqa: PLC0415 - a miss

        if not self.matches(server):
            raise CredentialsNotFoundError
        return identities.choose(
            environment, google.universe_of(server.host, environment)
        )

    def own_servers(self, environment: Environment) -> tuple[str, ...]:
        """Return the hosts that each project may use, if an identity is configured."""
        if not hosts.may_be_configured(environment):
            return ()
        from dockcred.providers.google import identities  # noqa: PLC0415 - for `list`

        return hosts.EVERYBODYS if identities.is_configured(environment) else ()

    def username(self, server: ServerURL, environment: Environment) -> str:
        """Return the configured user name, or the default one for access tokens."""
        from dockcred.providers.google import identities  # noqa: PLC0415 - for `list`

        del server
        return environment.get("DOCKCRED_GOOGLE_USERNAME") or identities.USERNAMES[0]

    def about(
        self, server: ServerURL, principal: str, environment: Environment
    ) -> dict[str, str]:
        """Return the account, its project, and the account that it impersonates."""
        from dockcred.providers.google import identities  # noqa: PLC0415 - for `status`

        del server
        return identities.about(principal, environment)
