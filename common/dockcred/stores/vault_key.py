"""Where the vault's key comes from: a file, a passphrase, systemd, the kernel.

What is named for this call comes first, then systemd's credentials
(https://systemd.io/CREDENTIALS/), then what the vault's header points to, then the
kernel's keyring.
"""

from __future__ import annotations

import base64
import errno
import hashlib
import os

from dockcred import watchdog
from dockcred.stores import kernel_keyring, vault_place
from dockcred.stores.problems import KeychainError, KeychainLockedError
from dockcred.stores.vault_file import KEY_BYTES, VaultFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from dockcred.environment import Environment

KEY_CREDENTIAL = "dockcred-vault-key"
PASSPHRASE_CREDENTIAL = "dockcred-vault-passphrase"  # noqa: S105 - a file's name
_MAX_FILE_BYTES = 4096
# OWASP's first choice for scrypt: 128 MiB and about 0.4 s for each guess.
_SCRYPT = {"n": 2**17, "r": 8, "p": 1}
_SCRYPT_MAX_BYTES = 2**28


def find(vault: VaultFile, environment: Environment) -> bytes:
    """Answer the vault's key; KeychainLockedError where nothing holds it."""
    made_from_passphrase = vault.key["kind"] == "scrypt"
    if made_from_passphrase:
        path = _first_file(
            environment, "DOCKCRED_VAULT_PASSPHRASE_FILE", PASSPHRASE_CREDENTIAL
        )
        if path:
            return derive(read_passphrase(path), vault.key)
    else:
        path = _first_file(environment, "DOCKCRED_VAULT_KEY_FILE", KEY_CREDENTIAL)
        path = path or str(vault.key.get("path", ""))
        if path:
            return read_key(path)
    if (held := kernel_keyring.read(vault.id)) is not None:
        return held
    raise KeychainLockedError(
        "the vault is locked",
        "run 'dockcred vault unlock', or name its passphrase's file in "
        "DOCKCRED_VAULT_PASSPHRASE_FILE"
        if made_from_passphrase
        else "name its key's file in DOCKCRED_VAULT_KEY_FILE",
    )


def _first_file(environment: Environment, variable: str, credential: str) -> str:
    if named := vault_place.named(environment, variable):
        return named
    directory = environment.get("CREDENTIALS_DIRECTORY")
    path = f"{directory}/{credential}"
    return path if directory and os.path.exists(path) else ""


def new_passphrase_key() -> dict[str, Any]:
    """Describe a key that is made from a passphrase, with a salt of its own."""
    return {"kind": "scrypt", "salt": os.urandom(16).hex(), **_SCRYPT}


def derive(passphrase: bytes, description: dict[str, Any]) -> bytes:
    """Make the key from a passphrase, as the vault's header describes."""
    watchdog.doing("deriving the vault's key from its passphrase")
    try:
        return hashlib.scrypt(
            passphrase,
            salt=bytes.fromhex(description["salt"]),
            n=int(description["n"]),
            r=int(description["r"]),
            p=int(description["p"]),
            maxmem=_SCRYPT_MAX_BYTES,
            dklen=KEY_BYTES,
        )
    except (KeyError, TypeError, ValueError):
        raise KeychainError("the vault's header describes no key") from None


def read_passphrase(path: str) -> bytes:
    """Read a passphrase's file, without the line's end."""
    passphrase = _read_private(path).rstrip(b"\r\n")
    if not passphrase:
        raise KeychainError("the vault's passphrase file is empty")
    return passphrase


def read_key(path: str) -> bytes:
    """Read a key's file: 32 bytes in base64."""
    try:
        key = base64.b64decode(_read_private(path).strip(), validate=True)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise KeychainError(
            f"{path} holds no vault key", "it has 32 bytes in base64, on one line"
        )
    return key


def read_own_key(path: str) -> bytes:
    """Read a key's file of this user's own; KeychainError for another's."""
    if os.lstat(path).st_uid != os.geteuid():
        raise KeychainError(f"{path} is not a file of this user", "name another file")
    return read_key(path)


def write_key(path: str, key: bytes) -> None:
    """Make a new key's file for its owner alone; FileExistsError where one is."""
    from dockcred.system import private_file, shared_file  # noqa: PLC0415 - here only

    os.makedirs(os.path.dirname(path) or ".", mode=0o700, exist_ok=True)
    private_file.remove_leftovers(*os.path.split(path))
    if os.path.lexists(path) or not shared_file.swap(
        path, None, base64.b64encode(key) + b"\n"
    ):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)


def _read_private(path: str) -> bytes:
    """Read a small file, refusing one that others can read.

    systemd's credentials are guarded by their directory and may have an ACL.
    """
    try:
        with open(path, "rb") as file:
            status = os.fstat(file.fileno())
            if status.st_mode & 0o007 or status.st_mode & 0o020:
                raise KeychainError(
                    f"others can read or change {path}", f"run 'chmod 600 {path}'"
                )
            return file.read(_MAX_FILE_BYTES)
    except OSError as error:
        raise KeychainLockedError(
            f"the vault's key cannot be read: {path}: {error.strerror}"
        ) from None
