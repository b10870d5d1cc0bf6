"""Google's registries: Artifact Registry and Container Registry.

hosts           which hosts are Google's
identities      who is asked, in which order, and how the answer is made
metadata        the machine's service account: the direct road
adc, gcloud     the files and the program of Google's tools
sdk             every credentials file, through google-auth: federation, connection
impersonation   another service account's token
problems        what Google's error codes mean
"""

from __future__ import annotations

from dockcred import environment as names
from dockcred.errors import CredentialsNotFoundError, InvalidInputError
from dockcred.providers.google import hosts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.environment import Environment
    from dockcred.identity import Identity
    from dockcred.server_url import ServerURL

USERNAMES = ("oauth2accesstoken", "_token", "_dcgcloud_token", "_json_key")


class Google:
    """The provider of `docker-credential-gcr`."""

    name = "google"
    program = "docker-credential-gcr"
    variables = (*names.COMMON, *names.GOOGLE)
    secrets = names.GOOGLE_SECRET
    cache_parent = ""
    cache_off = ""
    ignore_storage = ""

    def __init__(
        self,
        *,
        username: str = USERNAMES[0],
        impersonate: str = "",
        more_hosts: tuple[str, ...] = (),
        mirror: bool = False,
    ) -> None:
        """Choose user name, account, sovereign hosts, and the public mirrors.

        `username` is one of USERNAMES or gcr's own `_dcgcr_…_token`; `impersonate`
        comes before GOOGLE_IMPERSONATE_SERVICE_ACCOUNT. Raises InvalidInputError.
        """
        if username not in USERNAMES and not _is_gcrs(username):
            raise InvalidInputError(
                "the user name for Google's registries is not one they know",
                f"choose one of: {', '.join(USERNAMES)}, _dcgcr_VERSION_token",
            )
        self._username = username
        self._impersonate = impersonate
        self._more_hosts = tuple(map(hosts.check, more_hosts))
        self._mirror = mirror
        self.parameters = (username, impersonate)

    def matches(self, server: ServerURL) -> bool:
        """Tell whether the whole host is Google's; plain http carries no token."""
        return server.scheme != "http" and hosts.is_served(
            server.host, mirror=self._mirror, more=self._more_hosts
        )

    def serves_anonymous(self, server: ServerURL) -> bool:
        """Tell that public images are pulled without a credential."""
        return self.matches(server)

    def config_files(self, environment: Environment) -> tuple[str, ...]:
        """Name the credentials file and what gcloud writes at login and logout."""
        from dockcred.providers.google import adc, gcloud  # noqa: PLC0415

        return tuple(filter(None, (adc.path(environment), *gcloud.files(environment))))

    def identity(self, server: ServerURL, environment: Environment) -> Identity:
        """Choose who is asked."""
        from dockcred.providers.google import identities  # noqa: PLC0415 - a miss

        if not self.matches(server):
            raise CredentialsNotFoundError
        if self._username == identities.JSON_KEY:
            return identities.KeyIdentity(environment)
        account = environment.get("GOOGLE_IMPERSONATE_SERVICE_ACCOUNT")
        return identities.TokenIdentity(
            environment, self._username, self._impersonate or account
        )


def _is_gcrs(username: str) -> bool:
    version = username.removeprefix("_dcgcr_").removesuffix("_token")
    return username == f"_dcgcr_{version}_token" and version.replace("_", "").isalnum()
