"""A store chosen for each registry."""

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
        self.left_out: DockcredError | None = None

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
        """Return from every place the servers that a get would look for there.

        A place that fails is left out, and a key that no request can name. Raises the
        failure where nothing else is found.
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
        """Return whether a get of a key would look here; no get can name some keys."""
        try:
            settings = self._config.settings_for(ServerURL.parse(key))
        except DockcredError:
            return False
        return _place(self._variables(settings)) == place

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
