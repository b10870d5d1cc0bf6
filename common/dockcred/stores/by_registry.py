"""A store chosen for each registry."""

from __future__ import annotations

from dockcred.credential import Credential, ServerURL
from dockcred.errors import CredentialsNotFoundError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dockcred.identity.config import Config
    from dockcred.protocol import Store
    from dockcred.system.environment import Environment


class ByRegistry:
    """One store over the places that the entries of the configuration name."""

    def __init__(
        self,
        environment: Environment,
        config: Config,
        open_store: Callable[[Environment], Store],
    ) -> None:
        """Hold what opens a place; nothing is opened yet."""
        self._environment = environment
        self._config = config
        self._open = open_store

    def get(self, server: ServerURL) -> Credential:
        """Return from the registry's place; on_miss = "empty" answers nobody."""
        environment = self._variables(self._config.settings_for(server))
        try:
            return self._open(environment).get(server)
        except CredentialsNotFoundError:
            if environment.get("DOCKCRED_ON_MISS") == "empty":
                return Credential("", "")
            raise

    def store(self, server: ServerURL, credential: Credential) -> str | None:
        """Write the credential to the registry's place."""
        return self.of(server).store(server, credential)

    def erase(self, server: ServerURL) -> None:
        """Remove the credential from the registry's place."""
        self.of(server).erase(server)

    def list(self) -> dict[str, str]:
        """Return from every place the servers that a get would look for there."""
        found = {}
        places = {}
        for settings in self._config.every():
            environment = self._variables(settings)
            places[_place(environment)] = environment
        for place, environment in places.items():
            for key, user in self._open(environment).list().items():
                settings = self._config.settings_for(ServerURL.parse(key))
                if _place(self._variables(settings)) == place:
                    found[key] = user
        return found

    def after_answer(self) -> None:
        """Do nothing: a keychain leaves nothing to be done."""

    def of(self, server: ServerURL) -> Store:
        """Open the registry's place."""
        return self._open(self._variables(self._config.settings_for(server)))

    def _variables(self, settings: Mapping[str, str]) -> Environment:
        if not settings:
            return self._environment
        from dockcred.identity.config.settings import overlay  # noqa: PLC0415 - a file's cost

        return self._environment.with_values(overlay(settings))


def _place(environment: Environment) -> tuple[str, str]:
    return environment.get("DOCKCRED_STORE"), environment.get("DOCKCRED_ACCOUNT")
