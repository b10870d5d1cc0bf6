"""A registry's user and password from wherever a person keeps them.

conventions  variables with names that docker and docker-credential-env have defined
places       where a secret may be: a program's output, a file, a variable
identity     a user and a password from such places
"""

from __future__ import annotations

from dockcred.errors import CredentialsNotFoundError
from dockcred.identity.provider import Provider, Source, is_one_of
from dockcred.system.environment import secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dockcred.credential import ServerURL
    from dockcred.identity.provider import Identity
    from dockcred.system.environment import Environment


class SecretProvider(Provider):
    """The provider of registries with a secret by config.toml or by a variable."""

    name = "secret"
    program = "docker-credential-auto"
    names = secret
    # `list` runs nothing: a program may ask a person.
    lists_unasked = True
    sources = (
        # An entry is kept only where the answer tells its expiry. The entry watches
        # each file that is opened. A variable has no row: another process may have
        # another value.
        Source("secret:command"),
        Source("secret:file"),
    )

    def __init__(self, chosen: tuple[str, ...] = ()) -> None:
        """Serve the chosen hosts, and no others."""
        self._hosts = chosen

    def matches(self, server: ServerURL) -> bool:
        """Return whether the host is chosen; http is allowed on this machine only."""
        return is_one_of(server, self._hosts)

    def serves_anonymous(self, server: ServerURL) -> bool:
        """Return False: who configures a password wants it to be used."""
        del server
        return False

    def by_variables(
        self,
        server: ServerURL,
        environment: Environment,
        named: Callable[[], Iterable[str]],
    ) -> tuple[Provider, dict[str, str]] | None:
        """Return this provider for a host with a secret in a variable of its name.

        The places in other variables are emptied: they are for hosts that config.toml
        names.
        """
        from dockcred.providers.secret import conventions  # noqa: PLC0415 - set variables

        if not conventions.find(server, environment):
            return None
        if conventions.is_other_hosts(server, environment, named):
            from dockcred.system import log  # noqa: PLC0415 - the unusual

            log.warning(
                f"the variables for {server.host} may be meant for another host: name"
                " it in docker's credHelpers, or in config.toml"
            )
            return None
        chosen = SecretProvider((server.host,))
        if not chosen.matches(server):
            return None
        return chosen, dict.fromkeys(secret.PLACES, "")

    def own_servers(self, environment: Environment) -> tuple[str, ...]:
        """Return the hosts that variables hold secrets for."""
        from dockcred.providers.secret import conventions  # noqa: PLC0415 - for `list`

        return tuple(conventions.hosts(environment))

    def issuer(self, server: ServerURL) -> str:
        """Return the registry itself: another registry's answer says nothing of it."""
        return server.place

    def username(self, server: ServerURL, environment: Environment) -> str:
        """Return the user name, if it is in config.toml or in a variable."""
        from dockcred.providers.secret import identity  # noqa: PLC0415 - for `list`

        return identity.known_user(server, environment)

    def identity(self, server: ServerURL, environment: Environment) -> Identity:
        """Return the identity, after a check that its places exist; nothing is read."""
        if not self.matches(server):
            raise CredentialsNotFoundError
        from dockcred.providers.secret import identity  # noqa: PLC0415 - a miss only

        return identity.choose(server, environment)

    def about(
        self, server: ServerURL, principal: str, environment: Environment
    ) -> dict[str, str]:
        """Return where the password is, but not the password."""
        del principal
        from dockcred.providers.secret import conventions, places  # noqa: PLC0415 - status

        if found := places.about("PASSWORD", environment):
            return found
        convention = conventions.find(server, environment)
        return {"variable": convention.variable} if convention else {}
