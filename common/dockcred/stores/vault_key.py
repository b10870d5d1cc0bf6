"""Find the vault's key: in a file, in the kernel's keyring, or from a passphrase."""

from __future__ import annotations

import base64
import errno
import hashlib
import os
import sys

from dockcred import system
from dockcred.stores.choice import named_place
from dockcred.stores.problems import KeychainError, KeychainLockedError
from dockcred.system import process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from dockcred.stores.vault_file import VaultFile
    from dockcred.system.environment import Environment


_USER_KEYRING = -4
_SETPERM, _UNLINK, _SEARCH, _READ, _SET_TIMEOUT = 5, 9, 10, 11, 15
_POSSESSOR_ALL_USER_READ = 0x3F0B0000
_TYPE = b"user"
_MAX_BYTES = 64
# The system call numbers of add_key and keyctl for each machine (the kernel's
# include/uapi/asm/unistd*.h). The second row is the kernel's generic table, which every
# newer architecture uses.
_NUMBERS = {
    "x86_64": (248, 250),
    "aarch64": (217, 219),
    "riscv64": (217, 219),
    "loongarch64": (217, 219),
    "ppc64le": (269, 271),
    "s390x": (278, 280),
    "armv7l": (309, 311),
}


def read(name: str) -> bytes | None:
    """Return the key of this name from the kernel's keyring, or None."""
    if not _numbers():
        return None
    serial = _keyctl(_SEARCH, _USER_KEYRING, _TYPE, _description(name), 0)
    if serial < 0:
        return None
    import ctypes  # noqa: PLC0415 - only where a key was found

    buffer = ctypes.create_string_buffer(_MAX_BYTES)
    size = _keyctl(_READ, serial, buffer, _MAX_BYTES)
    return buffer.raw[:size] if 0 <= size <= _MAX_BYTES else None


def write(name: str, key: bytes, seconds: int) -> bool:
    """Put a key into the kernel's keyring; return whether that worked.

    It expires after `seconds`; 0 means never.
    """
    if not (numbers := _numbers()):
        return False
    serial = _syscall(
        numbers[0], _TYPE, _description(name), key, len(key), _USER_KEYRING
    )
    if serial < 0:
        return False
    _keyctl(_SETPERM, serial, _POSSESSOR_ALL_USER_READ)
    _keyctl(_SET_TIMEOUT, serial, seconds)
    return read(name) == key


def forget(name: str) -> None:
    """Remove a key from the kernel's keyring; it may be missing."""
    if _numbers():
        serial = _keyctl(_SEARCH, _USER_KEYRING, _TYPE, _description(name), 0)
        if serial >= 0:
            _keyctl(_UNLINK, serial, _USER_KEYRING)


def _description(name: str) -> bytes:
    return b"dockcred-vault:" + name.encode("ascii", "replace")


def _numbers() -> tuple[int, int] | None:
    if sys.platform != "linux":
        return None
    return _NUMBERS.get(os.uname().machine)


def _keyctl(operation: int, *arguments: object) -> int:
    numbers = _numbers()
    return _syscall(numbers[1], operation, *arguments) if numbers else -1


def _syscall(number: int, *arguments: object) -> int:
    import ctypes  # noqa: PLC0415 - only where a vault's key may be in the kernel

    call = ctypes.CDLL(None).syscall
    call.restype = ctypes.c_long
    words = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    return int(call(ctypes.c_long(number), *words))


KEY_CREDENTIAL = "dockcred-vault-key"
PASSPHRASE_CREDENTIAL = "dockcred-vault-passphrase"  # noqa: S105 - a file's name
_KEY_FILE = "DOCKCRED_VAULT_KEY_FILE"
_PASSPHRASE_FILE = "DOCKCRED_VAULT_PASSPHRASE_FILE"  # noqa: S105 - a variable's name
_MAX_FILE_BYTES = 4096
# The parameters that OWASP recommends first for scrypt: 128 MiB and about 0.4 s for
# each guess.
_SCRYPT = {"n": 2**17, "r": 8, "p": 1}
_SCRYPT_MAX_BYTES = 2**28


def find(vault: VaultFile, environment: Environment) -> bytes:
    """Return the vault's key; raise KeychainLockedError if it is found nowhere."""
    made_from_passphrase = vault.key["kind"] == "scrypt"
    if made_from_passphrase:
        path = _first_file(environment, _PASSPHRASE_FILE, PASSPHRASE_CREDENTIAL)
        if path:
            return derive(read_passphrase(path), vault.key)
    else:
        path = _first_file(environment, _KEY_FILE, KEY_CREDENTIAL)
        path = path or str(vault.key.get("path", ""))
        if path:
            return read_key(path)
    if (held := read(vault.id)) is not None:
        return held
    raise KeychainLockedError(
        "the vault is locked",
        "run 'dockcred vault unlock', or name its passphrase's file in "
        "DOCKCRED_VAULT_PASSPHRASE_FILE"
        if made_from_passphrase
        else "name its key's file in DOCKCRED_VAULT_KEY_FILE",
    )


def _first_file(environment: Environment, variable: str, credential: str) -> str:
    if named := named_place(environment, variable):
        return named
    directory = environment.get("CREDENTIALS_DIRECTORY")
    path = f"{directory}/{credential}"
    return path if directory and os.path.exists(path) else ""


def new_passphrase_key() -> dict[str, Any]:
    """Return the description of a new key from a passphrase, with a new salt."""
    return {"kind": "scrypt", "salt": os.urandom(16).hex(), **_SCRYPT}


def derive(passphrase: bytes, description: dict[str, Any]) -> bytes:
    """Return the key for a passphrase, made as the vault's header describes.

    Raises KeychainError for an invalid description.
    """
    from dockcred.stores.vault_file import KEY_BYTES  # noqa: PLC0415 - an extra

    process.set_activity("deriving the vault's key from its passphrase")
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
    except (KeyError, TypeError, ValueError, OverflowError):
        raise KeychainError(
            "the vault's header describes no key", "restore the file from a backup"
        ) from None


def read_passphrase(path: str) -> bytes:
    """Return the passphrase in a file, without the line end.

    Raises KeychainError if it is empty.
    """
    passphrase = _read_private(path, _PASSPHRASE_FILE).rstrip(b"\r\n")
    if not passphrase:
        raise KeychainError(
            "the vault's passphrase file is empty", "write the passphrase into it"
        )
    return passphrase


def read_key(path: str) -> bytes:
    """Return the key in a file: 32 bytes in base64; KeychainError for others."""
    from dockcred.stores.vault_file import KEY_BYTES  # noqa: PLC0415 - an extra

    try:
        key = base64.b64decode(_read_private(path, _KEY_FILE).strip(), validate=True)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise KeychainError(
            f"{path} holds no vault key", "it has 32 bytes in base64, on one line"
        )
    return key


def read_own_key(path: str) -> bytes:
    """Return the key in a file; raise KeychainError if another user owns the file."""
    if system.lstat(path).st_uid != system.user():
        raise KeychainError(f"{path} is not a file of this user", "name another file")
    return read_key(path)


def write_key(path: str, key: bytes) -> None:
    """Create a key file that only its owner can read.

    Raises FileExistsError if the path exists.
    """
    from dockcred.system import private_file, shared_file  # noqa: PLC0415 - here only

    os.makedirs(os.path.dirname(path) or ".", mode=0o700, exist_ok=True)
    private_file.remove_leftovers(*os.path.split(path))
    if os.path.lexists(path) or not shared_file.swap(
        path, None, base64.b64encode(key) + b"\n"
    ):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)


def _read_private(path: str, variable: str) -> bytes:
    """Return the content of a small file.

    Raises KeychainError if others can read it, or the group can write it. The group may
    read it: systemd protects its credentials by their directory, and may set an ACL.
    Raises KeychainLockedError if the file cannot be read.
    """
    try:
        with open(path, "rb") as file:
            status = system.fstat(file.fileno())
            if status.st_mode & 0o007 or status.st_mode & 0o020:
                raise KeychainError(
                    f"others can read or change {path}", f"run 'chmod 600 {path}'"
                )
            return file.read(_MAX_FILE_BYTES)
    except OSError as error:
        raise KeychainLockedError(
            f"the vault's key cannot be read: {path}: {error.strerror}",
            f"bring it back, or name the right file in {variable}",
        ) from None
