"""GitHub's registries: ghcr.io, docker.pkg.github.com and Enterprise servers.

hosts       which hosts are registries of which GitHub, and where its API is
identities  the identity, by order: a GitHub App, variables, gh's login
gh          gh's stored login, and whether its token can read packages
api         the requests to GitHub's API
"""

from __future__ import annotations

import os

from dockcred.errors import CredentialsNotFoundError
from dockcred.identity.provider import Provider, Source
from dockcred.providers.github import hosts
from dockcred.system.environment import current, github

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.credential import ServerURL
    from dockcred.identity.provider import Identity
    from dockcred.system.environment import Environment


class GitHub(Provider):
    """The provider of `docker-credential-ghcr-login`."""

    name = "github"
    program = "docker-credential-ghcr-login"
    names = github
    sources = (
        # No lease: the entry watches the App's key file. A person's token is never
        # kept.
        Source("github:app"),
    )

    def __init__(self, enterprise: tuple[str, ...] | None = None) -> None:
        """Serve github.com and these Enterprise servers; by default the variable's."""
        if enterprise is None:
            text = current().get("DOCKCRED_GITHUB_HOSTS")
            enterprise = hosts.read(text) if text else ()
        self._enterprise = enterprise

    def matches(self, server: ServerURL) -> bool:
        """Return whether the whole host is GitHub's; False for unencrypted http."""
        return server.scheme != "http" and bool(self._owner(server))

    def config_files(self, environment: Environment) -> tuple[str, ...]:
        """Return the path of gh's file of logins."""
        return tuple(filter(None, (hosts.gh_file(environment),)))

    def identity(self, server: ServerURL, environment: Environment) -> Identity:
        """Return the identity that is configured for a server."""
        from dockcred.providers.github import identities  # noqa: PLC0415 - a miss

        owner = self._owner(server)
        if not owner:
            raise CredentialsNotFoundError
        return identities.choose(owner, environment)

    def own_servers(self, environment: Environment) -> tuple[str, ...]:
        """Return the registry of each GitHub that has a token or an App here."""
        registries = {hosts.GITHUB: "ghcr.io"}
        registries |= {server: f"containers.{server}" for server in self._enterprise}
        if not (environment.first(*github.SECRETS, *github.VARIABLES)) and not (
            os.path.exists(hosts.gh_file(environment))
        ):
            return ()
        from dockcred.providers.github import identities  # noqa: PLC0415 - for `list`

        return tuple(
            registry
            for server, registry in registries.items()
            if identities.user(server, environment)
        )

    def username(self, server: ServerURL, environment: Environment) -> str:
        """Return the token's user name, as far as a variable or gh's file tells it."""
        from dockcred.providers.github import identities  # noqa: PLC0415 - for `list`

        return identities.user(self._owner(server), environment)

    def issuer(self, server: ServerURL) -> str:
        """Return the GitHub that the registry belongs to: each has its own tokens."""
        return self._owner(server)

    def about(
        self, server: ServerURL, principal: str, environment: Environment
    ) -> dict[str, str]:
        """Return the App and its installation, or the source of a person's token."""
        from dockcred.providers.github import identities  # noqa: PLC0415 - for `status`

        del principal
        return identities.about(self._owner(server), environment)

    def _owner(self, server: ServerURL) -> str:
        return hosts.owner(server.host, self._enterprise)
