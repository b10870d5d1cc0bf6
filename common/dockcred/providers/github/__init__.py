"""GitHub's registries: ghcr.io, docker.pkg.github.com and Enterprise servers.

hosts        which hosts, and whose API answers for each
identities   who is asked, in which order
verdict      whether a token that was found opens packages
gh, app      gh's stored login; a GitHub App's assertion
api          the two requests to GitHub's API
"""

from __future__ import annotations

from dockcred.errors import CredentialsNotFoundError
from dockcred.providers.github import hosts
from dockcred.system.environment import COMMON, current
from dockcred.system.environment import github as names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.credential import ServerURL
    from dockcred.identity.provider import Identity
    from dockcred.system.environment import Environment


class GitHub:
    """The provider of `docker-credential-ghcr-login`."""

    name = "github"
    program = "docker-credential-ghcr-login"
    variables = (*COMMON, *names.VARIABLES)
    secrets = names.SECRETS
    tags = ()
    cache_parent = ""
    cache_off = ""
    ignore_storage = ""

    def __init__(self, enterprise: tuple[str, ...] | None = None) -> None:
        """Serve these Enterprise servers beside github.com; else the variable's."""
        if enterprise is None:
            text = current().get("DOCKCRED_GITHUB_HOSTS")
            enterprise = hosts.read(text) if text else ()
        self._enterprise = enterprise

    def matches(self, server: ServerURL) -> bool:
        """Return whether the whole host is GitHub's; plain http carries no token."""
        return server.scheme != "http" and bool(self._owner(server))

    def serves_anonymous(self, server: ServerURL) -> bool:
        """Tell that public images are pulled without a credential."""
        return self.matches(server)

    def config_files(self, environment: Environment) -> tuple[str, ...]:
        """Return gh's file of logins."""
        return tuple(filter(None, (hosts.gh_file(environment),)))

    def identity(self, server: ServerURL, environment: Environment) -> Identity:
        """Choose who is asked."""
        from dockcred.providers.github import identities  # noqa: PLC0415 - a miss

        github = self._owner(server)
        if not github:
            raise CredentialsNotFoundError
        return identities.choose(github, environment)

    def _owner(self, server: ServerURL) -> str:
        return hosts.owner(server.host, self._enterprise)
