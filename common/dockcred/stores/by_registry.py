"""A store chosen for each registry, and one that may be absent."""

from __future__ import annotations

from dockcred.credential import Credential, ServerURL
from dockcred.errors import CredentialsNotFoundError
from dockcred.stores.problems import KeychainAbsentError
from dockcred.system import log

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


class IfPresent:
    """The store that `open_store` opens, or one that keeps nothing."""

    def __init__(self, open_store: Callable[[], Store]) -> None:
        """Open nothing yet."""
        self._open = open_store

    def get(self, server: ServerURL) -> Credential:
        """Return what is kept; find nothing where there is no keychain."""
        try:
            return self._open().get(server)
        except KeychainAbsentError as error:
            log.info(f"{server.host} is in no store: {error}")
            raise CredentialsNotFoundError from error

    def store(self, server: ServerURL, credential: Credential) -> str | None:
        """Write it, or raise what is in the way with its remedy."""
        return self._open().store(server, credential)

    def erase(self, server: ServerURL) -> None:
        """Remove it, if there is a keychain to remove it from."""
        try:
            self._open().erase(server)
        except KeychainAbsentError as error:
            log.info(f"nothing to erase: {error}")

    def list(self) -> dict[str, str]:
        """List what is kept; nothing where there is no keychain."""
        try:
            return self._open().list()
        except KeychainAbsentError as error:
            log.info(f"nothing to list: {error}")
            return {}

    def after_answer(self) -> None:
        """Do nothing: a keychain leaves nothing to be done."""
