"""A store over any backend of the keyring library, such as KWallet.

keyring cannot search or list. So each credential is an envelope: a JSON object under a
fixed account. One more item is the index of all keys. An envelope is written before the
index, and removed after it. So a crash may leave an envelope that only `get` finds, but
never a key in the index without an envelope.
"""

from __future__ import annotations

import json
import logging
import os
import warnings

from keyring import errors

from dockcred.credential import Credential
from dockcred.stores import choice, keyring_backend
from dockcred.stores.guarded_file import GuardedFile
from dockcred.stores.problems import (
    KeychainAbsentError,
    KeychainError,
    KeychainLockedError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeVar

    from dockcred.system.environment import Environment

    T = TypeVar("T")

_SERVICE = "docker-credential-keyring"
_ACCOUNT = "credential"
_INDEX = "index"
_VERSION = 1


class AnyKeyring:
    """Envelopes in the backend that keyring is configured to use."""

    def __init__(self, environment: Environment, backend: str = "") -> None:
        """Load the backend; raise InsecureKeychainError if it keeps plaintext."""
        # Some clients merge stderr into the answer, so a backend must print nothing.
        logging.disable(logging.CRITICAL)
        warnings.simplefilter("ignore")
        self._backend = keyring_backend.load(environment, backend)
        self._lock = f"{os.path.dirname(choice.vault_path(environment))}/keyring"

    def read(self, key: str) -> Credential | None:
        """Return the credential in the key's envelope, or None if there is none."""
        text = self._get(f"{_SERVICE}:{key}", _ACCOUNT)
        if text is None:
            return None
        try:
            envelope = json.loads(text)
            return Credential(envelope["Username"], envelope["Secret"])
        except (ValueError, KeyError, TypeError):
            raise KeychainError(
                "the keyring's item is not one of ours", f"remove it: {_SERVICE}:{key}"
            ) from None

    def write(self, key: str, credential: Credential) -> None:
        """Write the envelope, then its key to the index."""
        envelope = {
            "v": _VERSION,
            "ServerURL": key,
            "Username": credential.username,
            "Secret": credential.secret,
        }
        with self._locked():
            self._set(f"{_SERVICE}:{key}", _ACCOUNT, json.dumps(envelope))
            index = self.users()
            index[key] = credential.username
            self._set(_SERVICE, _INDEX, json.dumps(index))

    def remove(self, keys: Iterable[str]) -> None:
        """Remove the keys from the index, then their envelopes."""
        doomed = set(keys)
        with self._locked():
            kept = {key: u for key, u in self.users().items() if key not in doomed}
            self._set(_SERVICE, _INDEX, json.dumps(kept))
            for key in doomed:
                self._delete(f"{_SERVICE}:{key}")

    def users(self) -> dict[str, str]:
        """Return the index: the user of each key."""
        try:
            index: dict[str, str] = json.loads(self._get(_SERVICE, _INDEX) or "{}")
        except ValueError:
            raise KeychainError(
                "the keyring's index is not one of ours", f"remove it: {_SERVICE}"
            ) from None
        return index

    def _locked(self) -> GuardedFile:
        os.makedirs(os.path.dirname(self._lock), mode=0o700, exist_ok=True)
        return GuardedFile(self._lock)

    def _get(self, service: str, account: str) -> str | None:
        return _told(lambda: self._backend.get_password(service, account))

    def _set(self, service: str, account: str, text: str) -> None:
        _told(lambda: self._backend.set_password(service, account, text))

    def _delete(self, service: str) -> None:
        if self._get(service, _ACCOUNT) is not None:
            _told(lambda: self._backend.delete_password(service, _ACCOUNT))


class KWallet(AnyKeyring):
    """KDE's wallet, through keyring's own backend."""

    def __init__(self, environment: Environment) -> None:
        """Load keyring's backend for KWallet."""
        super().__init__(environment, "keyring.backends.kwallet.DBusKeyring")


def _told(call: Callable[[], T]) -> T:
    """Call a backend; raise its errors as our KeychainError and subclasses."""
    try:
        return call()
    except errors.KeyringLocked:
        raise KeychainLockedError("the keyring is locked", "unlock it first") from None
    except (errors.NoKeyringError, errors.InitError) as error:
        raise KeychainAbsentError(
            f"the keyring cannot be opened ({type(error).__name__})",
            "set DOCKCRED_STORE to another store",
        ) from None
    except errors.KeyringError as error:
        raise KeychainError(
            f"the keyring refused ({type(error).__name__})", "look into its own program"
        ) from None
