"""The store of a machine that keeps nothing: the null object of stores."""

from __future__ import annotations

from dockcred import log
from dockcred.errors import CredentialsNotFoundError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from dockcred.credential import Credential
    from dockcred.errors import DockcredError
    from dockcred.server_url import ServerURL


class Nothing:
    """Nothing is kept, so nothing is found; to store raises what is in the way."""

    def __init__(self, reason: DockcredError) -> None:
        self._reason = reason

    def get(self, server: ServerURL) -> NoReturn:
        """Find nothing: a public image is pulled without a keychain too."""
        log.info(f"{server.host} is in no store: {self._reason}")
        raise CredentialsNotFoundError

    def store(self, server: ServerURL, credential: Credential) -> NoReturn:
        """Raise the reason, with its remedy."""
        del server, credential
        raise self._reason

    def erase(self, server: ServerURL) -> None:
        """Drop nothing."""

    def list(self) -> dict[str, str]:
        """List nothing."""
        return {}

    def after_answer(self) -> None:
        """Do nothing."""
