"""GitLab's container registries and dependency proxies: at gitlab.com or self-hosted.

hosts       which hosts are registries, and the GitLab that each belongs to
identities  the identity, by order: a job's variables, glab, a token's variables
glab        glab's stored login; glab itself where only it can read or renew the login
"""

from __future__ import annotations

from dockcred.credential import ServerURL
from dockcred.errors import CredentialsNotFoundError
from dockcred.identity.provider import Provider, Source
from dockcred.providers.gitlab import hosts
from dockcred.system.environment import current, gitlab

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dockcred.identity.provider import Identity
    from dockcred.system.environment import Environment


class GitLabRegistries(Provider):
    """The provider of `docker-credential-gitlab`."""

    name = "gitlab"
    program = "docker-credential-gitlab"
    names = gitlab
    sources = (
        # No lease: the entry is used until the token expires, or glab's file changes. A
        # token without expiry is never kept, nor one of a job or in a variable.
        Source("gitlab:glab"),
    )

    def __init__(self, chosen: tuple[str, ...] = ()) -> None:
        """Serve GitLab's own hosts, the chosen, and those in settings and files."""
        self._chosen = chosen
        self._named: dict[str, str] | None = None

    def matches(self, server: ServerURL) -> bool:
        """Return whether the whole host is a GitLab's; False for unencrypted http."""
        if server.scheme == "http":
            return False
        if hosts.owner(server.host) or server.host in self._chosen:
            return True
        return bool(self._known(server, current()))

    def config_files(self, environment: Environment) -> tuple[str, ...]:
        """Return the possible paths of glab's file of logins."""
        return environment.glab_files()

    def by_variables(
        self,
        server: ServerURL,
        environment: Environment,
        named: Callable[[], Iterable[str]],
    ) -> tuple[Provider, dict[str, str]] | None:
        """Return this provider for the registry of a GitLab job, else None."""
        del named
        if not environment.first("CI_REGISTRY", "CI_DEPENDENCY_PROXY_SERVER"):
            return None
        from dockcred.providers.gitlab import identities  # noqa: PLC0415 - such a job

        if server.scheme == "http" or not identities.of_job(server, environment):
            return None
        return GitLabRegistries((server.host,)), {}

    def identity(self, server: ServerURL, environment: Environment) -> Identity:
        """Return the identity that is configured for a server."""
        if not self.matches(server):
            raise CredentialsNotFoundError
        from dockcred.providers.gitlab import identities  # noqa: PLC0415 - a miss

        return identities.choose(server, self._owner(server, environment), environment)

    def own_servers(self, environment: Environment) -> tuple[str, ...]:
        """Return the registries that a job, glab or a variable has a token for."""
        from dockcred.providers.gitlab import glab, identities  # noqa: PLC0415 - for `list`

        found = dict.fromkeys(
            place
            for place in identities.job_places(environment)
            if identities.of_job(ServerURL.parse(place), environment)
        )
        if logins := glab.logins(environment):
            for place, instance in logins.registries().items():
                if place != instance:
                    found[place] = None
        instance = hosts.of_variables(environment)
        if instance and identities.token_variable(instance, environment):
            found[hosts.registry(instance)] = None
        servers = map(ServerURL.parse, found)
        return tuple(each.place for each in servers if self.matches(each))

    def username(self, server: ServerURL, environment: Environment) -> str:
        """Return the token's user name, if a variable or glab's file tells it."""
        return self.about(server, "", environment).get("user", "")

    def issuer(self, server: ServerURL) -> str:
        """Return the GitLab that the registry belongs to: each has its own tokens."""
        return self._owner(server, current())

    def about(
        self, server: ServerURL, principal: str, environment: Environment
    ) -> dict[str, str]:
        """Return the token's user, where it was found, and its GitLab."""
        from dockcred.providers.gitlab import identities  # noqa: PLC0415 - for `status`

        del principal
        return identities.about(server, self._owner(server, environment), environment)

    def _owner(self, server: ServerURL, environment: Environment) -> str:
        """Return the GitLab that a served registry belongs to."""
        if own := hosts.owner(server.host):
            return own
        if server.host in self._chosen and (
            named := hosts.place(environment.get(hosts.INSTANCE))
        ):
            return named
        return self._known(server, environment) or hosts.guess(server.host)

    def _known(self, server: ServerURL, environment: Environment) -> str:
        """Return a host's GitLab, by variable, job or glab's file; "" if unknown."""
        if self._named is None:
            text = environment.get(hosts.HOSTS)
            self._named = hosts.read(text) if text else {}
        found = self._named.get(server.place) or self._named.get(server.host)
        if found:
            return found
        from dockcred.providers.gitlab import glab, identities  # noqa: PLC0415 - unknown hosts

        if identities.of_job(server, environment):
            return hosts.place(environment.get("CI_SERVER_FQDN")) or (
                hosts.guess(server.host)
            )
        logins = glab.logins(environment)
        if logins is None:
            return ""
        if logins.text:
            return hosts.guess(server.host) if logins.names(server.host) else ""
        return logins.registries().get(server.place, "")
