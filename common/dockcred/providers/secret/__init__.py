"""A registry's user and password from wherever a person keeps them.

places    a program that prints it, a file, a variable: looked at, and read
identity  a user and a password from such places, together who one is
"""

from __future__ import annotations

from dockcred.errors import CredentialsNotFoundError
from dockcred.identity.provider import Provider, Source, is_one_of
from dockcred.system.environment import secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.credential import ServerURL
    from dockcred.identity.provider import Identity
    from dockcred.system.environment import Environment


class SecretProvider(Provider):
    """The provider of registries whose entry in config.toml says where a secret is."""

    name = "secret"
    program = "docker-credential-auto"
    names = secret
    sources = (
        # Kept only where the answer names its end. Each file that is opened is watched.
        # A variable has no row: another process may have another one.
        Source("secret:command"),
        Source("secret:file"),
    )

    def __init__(self, chosen: tuple[str, ...] = ()) -> None:
        """Serve the hosts that are chosen, and no others."""
        self._hosts = chosen

    def matches(self, server: ServerURL) -> bool:
        """Return whether the whole host is chosen; plain http carries no password."""
        return is_one_of(server, self._hosts)

    def serves_anonymous(self, server: ServerURL) -> bool:
        """Return False: who says where a password is wants it to be used."""
        del server
        return False

    def username(self, server: ServerURL, environment: Environment) -> str:
        """Return the user that is written out, or is in a variable."""
        del server
        from dockcred.providers.secret import identity  # noqa: PLC0415 - for `list`

        return identity.known_user(environment)

    def identity(self, server: ServerURL, environment: Environment) -> Identity:
        """Check that both places are there; nothing is read."""
        if not self.matches(server):
            raise CredentialsNotFoundError
        from dockcred.providers.secret.identity import SecretIdentity  # noqa: PLC0415

        return SecretIdentity(server, environment)

    def about(
        self, server: ServerURL, principal: str, environment: Environment
    ) -> dict[str, str]:
        """Return where the password is, never what it is."""
        del server, principal
        from dockcred.providers.secret import places  # noqa: PLC0415 - for `status`

        return places.about("PASSWORD", environment)
