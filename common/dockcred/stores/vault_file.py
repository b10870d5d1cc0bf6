"""Read and write the vault's file: a version line, a plain header, an encrypted box.

    dockcred-vault 1
    {"id":…,"key":…,"check":…,"nonce":…,"size":…}
    AES-256-GCM of the credentials; it authenticates both lines above too

`check` distinguishes a wrong key from a damaged file. `size` shows that a file is
truncated. The header says how the key is made, never what it is.
"""

from __future__ import annotations

import hashlib
import json
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dockcred.stores.problems import KeychainError, KeychainLockedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

VERSION = 1
KEY_BYTES = 32
_MAGIC = b"dockcred-vault "
_NONCE_BYTES = 12
_CHECK_BYTES = 8
RESTORE = "restore the file from a backup, or remove it and create a new vault"


class VaultVersionError(KeychainError):
    """The file has a format version that this program cannot read."""


class VaultTruncatedError(KeychainError):
    """The file is truncated, or is not a vault."""


class VaultDamagedError(KeychainError):
    """The file was changed after it had been written."""


class VaultKeyError(KeychainLockedError):
    """The passphrase or key is wrong for this vault."""


class VaultFile:
    """The file's plain header and its encrypted box."""

    def __init__(self, vault_id: str, key: dict[str, Any]) -> None:
        """Describe a new vault; `key` says how its key is made."""
        self.id = vault_id
        self.key = key
        self._header: dict[str, Any] = {}
        self._clear = b""
        self._box = b""

    @classmethod
    def parse(cls, data: bytes) -> VaultFile:
        """Parse a file's content.

        Raises VaultVersionError, VaultTruncatedError or VaultDamagedError.
        """
        first, _, rest = data.partition(b"\n")
        if not first.startswith(_MAGIC):
            raise VaultTruncatedError("the vault's file is not a vault", RESTORE)
        version = first.removeprefix(_MAGIC).decode("ascii", "replace")
        if version != str(VERSION):
            raise VaultVersionError(
                f"the vault's file is of version {version}; "
                f"this program reads version {VERSION}",
                "use the dockcred that wrote it to import it into another store",
            )
        line, end, box = rest.partition(b"\n")
        if not end:
            raise VaultTruncatedError("the vault's file is truncated", RESTORE)
        try:
            header = json.loads(line)
            found = cls(header["id"], header["key"])
            header["nonce"] = bytes.fromhex(header["nonce"])
            size = int(header["size"])
            str(header["check"]), str(found.key["kind"])
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
            raise VaultDamagedError("the vault's header is damaged", RESTORE) from None
        if len(box) < size:
            raise VaultTruncatedError("the vault's file is truncated", RESTORE)
        found._header, found._box = header, box
        found._clear = data[: len(data) - len(box)]
        return found

    def accepts(self, key: bytes) -> bool:
        """Return whether this is the vault's key, without decrypting the box."""
        return bool(self._header["check"] == _check(key))

    def open(self, key: bytes) -> bytes:
        """Return the decrypted box; raise VaultKeyError or VaultDamagedError."""
        if not self.accepts(key):
            raise VaultKeyError(
                "the passphrase or key does not open the vault",
                "name the right one in DOCKCRED_VAULT_PASSPHRASE_FILE or "
                "DOCKCRED_VAULT_KEY_FILE, or run 'dockcred vault unlock'",
            )
        try:
            return AESGCM(key).decrypt(self._header["nonce"], self._box, self._clear)
        except (InvalidTag, ValueError):
            raise VaultDamagedError(
                "the vault's file was changed or damaged since it was written",
                RESTORE,
            ) from None

    def seal(self, key: bytes, content: bytes) -> bytes:
        """Return the bytes of a file with this content, encrypted."""
        nonce = os.urandom(_NONCE_BYTES)
        header = {
            "id": self.id,
            "key": self.key,
            "check": _check(key),
            "nonce": nonce.hex(),
            "size": len(content) + 16,
        }
        line = json.dumps(header, separators=(",", ":")).encode("ascii")
        clear = b"%s%d\n%s\n" % (_MAGIC, VERSION, line)
        return clear + AESGCM(key).encrypt(nonce, content, clear)


def _check(key: bytes) -> str:
    return hashlib.sha256(b"dockcred vault check\0" + key).digest()[:_CHECK_BYTES].hex()
