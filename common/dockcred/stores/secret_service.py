"""The Secret Service of Linux desktops, in the layout of docker's own helper.

Items carry the attributes of `docker-credential-secretservice`, so that it,
`secret-tool` and this store read, replace and erase each other's. Their label is the
bare URL: that helper lists an item by its label.

What is unlocked is read by `secret_reader`; all else is the library's.

The session is "plain": secrets cross the user's own bus unencrypted, as libsecret
falls back to. Whoever can read that socket can ask the service itself.
"""

from __future__ import annotations

from dockcred.errors import MissingExtraError
from dockcred.stores import session_bus
from dockcred.stores.bus_stream import UnusualError
from dockcred.stores.secret_reader import SecretReader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractContextManager

    from dockcred.credential import Credential
    from dockcred.environment import Environment
    from dockcred.stores.secret_items import SecretItems


class SecretService:
    """docker's items in the default collection."""

    def __init__(self, environment: Environment) -> None:
        """Find the session bus; KeychainAbsentError where there is none."""
        self._environment = environment
        self._reader = SecretReader(session_bus.address(environment))

    def read(self, key: str) -> Credential | None:
        """Answer the item that was changed last, should a peer have left several."""
        try:
            return self._reader.read(key)
        except UnusualError:
            return self._by_library().read(key)

    def users(self) -> dict[str, str]:
        """Answer every key of docker's with the user who was changed last."""
        try:
            return self._reader.users()
        except UnusualError:
            return self._by_library().users()

    def write(self, key: str, credential: Credential) -> None:
        """Create or replace the item, then drop those of other users, as one change."""
        with self._held():
            self._by_library().write(key, credential)

    def remove(self, keys: Iterable[str]) -> None:
        """Drop every item of these keys."""
        with self._held():
            self._by_library().remove(keys)

    def _held(self) -> AbstractContextManager[object]:
        """Return the lock, which stands where the vault would; none if nothing can."""
        import os  # noqa: PLC0415 - only a writer's
        from contextlib import nullcontext, suppress  # noqa: PLC0415 - only a writer's

        from dockcred.stores import vault_place  # noqa: PLC0415 - only a writer's
        from dockcred.stores.store_lock import StoreLock  # noqa: PLC0415 - a writer's

        directory = os.path.dirname(vault_place.path(self._environment))
        with suppress(OSError):
            os.makedirs(directory, mode=0o700, exist_ok=True)
        if not os.access(directory, os.W_OK):
            return nullcontext()  # a home that is read only is no reason to fail
        return StoreLock(f"{directory}/secretservice.lock", "the keychain")

    def _by_library(self) -> SecretItems:
        try:
            from dockcred.stores.secret_items import SecretItems  # noqa: PLC0415
        except ImportError as error:
            raise MissingExtraError(
                f"{error.name} is missing, which the keyring needs here",
                "pip install 'dockcred[keyring]'",
            ) from None
        return SecretItems(self._environment)
