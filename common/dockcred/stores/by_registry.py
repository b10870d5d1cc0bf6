"""Choose a store for each registry, by its settings in config.toml."""

from __future__ import annotations

from dockcred.credential import Credential, ServerURL
from dockcred.errors import CredentialsNotFoundError, DockcredError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dockcred.identity.config import Config
    from dockcred.protocol import Store
    from dockcred.system.environment import Environment


class ByRegistry:
    """One store over all stores that entries of the configuration name.

    A place is one of those stores: a store's name with an account.
    """

    def __init__(
        self,
        environment: Environment,
        config: Config,
        open_store: Callable[[Environment], Store],
    ) -> None:
        """Hold `open_store`, which opens a place; nothing is opened yet."""
        self._environment = environment
        self._config = config
        self._open = open_store
        self.left_out: DockcredError | None = None

    def get(self, server: ServerURL) -> Credential:
        """Return the credential from the registry's place.

        For a miss, raises CredentialsNotFoundError, or returns an empty credential if
        on_miss = "empty".
        """
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
        """Return each server that is in the place where a `get` would look for it.

        A place that fails is left out, and so is a key that no request can name. Raises
        the failure if nothing else is found.
        """
        found: dict[str, str] = {}
        places = {}
        for settings in self._config.every():
            environment = self._variables(settings)
            places[_place(environment)] = environment
        failure: DockcredError | None = None
        for place, environment in places.items():
            try:
                opened = self._open(environment)
                kept = opened.list()
            except DockcredError as error:
                failure = failure or error
                continue
            self.left_out = self.left_out or getattr(opened, "left_out", None)
            found |= {
                key: user for key, user in kept.items() if self._is_of(key, place)
            }
        if failure and not found:
            raise failure
        self.left_out = failure or self.left_out
        return found

    def _is_of(self, key: str, place: tuple[str, str]) -> bool:
        """Return whether a `get` of the key looks here; False if it cannot be asked."""
        try:
            settings = self._config.settings_for(ServerURL.parse(key))
        except DockcredError:
            return False
        return _place(self._variables(settings)) == place

    def after_answer(self) -> None:
        """Do nothing: a keychain defers no work until after the answer."""

    def of(self, server: ServerURL) -> Store:
        """Return the registry's place, opened."""
        return self._open(self._variables(self._config.settings_for(server)))

    def _variables(self, settings: Mapping[str, str]) -> Environment:
        if not settings:
            return self._environment
        from dockcred.identity.config.settings import overlay  # noqa: PLC0415 - a file's cost

        return self._environment.with_values(overlay(settings))


def _place(environment: Environment) -> tuple[str, str]:
    return environment.get("DOCKCRED_STORE"), environment.get("DOCKCRED_ACCOUNT")
