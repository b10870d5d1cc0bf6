"""Google's registries: Artifact Registry and Container Registry.

hosts           which hosts are Google's
identities      who is asked, in which order, and how the answer is made
metadata        the machine's service account: the direct road
places          where Google's tools keep their files
adc, gcloud     those files, and the program
sdk             every credentials file, through google-auth: federation, connection
impersonation   another service account's token
problems        what Google's error codes mean
"""

from __future__ import annotations

from dockcred.errors import CredentialsNotFoundError
from dockcred.providers.google import hosts
from dockcred.system.environment import COMMON, current
from dockcred.system.environment import google as names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.credential import ServerURL
    from dockcred.identity.provider import Identity
    from dockcred.system.environment import Environment


class Google:
    """The provider of `docker-credential-gcr`."""

    name = "google"
    program = "docker-credential-gcr"
    variables = (*COMMON, *names.VARIABLES)
    secrets = names.SECRETS
    tags = ("DOCKCRED_GOOGLE_USERNAME",)
    cache_parent = ""
    cache_off = ""
    ignore_storage = ""

    def __init__(self, more_hosts: tuple[str, ...] | None = None) -> None:
        """Serve these patterns beside Google's own; by default the variable's."""
        if more_hosts is None:
            text = current().get("DOCKCRED_GOOGLE_HOSTS")
            more_hosts = hosts.read(text) if text else ()
        self._more_hosts = more_hosts

    def matches(self, server: ServerURL) -> bool:
        """Return whether the whole host is Google's; plain http carries no token."""
        return server.scheme != "http" and hosts.is_served(
            server.host, self._more_hosts
        )

    def serves_anonymous(self, server: ServerURL) -> bool:
        """Tell that public images are pulled without a credential."""
        return self.matches(server)

    def config_files(self, environment: Environment) -> tuple[str, ...]:
        """Return the credentials file and what gcloud writes at login and logout."""
        from dockcred.providers.google import hosts  # noqa: PLC0415 - our hosts only

        adc_file = hosts.adc_file(environment)
        return tuple(filter(None, (adc_file, *hosts.gcloud_files(environment))))

    def identity(self, server: ServerURL, environment: Environment) -> Identity:
        """Choose who is asked."""
        from dockcred.providers.google import identities  # noqa: PLC0415 - a miss

        if not self.matches(server):
            raise CredentialsNotFoundError
        return identities.choose(environment)
