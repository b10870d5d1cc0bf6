"""GitLab's container registries and dependency proxies: gitlab.com's, and one's own.

hosts       which hosts, and whose GitLab each belongs to
identities  who is asked, in which order: a job's variables, glab, a token's variables
glab        glab's stored login, and glab where it alone can read or renew it
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
        # Until its end, and while glab's file stays as it is. A token without an end,
        # a job's and one in a variable are never kept.
        Source("gitlab:glab"),
    )

    def __init__(self, chosen: tuple[str, ...] = ()) -> None:
        """Serve GitLab's own hosts, those chosen, and those that are named."""
        self._chosen = chosen
        self._named: dict[str, str] | None = None

    def matches(self, server: ServerURL) -> bool:
        """Return whether the whole host is a GitLab's; plain http carries no token."""
        if server.scheme == "http":
            return False
        if hosts.owner(server.host) or server.host in self._chosen:
            return True
        return bool(self._known(server, current()))

    def config_files(self, environment: Environment) -> tuple[str, ...]:
        """Return glab's file of logins, wherever it may be."""
        return environment.glab_files()

    def by_variables(
        self,
        server: ServerURL,
        environment: Environment,
        named: Callable[[], Iterable[str]],
    ) -> tuple[Provider, dict[str, str]] | None:
        """Return this provider for the registry of a job of GitLab's."""
        del named
        if not environment.first("CI_REGISTRY", "CI_DEPENDENCY_PROXY_SERVER"):
            return None
        from dockcred.providers.gitlab import identities  # noqa: PLC0415 - such a job

        if server.scheme == "http" or not identities.of_job(server, environment):
            return None
        return GitLabRegistries((server.host,)), {}

    def identity(self, server: ServerURL, environment: Environment) -> Identity:
        """Choose who is asked."""
        if not self.matches(server):
            raise CredentialsNotFoundError
        from dockcred.providers.gitlab import identities  # noqa: PLC0415 - a miss

        return identities.choose(server, self._owner(server, environment), environment)

    def own_servers(self, environment: Environment) -> tuple[str, ...]:
        """Return the registries for which a job, glab or a variable has a token."""
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
        """Return whose token it is, as far as a variable or glab's file says."""
        return self.about(server, "", environment).get("user", "")

    def issuer(self, server: ServerURL) -> str:
        """Return the GitLab whose registry it is: each has tokens of its own."""
        return self._owner(server, current())

    def about(
        self, server: ServerURL, principal: str, environment: Environment
    ) -> dict[str, str]:
        """Return whose token it is, where it is from, and for which GitLab."""
        from dockcred.providers.gitlab import identities  # noqa: PLC0415 - for `status`

        del principal
        return identities.about(server, self._owner(server, environment), environment)

    def _owner(self, server: ServerURL, environment: Environment) -> str:
        """Return the GitLab of a registry that is served."""
        if own := hosts.owner(server.host):
            return own
        if server.host in self._chosen and (
            named := hosts.place(environment.get(hosts.INSTANCE))
        ):
            return named
        return self._known(server, environment) or hosts.guess(server.host)

    def _known(self, server: ServerURL, environment: Environment) -> str:
        """Return the GitLab that a variable, a job or glab's file names for a host."""
        if self._named is None:
            text = environment.get(hosts.HOSTS)
            self._named = hosts.read(text) if text else {}
        found = self._named.get(server.place) or self._named.get(server.host)
        if found:
            return found
        from dockcred.providers.gitlab import glab, identities  # noqa: PLC0415 - no host of its own

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
