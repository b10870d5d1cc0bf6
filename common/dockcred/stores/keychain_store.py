"""A docker credential store over a keychain: matches keys, and adds accounts."""

from __future__ import annotations

from dockcred.errors import CredentialsNotFoundError, InvalidInputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Protocol

    from dockcred.credential import Credential, ServerURL

    class Keychain(Protocol):
        """A place that keeps one credential per key. Keys are compared as text.

        Every method raises KeychainError if the place cannot be searched. That is never
        treated as an empty keychain.
        """

        def read(self, key: str) -> Credential | None:
            """Return the credential of exactly this key, or None."""

        def write(self, key: str, credential: Credential) -> None:
            """Write the credential. It replaces that of any other user of this key."""

        def remove(self, keys: Iterable[str]) -> None:
            """Remove these keys; they may be missing."""

        def users(self) -> dict[str, str]:
            """Return every key with its user name."""


_MARK = "#"
_ACCOUNT_CHARACTERS = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
)


class KeychainStore:
    """docker's four verbs over a keychain.

    `account` (DOCKCRED_ACCOUNT) names a second set of credentials for the same
    registries. Its keys end in `#account`, which no request can contain.
    """

    def __init__(self, keychain: Keychain, account: str = "") -> None:
        """Hold the keychain; raise InvalidInputError for an invalid account name."""
        if not _ACCOUNT_CHARACTERS.issuperset(account):
            raise InvalidInputError(
                "DOCKCRED_ACCOUNT is not a plain name",
                "use letters, digits, '.', '_' and '-'",
            )
        self.keychain = keychain
        self._suffix = f"{_MARK}{account}" if account else ""

    def get(self, server: ServerURL) -> Credential:
        """Return the exact key's credential, else that of the same registry.

        Raises CredentialsNotFoundError if there is none.
        """
        found = self.keychain.read(server.raw + self._suffix)
        if found is not None:
            return found
        from dockcred.stores import server_keys  # noqa: PLC0415 - not for a hit

        for key in server_keys.nearest(server, self._kept_for(server)):
            found = self.keychain.read(key + self._suffix)
            if found is not None:
                return found
        raise CredentialsNotFoundError

    def store(self, server: ServerURL, credential: Credential) -> None:
        """Write the credential under the key exactly as it was sent."""
        self.keychain.write(server.raw + self._suffix, credential)

    def erase(self, server: ServerURL) -> None:
        """Remove the exact key; if it is missing, every other form of the same key."""
        from dockcred.stores import server_keys  # noqa: PLC0415 - as above

        kept = self.list()
        doomed = [server.raw] if server.raw in kept else server_keys.same(server, kept)
        # A locked keyring may hide items from the list, so remove the name even if it
        # is not in the list.
        names = doomed or [server.raw]
        self.keychain.remove([key + self._suffix for key in names])

    def after_answer(self) -> None:
        """Do nothing: a keychain defers no work until after the answer."""

    def _kept_for(self, server: ServerURL) -> list[str]:
        """Return this account's keys: at least those that may match the server.

        A keychain that is slow to list has a method `near`. It gets the forms of the
        key that clients write, and need not return other keys.
        """
        near = getattr(self.keychain, "near", None)
        if near is None:
            return self._of_account(self.keychain.users())
        from dockcred.stores import server_keys  # noqa: PLC0415 - as above

        forms = server_keys.forms(server)
        return self._of_account(near([key + self._suffix for key in forms]))

    def _of_account(self, names: Iterable[str]) -> list[str]:
        from dockcred.stores import server_keys  # noqa: PLC0415 - as above

        found = []
        for name in names:
            key, mark, account = name.partition(_MARK)
            if mark + account == self._suffix and server_keys.parse(key):
                found.append(key)
        return found

    def list(self) -> dict[str, str]:
        """Return the user of every key of this account that a request can name."""
        users = self.keychain.users()
        return {key: users[key + self._suffix] for key in self._of_account(users)}
