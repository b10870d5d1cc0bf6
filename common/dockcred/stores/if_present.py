"""A keychain that may be absent: then it keeps nothing, and says why on store.

For `docker-credential-auto`, with which a bare server pulls public images. A bus
without a keychain is noticed at the first call only, hence at every one.
"""

from __future__ import annotations

from dockcred import log
from dockcred.errors import CredentialsNotFoundError
from dockcred.stores.problems import KeychainAbsentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from dockcred.credential import Credential
    from dockcred.protocol import Store
    from dockcred.server_url import ServerURL


class IfPresent:
    """The store that `open_store` opens, or one that keeps nothing."""

    def __init__(self, open_store: Callable[[], Store]) -> None:
        """Open nothing yet."""
        self._open = open_store

    def get(self, server: ServerURL) -> Credential:
        """Answer what is kept; find nothing where there is no keychain."""
        try:
            return self._open().get(server)
        except KeychainAbsentError as error:
            log.info(f"{server.host} is in no store: {error}")
            raise CredentialsNotFoundError from error

    def store(self, server: ServerURL, credential: Credential) -> str | None:
        """Keep it, or raise what is in the way with its remedy."""
        return self._open().store(server, credential)

    def erase(self, server: ServerURL) -> None:
        """Drop it, if there is a keychain to drop it from."""
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
