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

        for key in server_keys.nearest(server, self._kept_for(server)):
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

    def after_answer(self) -> None:
        """Do nothing: nothing is left to do."""

    def _kept_for(self, server: ServerURL) -> list[str]:
        """Return the keys of this account, those at least that may answer for it.

        A keychain that is slow to list has `near`: it is told the forms that clients
        write, and need not return others.
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
        """Return every key of this account that a `get` can name."""
        users = self.keychain.users()
        return {key: users[key + self._suffix] for key in self._of_account(users)}
