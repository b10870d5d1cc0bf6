"""A keychain as a docker credential store: matching, accounts, and a complete list."""

from __future__ import annotations

from dockcred.errors import CredentialsNotFoundError, InvalidInputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Protocol

    from dockcred.credential import Credential, ServerURL

    class Keychain(Protocol):
        """A place that keeps one credential per key, keys compared as text.

        Every method raises KeychainError where the place cannot be searched; none
        of them takes that for "nothing kept".
        """

        def read(self, key: str) -> Credential | None:
            """Return the credential kept under exactly this key."""

        def write(self, key: str, credential: Credential) -> None:
            """Write the credential, instead of any other user's under this key."""

        def remove(self, keys: Iterable[str]) -> None:
            """Remove these keys; none there is success."""

        def users(self) -> dict[str, str]:
            """Return every key with its user name."""


_MARK = "#"
_ACCOUNT_CHARACTERS = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
)


class KeychainStore:
    """docker's four verbs over a keychain.

    `account` (DOCKCRED_ACCOUNT) keeps a second set of credentials for the same
    registries: its keys end in `#account`, which no request can.
    """

    def __init__(self, keychain: Keychain, account: str = "") -> None:
        """Hold the keychain; raise InvalidInputError for a strange account name."""
        if not _ACCOUNT_CHARACTERS.issuperset(account):
            raise InvalidInputError(
                "DOCKCRED_ACCOUNT is not a plain name",
                "use letters, digits, '.', '_' and '-'",
            )
        self.keychain = keychain
        self._suffix = f"{_MARK}{account}" if account else ""

    def get(self, server: ServerURL) -> Credential:
        """Return the exact key's credential, else that of the same registry."""
        found = self.keychain.read(server.raw + self._suffix)
        if found is not None:
            return found
        from dockcred.stores import server_keys  # noqa: PLC0415 - not for a hit

        for key in server_keys.nearest(server, self.list()):
            found = self.keychain.read(key + self._suffix)
            if found is not None:
                return found
        raise CredentialsNotFoundError

    def store(self, server: ServerURL, credential: Credential) -> None:
        """Write the credential under the key as it was sent."""
        self.keychain.write(server.raw + self._suffix, credential)

    def erase(self, server: ServerURL) -> None:
        """Remove the exact key, or where there is none every form of the same one."""
        from dockcred.stores import server_keys  # noqa: PLC0415 - as above

        kept = self.list()
        doomed = [server.raw] if server.raw in kept else server_keys.same(server, kept)
        # A locked keyring may hide from the list what it keeps: it is asked by name.
        names = doomed or [server.raw]
        self.keychain.remove([key + self._suffix for key in names])

    def list(self) -> dict[str, str]:
        """Return every key of this account that a `get` can name."""
        from dockcred.stores import server_keys  # noqa: PLC0415 - as above

        kept = {}
        for full, user in self.keychain.users().items():
            key, mark, account = full.partition(_MARK)
            if mark + account == self._suffix and server_keys.parse(key):
                kept[key] = user
        return kept

    def after_answer(self) -> None:
        """Do nothing: nothing is left to do."""
