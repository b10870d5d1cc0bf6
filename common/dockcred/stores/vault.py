"""The vault: a store in one encrypted file, for machines without a keychain.

It protects against anyone who gets the file without the key: in a backup, a disk image
or a copied home directory, or as another user. It does not protect against root, nor
against programs of the same user that can read the key, nor against a replacement of
the file by an older copy.
"""

from __future__ import annotations

import json
import os

from dockcred.credential import Credential
from dockcred.stores import choice, vault_key
from dockcred.stores.guarded_file import GuardedFile
from dockcred.stores.problems import KeychainError
from dockcred.stores.vault_file import RESTORE, VaultDamagedError, VaultFile
from dockcred.system import environment, file_lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from dockcred.system.environment import Environment

    Content = dict[str, dict[str, str]]


class Vault:
    """Credentials by key. Each change writes a new file, under the lock."""

    def __init__(self, variables: Environment) -> None:
        """Hold the variables that name the vault's file and its key."""
        self._environment = variables
        self._file = GuardedFile(choice.vault_path(variables))

    def read(self, key: str) -> Credential | None:
        """Return the credential from the present file, or None."""
        kept = self._content().get(key)
        return Credential(kept["username"], kept["secret"]) if kept else None

    def write(self, key: str, credential: Credential) -> None:
        """Write the credential."""
        fields = {"username": credential.username, "secret": credential.secret}
        self._change(lambda content: content.update({key: fields}))

    def remove(self, keys: Iterable[str]) -> None:
        """Remove the keys, all in one change."""

        def drop(content: Content) -> None:
            for key in keys:
                content.pop(key, None)

        self._change(drop)

    def users(self) -> dict[str, str]:
        """Return every key with its user."""
        return {key: kept["username"] for key, kept in self._content().items()}

    def _content(self) -> Content:
        vault = VaultFile.parse(self._file.read())
        return _decode(vault.open(vault_key.find(vault, self._environment)))

    def _change(self, change: Callable[[Content], None]) -> None:
        with self._file as file:
            vault = VaultFile.parse(file.read())
            key = vault_key.find(vault, self._environment)
            content = _decode(vault.open(key))
            change(content)
            file.replace(vault.seal(key, _encode(content)))


def create(path: str, key: bytes, description: dict[str, Any]) -> VaultFile:
    """Create an empty vault; raise KeychainError if there is one already."""
    directory = os.path.dirname(os.path.realpath(path))
    vault = VaultFile(os.urandom(8).hex(), description)
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
    except OSError as error:
        found = file_lock.remedy(error, environment.current())
        raise KeychainError(f"{directory}: {error.strerror}", found) from None
    with GuardedFile(path) as file:
        if os.path.exists(file.path):
            raise KeychainError(
                f"there is a vault at {file.path} already", "remove it first"
            )
        file.replace(vault.seal(key, _encode({})))
    return vault


def _encode(content: Content) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def _decode(data: bytes) -> Content:
    try:
        content: Content = json.loads(data)
        for kept in content.values():
            "".join((kept["username"], kept["secret"]))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise VaultDamagedError(
            "the vault's content is not what it must be", RESTORE
        ) from None
    return content
